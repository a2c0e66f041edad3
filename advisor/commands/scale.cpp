// pg_triage scale: how many replicas of each application may run, how many the week needs, and
// whether their connections fit the server.
#include "commands/command.h"
#include "emit/kubernetes.h"
#include "fleet_live.h"
#include "json_figures.h"
#include "output.h"
#include "render/render.h"
#include "render/scaling.h"
#include "snapshot.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace triage::advisor {

namespace {

class ScaleCommand : public Command {
  public:
    std::string name() const override { return "scale"; }
    std::string summary() const override {
        return "replicas within the connection budget, and by hour of week";
    }
    std::string details() const override {
        return "Limits and demand come from the server, or from a file that docs/pools.md "
               "describes. The forecast's error on weeks that it had not "
               "seen is printed beside that of the same hour of last week.";
    }

    void define(CLI::App &app) override {
        auto *file = app.add_option("--from-file", file_,
                                    "fleet and demand in JSON instead of a server's; \"-\" is "
                                    "standard input")
                         ->type_name("FILE");
        const auto assumed = [&](const char *name, auto &value, const char *what) {
            app.add_option(name, value, what)
                ->type_name("N")
                ->check(CLI::PositiveNumber)
                ->excludes(file);
        };
        assumed("--min-replicas", assumptions_.min_replicas,
                "without a file: least pods of each application (default 3)");
        assumed("--max-replicas", assumptions_.max_replicas,
                "without a file: most pods of each application (default 100)");
        assumed("--pool", assumptions_.pool,
                "without a file: connections of each pod (default 10)");
        assumed("--demand-a-replica", assumptions_.demand_a_replica,
                "without a file: busy sessions that one pod is good for (default: not known)");
        app.add_option("--emit", emit_, "write manifests instead: hpa, keda or json")
            ->type_name("KIND")
            ->check(CLI::IsMember({"hpa", "keda", "json"}));
        app.add_option("--time-zone", time_zone_,
                       "time zone of the demand's hours, for cron triggers (default Etc/UTC)")
            ->type_name("ZONE");
        app.add_option("--quiet-hours", quiet_hours_,
                       "length of the quiet window to look for (default 3)")
            ->type_name("HOURS")
            ->check(CLI::Range(1, 168));
    }

    ExitStatus run(const Options &options) override {
        const PoolObservations observations = observe(options);
        const ScalingAdvice advice = advise_scaling(observations, quiet_hours_);
        if (emit_ == "hpa" || emit_ == "keda") {
            write_output(options, manifests(advice));
        } else {
            Options shown = options;
            if (emit_ == "json")
                shown.format = Format::Json;
            show(
                shown, [&] { return document_of_scaling(advice); },
                [&] { return json_of_scaling(advice); });
        }
        return advice.budget.fits ? ExitStatus::Fine : ExitStatus::CheckFailed;
    }

  private:
    PoolObservations observe(const Options &options) const {
        if (!file_.empty()) {
            PoolObservations observations = parse_pool_observations(read_text_file(file_));
            if (!observations.fleet)
                throw Failure(ExitStatus::Usage, "the file has no fleet", {},
                              "Describe the applications under \"fleet\", as docs/pools.md does.");
            return observations;
        }
        if (assumptions_.min_replicas > assumptions_.max_replicas)
            throw Failure(ExitStatus::Usage, "--min-replicas is more than --max-replicas");
        Server server(options.connection, Access::ReadOnly, options.statement_timeout);
        read_identity(server);
        PoolObservations observations = read_fleet(server, assumptions_);
        if (observations.applications.empty())
            throw Failure(ExitStatus::ActionFailed, "the server has seen no application yet", {},
                          "Let pg_triage.activity_interval be more than 0, and connect with an "
                          "application_name.");
        return observations;
    }

    std::string manifests(const ScalingAdvice &advice) const {
        std::string text;
        for (const AdvisedScaling &scaling : advice.applications) {
            ScalingPlan plan = scaling.plan;
            plan.program = "pg_triage " PG_TRIAGE_VERSION;
            plan.time_zone = time_zone_;
            text += (text.empty() ? "" : "---\n") +
                    (emit_ == "hpa" ? horizontal_pod_autoscaler(plan) : keda_scaled_object(plan));
        }
        return text;
    }

    std::string file_, emit_, time_zone_ = "Etc/UTC";
    int quiet_hours_ = 3;
    ReplicaAssumptions assumptions_;
};

} // namespace

std::unique_ptr<Command> make_scale_command() {
    return std::make_unique<ScaleCommand>();
}

} // namespace triage::advisor
