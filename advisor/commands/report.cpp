// pg_triage report: one page for the engineer on call.
#include "commands/command.h"
#include "progress.h"
#include "render/render.h"
#include "render/report.h"
#include "snapshot_report.h"

#include <CLI/CLI.hpp>

#include <nlohmann/json.hpp>

namespace triage::advisor {

namespace {

class ReportCommand : public Command {
  public:
    std::string name() const override { return "report"; }
    std::string summary() const override {
        return "one page: what hurts, why, what to do, what was done";
    }
    std::string details() const override {
        return "Reads only, in one snapshot. It holds no literal of any statement. Needs the role "
               "triage_reader.\nA missed target does not change the exit status: pg_triage check "
               "is "
               "for that.";
    }

    void define(CLI::App &app) override {
        app.add_option("--top", limits_.statements, "number of statements (default 10)")
            ->type_name("N")
            ->check(CLI::Range(1, 1000));
    }

    ExitStatus run(const Options &options) override {
        Server server(options.connection, Access::ReadOnly, options.statement_timeout);
        const Report report = [&] {
            const Progress progress(options, "reading statistics");
            return read_report(server, limits_);
        }();
        show(
            options, [&] { return document_of_report(report); },
            [&] { return json_of_report(report); });
        return ExitStatus::Fine;
    }

  private:
    ReportLimits limits_;
};

} // namespace

std::unique_ptr<Command> make_report_command() {
    return std::make_unique<ReportCommand>();
}

} // namespace triage::advisor
