// A command of the program, and the list of all of them. One file a command; a new one is a class
// in its own file, a make_… function here and a line in commands.cpp.
#pragma once

#include "exit_status.h"
#include "options.h"

#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace triage::advisor {

class Command {
  public:
    virtual ~Command() = default;

    virtual std::string name() const = 0;
    virtual std::string summary() const = 0;           // one line, for the list of commands
    virtual std::string details() const { return {}; } // printed below the options by --help

    // False for a command that makes its own server: it then gets no connection options.
    virtual bool connects() const { return true; }

    // Adds the command's own options; the shared ones are there already.
    virtual void define([[maybe_unused]] CLI::App &app) {}

    // Raises Failure, or returns how the program ends.
    virtual ExitStatus run(const Options &options) = 0;
};

std::unique_ptr<Command> make_cache_command();
std::unique_ptr<Command> make_check_command();
std::unique_ptr<Command> make_demo_command();
std::unique_ptr<Command> make_indexes_command();
std::unique_ptr<Command> make_report_command();
std::unique_ptr<Command> make_warm_command();
std::unique_ptr<Command> make_pool_command();
std::unique_ptr<Command> make_scale_command();

std::vector<std::unique_ptr<Command>> all_commands();

} // namespace triage::advisor
