// pg_triage check: are the targets met? One line a target; the exit status is the answer.
#include "commands/command.h"
#include "progress.h"
#include "render/json.h"
#include "render/render.h"
#include "render/targets.h"
#include "snapshot.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace triage::advisor {

namespace {

// Most severe first.
const std::array<std::string, 4> severities = {"critical", "high", "medium", "low"};

class CheckCommand : public Command {
  public:
    std::string name() const override { return "check"; }
    std::string summary() const override {
        return "check the targets; exit status 1 if one is missed";
    }
    std::string details() const override {
        return "Limits are rows of the table triage.targets. A target without evidence does not "
               "fail.";
    }

    void define(CLI::App &app) override {
        app.add_option("--severity", severity_,
                       "only missed targets that are at least this severe count as a failure: "
                       "critical, high, medium or low (default low)")
            ->type_name("SEVERITY")
            ->check(CLI::IsMember(std::vector<std::string>(severities.begin(), severities.end())));
    }

    ExitStatus run(const Options &options) override {
        Server server(options.connection, Access::ReadOnly, options.statement_timeout);
        const Identity identity = read_identity(server);
        const auto targets = [&] {
            const Progress progress(options, "measuring");
            auto results = read_targets(server);
            watch_for_targets(server, results);
            return results;
        }();
        const auto missed = std::count_if(targets.begin(), targets.end(), [](const auto &target) {
            return target.ok.has_value() && !*target.ok;
        });
        const bool passed = std::none_of(targets.begin(), targets.end(),
                                         [this](const auto &target) { return counts(target); });
        show(
            options, [&] { return document_of(identity, targets, missed); },
            [&] {
                return Json{{"database", identity.database},
                            {"taken_at", identity.taken_at},
                            {"passed", passed},
                            {"targets", json_of_targets(targets)}};
            });
        return passed ? ExitStatus::Fine : ExitStatus::CheckFailed;
    }

  private:
    // Missed, and severe enough to fail the check.
    bool counts(const TargetResult &target) const {
        const auto rank = [](const std::string &severity) {
            return std::find(severities.begin(), severities.end(), severity) - severities.begin();
        };
        return target.ok.has_value() && !*target.ok && rank(target.severity) <= rank(severity_);
    }

    static Document document_of(const Identity &identity, const std::vector<TargetResult> &targets,
                                std::ptrdiff_t missed) {
        const auto unknown = std::count_if(targets.begin(), targets.end(),
                                           [](const auto &target) { return !target.ok; });
        const std::ptrdiff_t all = std::ptrdiff_t(targets.size());
        Document document;
        document.title = fmt::format("Targets of {}, {}", identity.database, identity.taken_at);
        document.sections.push_back({"", {table_of_targets(targets)}});
        document.sections.push_back(
            {"",
             {Paragraph{fmt::format("{} passed, {} failed, {} without evidence",
                                    all - missed - unknown, missed, unknown),
                        missed ? Tone::Bad : Tone::Good}}});
        return document;
    }

    std::string severity_ = "low";
};

} // namespace

std::unique_ptr<Command> make_check_command() {
    return std::make_unique<CheckCommand>();
}

} // namespace triage::advisor
