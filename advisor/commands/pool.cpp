// pg_triage pool: how many connections each pool needs, what waiting that costs, and why.
#include "commands/command.h"
#include "pool_observations.h"
#include "render/pools.h"
#include "render/render.h"

#include <CLI/CLI.hpp>

namespace triage::advisor {

namespace {

class PoolCommand : public Command {
  public:
    std::string name() const override { return "pool"; }
    std::string summary() const override {
        return "size connection pools from what was observed at any load";
    }
    std::string details() const override {
        return "Sizes follow from a queueing model of what transactions need; simulated waits are "
               "printed beside them. advisor/pool_observations.h describes the file and the model.";
    }

    void define(CLI::App &app) override {
        app.add_option("--from-file", file_, "observations in JSON; \"-\" is standard input")
            ->type_name("FILE")
            ->required();
        app.add_option("--rate", rates_, "predict waits at this many transactions a second, too")
            ->type_name("TPS")
            ->check(CLI::PositiveNumber);
        app.add_option("--size", size_, "with --rate: at this pool size instead of the advised one")
            ->type_name("N")
            ->check(CLI::Range(1, 100000));
    }

    ExitStatus run(const Options &options) override {
        const PoolObservations observations = read_pool_observations(file_);
        std::vector<AdvisedPool> pools;
        for (const PoolObservation &observation : observations.pools)
            pools.push_back(advise(observation, observations.machine));
        show(
            options, [&] { return document_of_pools(observations.machine, pools); },
            [&] { return json_of_pools(observations.machine, pools); });
        return ExitStatus::Fine;
    }

  private:
    // The same seed for each pool and run: the same observation gets the same advice.
    AdvisedPool advise(const PoolObservation &observation, const PoolMachine &machine) const {
        std::mt19937_64 random(1);
        AdvisedPool pool{observation, advise_pool(observation, machine, random), {}, 0};
        pool.asked_size = size_ > 0 ? size_ : pool.advice.size;
        for (double rate : rates_) {
            auto points = waits_at_size(observation, pool.advice.demands, pool.asked_size, rate,
                                        {1.0}, random);
            points.front().load = rate / pool.advice.size_per_s;
            pool.at_rate.push_back(points.front());
        }
        return pool;
    }

    std::string file_;
    std::vector<double> rates_;
    int size_ = 0;
};

} // namespace

std::unique_ptr<Command> make_pool_command() {
    return std::make_unique<PoolCommand>();
}

} // namespace triage::advisor
