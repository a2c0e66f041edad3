// The advisor: reads the options, runs one command, reports its failure.
#include "commands/command.h"
#include "interrupt.h"
#include "messages.h"

#include <CLI/CLI.hpp>

#include <clocale>
#include <iostream>
#include <new>

namespace triage::advisor {

namespace {

// Every command shows all the options that it takes; those it shares may stand before its name,
// too.
void define_command(CLI::App &app, Command &command, Options &options, Command *&chosen) {
    CLI::App *sub = app.add_subcommand(command.name(), command.summary());
    sub->set_help_flag("-?,--help", "show this help, then exit");
    sub->footer(command.details());
    command.define(*sub);
    if (command.connects())
        define_connection_options(*sub, options);
    define_output_options(*sub, options);
    sub->callback([&chosen, &command] { chosen = &command; });
}

ExitStatus usage_error(const CLI::App &app, const CLI::ParseError &error) {
    std::string command;
    for (const CLI::App *sub : app.get_subcommands())
        command = " " + sub->get_name();
    print_failure(Failure(ExitStatus::Usage, error.what(), {},
                          "Try \"pg_triage" + command + " --help\" for more information."));
    return ExitStatus::Usage;
}

ExitStatus run(int argc, char **argv) {
    Options options;
    Command *chosen = nullptr;
    const auto commands = all_commands();

    CLI::App app(
        "pg_triage reports on a PostgreSQL server's workload, builds the indexes it needs and "
        "checks its targets.",
        "pg_triage");
    app.set_help_flag("-?,--help", "show this help, then exit");
    app.set_version_flag("-V,--version", "pg_triage " PG_TRIAGE_VERSION);
    app.require_subcommand(1);
    define_connection_options(app, options);
    define_output_options(app, options);
    for (const auto &command : commands)
        define_command(app, *command, options, chosen);

    try {
        app.parse(argc, argv);
    } catch (const CLI::Success &success) { // --help, --version
        app.exit(success, std::cout, std::cerr);
        return ExitStatus::Fine;
    } catch (const CLI::ParseError &error) {
        return usage_error(app, error);
    }
    if (options.no_color)
        disable_colors();
    return chosen->run(options);
}

} // namespace

} // namespace triage::advisor

int main(int argc, char **argv) {
    using namespace triage::advisor;
    std::setlocale(LC_CTYPE, "");
    try {
        handle_interrupts();
        return static_cast<int>(run(argc, argv));
    } catch (const Failure &failure) {
        print_failure(failure);
        return static_cast<int>(failure.status);
    } catch (const std::bad_alloc &) {
        print_failure(Failure(ExitStatus::ActionFailed, "out of memory"));
    } catch (const std::exception &error) {
        print_failure(Failure(ExitStatus::ActionFailed, error.what()));
    }
    return static_cast<int>(ExitStatus::ActionFailed);
}
