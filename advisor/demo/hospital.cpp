#include "demo/hospital.h"

#include "exit_status.h"
#include "interrupt.h"
#include "progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <list>
#include <thread>
#include <vector>

namespace triage::advisor {

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::vector<std::string> command(const Installation &installation, const ThrowAwayCluster &cluster,
                                 const std::string &program,
                                 const std::vector<std::string> &arguments) {
    const ConnectionOptions connection = cluster.connection({});
    std::vector<std::string> command = {installation.program(program), "--host=" + connection.host,
                                        "--port=" + connection.port,
                                        "--username=" + connection.user};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return command;
}

// Runs them all, `at_once` of them at a time, in the order given.
void run_side_by_side(const std::vector<std::vector<std::string>> &commands, std::size_t at_once,
                      const std::string &output_file, Progress &progress) {
    std::list<ChildProcess> running;
    for (std::size_t started = 0, done = 0; done < commands.size();) {
        for (; started < commands.size() && running.size() < at_once; started++)
            running.push_back(ChildProcess({commands[started], {}, output_file, SIGTERM}));
        for (auto child = running.begin(); child != running.end();) {
            const auto status = child->poll();
            if (!status) {
                ++child;
                continue;
            }
            if (*status != 0)
                throw Failure(ExitStatus::ActionFailed, "could not fill the tables",
                              last_lines(output_file, 12));
            child = running.erase(child);
            done++;
        }
        progress.update("filling the tables", double(done) / double(commands.size()));
        interruptible_sleep(20ms);
    }
}

} // namespace

HospitalSize fill_hospital(const Options &options, const Installation &installation,
                           const ThrowAwayCluster &cluster, const std::string &database,
                           const std::string &scale) {
    Progress progress(options, "filling the tables");
    const std::string output_file = cluster.directory() + "/fill.log";
    const auto psql = [&](const fs::path &file) {
        return command(installation, cluster, "psql",
                       {"--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--set=scale=" + scale,
                        "--dbname=" + database, "--file=" + file.string()});
    };
    const std::size_t processors = std::max(2u, std::thread::hardware_concurrency());

    run_program("create the database", command(installation, cluster, "createdb", {database}),
                output_file);
    run_program("create the tables", psql(installation.files + "/schema.sql"), output_file);

    std::vector<fs::path> files;
    for (const auto &entry : fs::directory_iterator(installation.files + "/data"))
        if (entry.path().extension() == ".sql")
            files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    std::vector<std::vector<std::string>> commands;
    for (const fs::path &file : files)
        commands.push_back(psql(file));
    run_side_by_side(commands, processors, output_file, progress);

    progress.update("gathering the planner's statistics");
    run_program("gather statistics",
                command(installation, cluster, "vacuumdb",
                        {"--quiet", "--analyze", fmt::format("--jobs={}", processors),
                         "--dbname=" + database}),
                output_file);

    Server server(cluster.connection(database), Access::ReadOnly, 0ms);
    const Row row = server.query_one(
        "SELECT count(*) AS tables, sum(c.reltuples) AS rows,"
        " sum(pg_catalog.pg_total_relation_size(c.oid)) AS bytes FROM pg_catalog.pg_class c"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'");
    return {static_cast<int>(row.integer("tables").value_or(0)), row.number("rows").value_or(0),
            row.number("bytes").value_or(0)};
}

} // namespace triage::advisor
