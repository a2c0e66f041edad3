#include "pooler_console.h"

#include "exit_status.h"
#include "interrupt.h"
#include "processor_time.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <fstream>

namespace triage::advisor {

namespace {

constexpr double microseconds = 1000; // in a millisecond

std::string last_line_removed(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' '))
        text.pop_back();
    return text;
}

// PgBouncer's console is a database of this name; a URI says which it means.
PGconn *connect(std::string conninfo) {
    if (conninfo.find("dbname") == std::string::npos && conninfo.find("://") == std::string::npos)
        conninfo += " dbname=pgbouncer";
    return PQconnectdb(conninfo.c_str());
}

} // namespace

std::map<std::string, PoolerAlias> aliases_of(const Rows &databases, const Rows &pools,
                                              const Rows &stats) {
    std::map<std::string, PoolerAlias> aliases;
    for (const Row &row : databases) {
        const std::string name = row.text("name");
        if (name == "pgbouncer")
            continue;
        PoolerAlias &alias = aliases[name];
        alias.host = row.text("host");
        alias.port = static_cast<int>(row.integer("port").value_or(0));
        alias.database = row.text("database");
        alias.mode = row.text("pool_mode");
        if (!row.is_null("force_user"))
            alias.users.insert(row.text("force_user"));
    }
    for (const Row &row : pools) {
        const auto alias = aliases.find(row.text("database"));
        if (alias == aliases.end())
            continue;
        alias->second.clients += static_cast<int>(row.integer("cl_active").value_or(0) +
                                                  row.integer("cl_waiting").value_or(0));
        alias->second.users.insert(row.text("user"));
        if (alias->second.mode.empty())
            alias->second.mode = row.text("pool_mode");
    }
    for (const Row &row : stats) {
        const auto alias = aliases.find(row.text("database"));
        if (alias == aliases.end())
            continue;
        alias->second.totals = {row.number("total_xact_count").value_or(0),
                                row.number("total_query_count").value_or(0),
                                row.number("total_xact_time").value_or(0) / microseconds,
                                row.number("total_wait_time").value_or(0) / microseconds};
    }
    return aliases;
}

struct PoolerConsole::Connection {
    explicit Connection(const std::string &conninfo) : session(connect(conninfo)) {}
    ~Connection() { PQfinish(session); }
    Connection(const Connection &) = delete;
    Connection &operator=(const Connection &) = delete;

    PGconn *session;
};

PoolerConsole::PoolerConsole(const std::string &conninfo)
    : connection_(std::make_unique<Connection>(conninfo)) {
    if (PQstatus(connection_->session) != CONNECTION_OK)
        throw Failure(ExitStatus::NoServer, "cannot connect to the pooler's admin console",
                      last_line_removed(PQerrorMessage(connection_->session)),
                      "Name a user of admin_users or stats_users, as in \"host=/tmp port=6432 "
                      "user=stats\".");
    show("VERSION");
    process_ = find_process();
}

PoolerConsole::~PoolerConsole() = default;
PoolerConsole::PoolerConsole(PoolerConsole &&) noexcept = default;

Rows PoolerConsole::show(const char *what) {
    throw_if_interrupted();
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(
        PQexec(connection_->session, fmt::format("SHOW {}", what).c_str()), &PQclear);
    if (PQresultStatus(result.get()) != PGRES_TUPLES_OK)
        throw Failure(ExitStatus::NoServer, fmt::format("the pooler does not answer SHOW {}", what),
                      last_line_removed(PQerrorMessage(connection_->session)),
                      "The console is PgBouncer's database \"pgbouncer\".");
    auto columns = std::make_shared<std::vector<std::string>>();
    for (int column = 0; column < PQnfields(result.get()); column++)
        columns->emplace_back(PQfname(result.get(), column));
    Rows rows;
    for (int row = 0; row < PQntuples(result.get()); row++) {
        Row::Values values;
        for (int column = 0; column < PQnfields(result.get()); column++)
            values.push_back(
                PQgetisnull(result.get(), row, column)
                    ? std::nullopt
                    : std::optional<std::string>(PQgetvalue(result.get(), row, column)));
        rows.emplace_back(columns, std::move(values));
    }
    return rows;
}

std::map<std::string, PoolerAlias> PoolerConsole::aliases() {
    const Rows databases = show("DATABASES"), pools = show("POOLS");
    return aliases_of(databases, pools, show("STATS"));
}

void PoolerConsole::command(const std::string &text) {
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(
        PQexec(connection_->session, text.c_str()), &PQclear);
    if (PQresultStatus(result.get()) != PGRES_COMMAND_OK)
        throw Failure(ExitStatus::ActionFailed, fmt::format("the pooler refuses {}", text),
                      last_line_removed(PQerrorMessage(connection_->session)),
                      "Commands are for users of admin_users.");
}

void PoolerConsole::reload(const std::vector<std::string> &aliases) {
    command("RELOAD");
    for (const std::string &alias : aliases) {
        std::string quoted;
        for (const char letter : alias)
            quoted += letter == '"' ? std::string("\"\"") : std::string(1, letter);
        command(fmt::format("RECONNECT \"{}\"", quoted));
    }
}

int PoolerConsole::find_process() {
    const char *host = PQhost(connection_->session);
    if (host && *host != '\0' && *host != '/' && *host != '@')
        return 0;
    std::string file_name;
    for (const Row &row : show("CONFIG"))
        if (row.text("key") == "pidfile")
            file_name = row.text("value");
    int process = 0;
    std::ifstream(file_name) >> process;
    return process > 0 && name_of_process(process) == "pgbouncer" ? process : 0;
}

std::optional<double> PoolerConsole::processor_ms() const {
    if (process_ == 0)
        return std::nullopt;
    const auto time = processor_time_of(process_);
    return time ? std::optional(time->on_processor_ms) : std::nullopt;
}

} // namespace triage::advisor
