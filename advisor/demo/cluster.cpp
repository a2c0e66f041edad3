#include "demo/cluster.h"

#include "exit_status.h"
#include "interrupt.h"
#include "render/units.h"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <unistd.h>
#include <vector>

extern char **environ;

namespace triage::advisor {

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto longest_start = 60s;
const std::string superuser = "postgres";

// What a cluster may do that nobody will miss: it need not survive a crash of the machine.
constexpr std::string_view own_settings = R"(
listen_addresses = ''
port = 5432
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = 4GB
shared_buffers = 256MB
maintenance_work_mem = 128MB
max_worker_processes = 16
log_min_messages = warning
shared_preload_libraries = 'pg_stat_statements,pg_triage'
)";

void forget_connection_variables() {
    std::vector<std::string> names;
    for (char **entry = environ; *entry; entry++)
        if (std::strncmp(*entry, "PG", 2) == 0 && std::strncmp(*entry, "PG_COLOR", 8) != 0)
            names.emplace_back(*entry, std::strcspn(*entry, "="));
    for (const std::string &name : names)
        ::unsetenv(name.c_str());
    // What PostgreSQL's programs say is read by the demo, too.
    ::setenv("LC_ALL", "C", 1);
}

std::string temporary_parent(const std::string &wanted) {
    const char *variable = std::getenv("TMPDIR");
    if (!wanted.empty())
        return fs::absolute(wanted);
    return variable && *variable ? fs::absolute(variable).string() : "/tmp";
}

void check_space(const std::string &directory, double needed) {
    std::error_code error;
    const fs::space_info space = fs::space(directory, error);
    if (!error && static_cast<double>(space.available) < needed)
        throw Failure(ExitStatus::ActionFailed,
                      fmt::format("too little free space in \"{}\"", directory),
                      fmt::format("The cluster needs {}, there are {}.", show_bytes(needed),
                                  show_bytes(static_cast<double>(space.available))),
                      "The option --directory names another place, --scale makes it smaller.");
}

} // namespace

TemporaryDirectory::TemporaryDirectory(const std::string &parent)
    : path_(temporary_parent(parent) + "/pg_triage-demo.XXXXXX") {
    if (!::mkdtemp(path_.data()))
        throw Failure(ExitStatus::ActionFailed,
                      fmt::format("could not create a directory like \"{}\": {}", path_,
                                  std::strerror(errno)));
}

TemporaryDirectory::~TemporaryDirectory() {
    std::error_code error;
    if (!kept_)
        fs::remove_all(path_, error);
}

ThrowAwayCluster::ThrowAwayCluster(const Installation &installation, const ClusterOptions &options)
    : installation_(installation), directory_(options.parent_directory) {
    if (::geteuid() == 0)
        throw Failure(ExitStatus::Usage, "the demo cannot be run as root",
                      "PostgreSQL's server refuses to run as root.",
                      "Run it as another user; make demo does so by itself.");
    check_space(directory(), options.needed_bytes);
    forget_connection_variables();
    make(options.settings);
    ChildProcess::Command command;
    command.arguments = {installation.program("postgres"), "-D", directory() + "/data", "-k",
                         directory()};
    command.output_file = log_file();
    command.end_signal = SIGINT; // a fast shutdown
    command.releasable = options.may_be_kept;
    server_.emplace(command);
    wait_until_ready();
}

void ThrowAwayCluster::make(const std::string &settings) {
    run_program("create a cluster",
                {installation_.program("initdb"), "--pgdata", directory() + "/data", "--username",
                 superuser, "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync"},
                directory() + "/initdb.log");
    std::ofstream configuration(directory() + "/data/postgresql.conf", std::ios::app);
    configuration << own_settings << settings;
    if (!configuration.flush())
        throw Failure(ExitStatus::ActionFailed, "could not write postgresql.conf");
}

void ThrowAwayCluster::wait_until_ready() {
    for (const auto until = std::chrono::steady_clock::now() + longest_start;;) {
        if (server_->poll())
            throw Failure(ExitStatus::ActionFailed, "the server did not start",
                          last_lines(log_file(), 12));
        try {
            Server(connection("postgres"), Access::ReadOnly, 0ms);
            return;
        } catch (const ServerFailure &) {
            if (std::chrono::steady_clock::now() > until)
                throw;
        }
        interruptible_sleep(100ms);
    }
}

ConnectionOptions ThrowAwayCluster::connection(const std::string &database) const {
    ConnectionOptions options;
    options.host = directory();
    options.port = "5432";
    options.user = superuser;
    options.database = database;
    return options;
}

void ThrowAwayCluster::keep() {
    server_->release();
    directory_.keep();
}

} // namespace triage::advisor
