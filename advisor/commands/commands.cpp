#include "commands/command.h"

namespace triage::advisor {

std::vector<std::unique_ptr<Command>> all_commands() {
    std::vector<std::unique_ptr<Command>> commands;
    commands.push_back(make_demo_command());
    commands.push_back(make_report_command());
    commands.push_back(make_indexes_command());
    commands.push_back(make_check_command());
    commands.push_back(make_pool_command());
    commands.push_back(make_scale_command());
    commands.push_back(make_warm_command());
    commands.push_back(make_cache_command());
    return commands;
}

} // namespace triage::advisor
