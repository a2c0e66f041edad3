// pg_triage scale: how many replicas of each application may run, how many the week needs, and
// whether their connections fit the server.
#include "commands/command.h"
#include "emit/kubernetes.h"
#include "json_figures.h"
#include "output.h"
#include "render/render.h"
#include "render/scaling.h"

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
        return "docs/pools.md describes the file. The forecast's error on weeks that it had not "
               "seen is printed beside that of the same hour of last week.";
    }
    bool connects() const override { return false; }

    void define(CLI::App &app) override {
        app.add_option("--from-file", file_, "fleet and demand in JSON; \"-\" is standard input")
            ->type_name("FILE")
            ->required();
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
        const PoolObservations observations = parse_pool_observations(read_text_file(file_));
        if (!observations.fleet)
            throw Failure(ExitStatus::Usage, "the file has no fleet", {},
                          "Describe the applications under \"fleet\", as docs/pools.md does.");
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
};

} // namespace

std::unique_ptr<Command> make_scale_command() {
    return std::make_unique<ScaleCommand>();
}

} // namespace triage::advisor
