#include "demo/installation.h"

#include "demo/process.h"
#include "exit_status.h"

#include <fmt/format.h>

#include <filesystem>

namespace triage::advisor {

namespace {

namespace fs = std::filesystem;

fs::path own_directory() {
    std::error_code error;
    return fs::read_symlink("/proc/self/exe", error).parent_path();
}

bool has_server(const fs::path &bindir) {
    return fs::exists(bindir / "initdb") && fs::exists(bindir / "postgres");
}

bool has_files(const fs::path &directory) {
    return fs::exists(directory / "schema.sql") && fs::exists(directory / "load");
}

fs::path find_bindir(const std::string &wanted) {
    if (!wanted.empty())
        return fs::absolute(wanted);
    return has_server(own_directory()) ? own_directory()
                                       : fs::path(output_of({"pg_config", "--bindir"}));
}

fs::path find_files(const std::string &wanted, const fs::path &bindir) {
    if (!wanted.empty())
        return fs::absolute(wanted);
    const fs::path tree = (own_directory() / "../../regress/demo").lexically_normal();
    if (has_files(tree))
        return tree;
    // A server that was moved knows where its files are now.
    return fs::path(output_of({bindir / "pg_config", "--sharedir"})) / "pg_triage/demo";
}

} // namespace

Installation find_installation(const std::string &wanted_bindir, const std::string &wanted_files) {
    const fs::path bindir = find_bindir(wanted_bindir);
    for (const char *program : {"initdb", "postgres", "psql", "createdb", "vacuumdb", "pgbench"})
        if (!fs::exists(bindir / program))
            throw Failure(
                ExitStatus::Usage,
                fmt::format("there is no program \"{}\" in \"{}\"", program, bindir.string()), {},
                "The option --bindir names the directory of PostgreSQL's programs.");
    const fs::path files = find_files(wanted_files, bindir);
    if (!has_files(files))
        throw Failure(ExitStatus::Usage,
                      fmt::format("there are no files of the demo in \"{}\"", files.string()), {},
                      "They are installed by make install-advisor; the option --files names "
                      "another directory.");
    return {bindir.string(), files.string()};
}

} // namespace triage::advisor
