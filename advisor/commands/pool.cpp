// pg_triage pool: how many connections each pool needs, what waiting that costs, and why; as
// configuration, too.
#include "commands/command.h"
#include "json_figures.h"
#include "output.h"
#include "pool_advice.h"
#include "pool_live.h"
#include "pooler_console.h"
#include "render/pools.h"
#include "render/render.h"
#include "snapshot.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

namespace triage::advisor {

namespace {

const std::map<std::string, Saturation> saturations = {{"normal", Saturation::Normal},
                                                       {"busy", Saturation::Busy},
                                                       {"saturated", Saturation::Saturated}};

const std::map<std::string, ClientPool> client_pools = {
    {"hikari", ClientPool::Hikari},
    {"sqlalchemy", ClientPool::SqlAlchemy},
    {"pgx", ClientPool::Pgx},
    {"node-postgres", ClientPool::NodePostgres}};

class PoolCommand : public Command {
  public:
    std::string name() const override { return "pool"; }
    std::string summary() const override {
        return "size connection pools from what was observed at any load";
    }
    std::string details() const override {
        return "Sizes follow from a queueing model of what transactions need; simulated waits are "
               "printed beside them. The server is watched for a while, or a file tells what was "
               "observed; docs/pools.md describes the file and the model.";
    }

    void define(CLI::App &app) override {
        auto *file = app.add_option("--from-file", file_,
                                    "observations in JSON instead of a server's; \"-\" is standard "
                                    "input")
                         ->type_name("FILE");
        app.add_option("--observe", observe_s_,
                       "watch the server, or only the pooler, for this time (default 60)")
            ->type_name("SECONDS")
            ->check(CLI::Range(1, 86400));
        app.add_option("--cores", cores_, "processors of the server, where it is another machine")
            ->type_name("N")
            ->check(CLI::Range(1, 4096))
            ->excludes(file);
        app.add_option("--pgbouncer", pgbouncer_,
                       "observe through this PgBouncer, too: its admin console, as libpq takes it")
            ->type_name("CONNINFO");
        app.add_option("--emit", emit_,
                       "write configuration instead: pgbouncer, sql (timeouts, max_connections), "
                       "hikari, sqlalchemy, pgx, node-postgres or json; observations: what was "
                       "seen, as --from-file takes it")
            ->type_name("KIND")
            ->check(CLI::IsMember({"pgbouncer", "sql", "hikari", "sqlalchemy", "pgx",
                                   "node-postgres", "json", "observations"}));
        app.add_option("--saturation", saturation_,
                       "size bulk lanes for a server that is normal (default), busy or saturated; "
                       "auto: as urgent lanes load it, with --from-file and --pgbouncer now")
            ->type_name("STATE")
            ->check(CLI::IsMember({"normal", "busy", "saturated", "auto"}));
        app.add_flag("--reload", reload_, "have the pooler read --output, if that has changed");
        app.add_option("--processes", processes_,
                       "application processes that share a lane, for client pools (default 1)")
            ->type_name("N")
            ->check(CLI::Range(1, 100000));
        app.add_option("--rate", rates_, "predict waits at this many transactions a second, too")
            ->type_name("TPS")
            ->check(CLI::PositiveNumber);
        app.add_option("--size", size_, "with --rate: at this pool size instead of the advised one")
            ->type_name("N")
            ->check(CLI::Range(1, 100000));
    }

    ExitStatus run(const Options &options) override {
        check_options(options);
        const PoolObservations observations = observe(options);
        if (emit_ == "observations") {
            write_output(options, text_of_observations(observations));
            return ExitStatus::Fine;
        }
        const std::string written = previous_output(options);
        PoolsAdvice advice = advise_pools(observations, lane_load(observations, options, written));
        for (AdvisedPool &pool : advice.pools)
            add_rates(pool);
        if (emit_.empty() || emit_ == "json") {
            Options shown = options;
            if (emit_ == "json")
                shown.format = Format::Json;
            show(
                shown, [&] { return document_of_pools(advice); },
                [&] { return json_of_pools(advice); });
        } else {
            EmittedPools pools = emitted_pools(observations, advice);
            pools.program = "pg_triage " PG_TRIAGE_VERSION;
            const std::string text = emitted(pools);
            if (!reload_)
                write_output(options, text);
            else if (text != written)
                replace_and_reload(options, pools, written, text);
        }
        return ExitStatus::Fine;
    }

  private:
    // The file says what is in force: if the pooler does not take it, what was there is put back.
    void replace_and_reload(const Options &options, const EmittedPools &pools,
                            const std::string &before, const std::string &text) const {
        std::vector<std::string> bulk;
        for (const EmittedPool &pool : pools.pools)
            if (is_bulk(pool.plan.lane))
                bulk.push_back(pool.plan.name);
        PoolerConsole pooler(pgbouncer_);
        write_output(options, text);
        try {
            pooler.reload(bulk);
        } catch (const Failure &) {
            write_output(options, before);
            throw;
        }
    }

    bool watches_pooler_only() const {
        return !file_.empty() && saturation_ == "auto" && !pgbouncer_.empty();
    }

    void check_options(const Options &options) const {
        if (!file_.empty() && !watches_pooler_only() &&
            (observe_s_ || (!pgbouncer_.empty() && !reload_)))
            throw Failure(ExitStatus::Usage, "a file of observations is not watched", {},
                          "With --from-file, --pgbouncer and --observe are for --saturation auto.");
        if (reload_ && (pgbouncer_.empty() || emit_ != "pgbouncer" || options.output_file.empty()))
            throw Failure(ExitStatus::Usage,
                          "--reload needs --emit pgbouncer, --output and --pgbouncer");
    }

    // The fragment that there is.
    std::string previous_output(const Options &options) const {
        std::error_code nothing;
        const bool wanted = emit_ == "pgbouncer" && !options.output_file.empty() &&
                            std::filesystem::is_regular_file(options.output_file, nothing);
        return wanted ? read_text_file(options.output_file) : std::string();
    }

    std::chrono::seconds duration() const { return std::chrono::seconds(observe_s_.value_or(60)); }

    LaneLoad lane_load(const PoolObservations &observations, const Options &options,
                       const std::string &written) const {
        LaneLoad load;
        if (saturation_ != "auto") {
            load.state = saturations.at(saturation_);
            return load;
        }
        load.before = saturation_of_fragment(written).value_or(Saturation::Normal);
        if (watches_pooler_only()) {
            PoolerConsole pooler(pgbouncer_);
            load.rates_per_s = watch_rates(pooler, duration(), options);
            // The others are taken to have as much.
            const int poolers = observations.fleet ? std::max(observations.fleet->poolers, 1) : 1;
            for (auto &[alias, rate] : load.rates_per_s)
                rate *= poolers;
        }
        return load;
    }

    PoolObservations observe(const Options &options) const {
        if (!file_.empty()) {
            PoolObservations observations = parse_pool_observations(read_text_file(file_));
            if (observations.pools.empty())
                throw Failure(
                    ExitStatus::Usage, "the file has no pools", {},
                    "List what was observed under \"pools\", as docs/pools.md describes.");
            return observations;
        }
        Server server(options.connection, Access::ReadOnly, options.statement_timeout);
        read_identity(server);
        PoolObservations observations =
            watch_pools(server, {duration(), cores_, pgbouncer_}, options);
        if (observations.pools.empty())
            throw Failure(ExitStatus::ActionFailed,
                          pgbouncer_.empty() ? "no database had enough transactions to tell"
                                             : "no alias of the pooler had enough transactions",
                          fmt::format("The server was watched for {} seconds.", duration().count()),
                          "Watch it while it is in use, or for longer with --observe.");
        return observations;
    }

    void add_rates(AdvisedPool &pool) const {
        std::mt19937_64 random(1);
        pool.asked_size = size_ > 0 ? size_ : pool.advice.size;
        for (double rate : rates_) {
            auto points = waits_at_size(pool.observed.observation, pool.advice.demands,
                                        pool.asked_size, rate, {1.0}, random);
            points.front().load = rate / pool.advice.size_per_s;
            pool.at_rate.push_back(points.front());
        }
    }

    std::string emitted(const EmittedPools &pools) const {
        if (emit_ == "pgbouncer")
            return pgbouncer_fragment(pools);
        if (emit_ == "sql")
            return server_settings(pools);
        std::string text;
        for (const EmittedPool &pool : pools.pools)
            text += (text.empty() ? "" : "\n") +
                    client_pool(client_pools.at(emit_), pools, pool, processes_);
        return text;
    }

    std::string file_, emit_, pgbouncer_, saturation_ = "normal";
    std::vector<double> rates_;
    int size_ = 0, processes_ = 1;
    std::optional<int> cores_, observe_s_;
    bool reload_ = false;
};

} // namespace

std::unique_ptr<Command> make_pool_command() {
    return std::make_unique<PoolCommand>();
}

} // namespace triage::advisor
