#include "server.h"

#include "interrupt.h"
#include "server_message.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <pqxx/pqxx>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <map>
#include <termios.h>
#include <unistd.h>

namespace triage::advisor {

namespace {

using Settings = std::map<std::string, std::string>;

bool is_conninfo(const std::string &database) {
    return database.starts_with("postgresql://") || database.starts_with("postgres://") ||
           database.find('=') != std::string::npos;
}

void trim_right(std::string &text) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
        text.pop_back();
}

// As psql does it: what a connection string says wins over -h, -p and -U.
void take_conninfo(const std::string &conninfo, Settings &settings) {
    char *message = nullptr;
    PQconninfoOption *parsed = PQconninfoParse(conninfo.c_str(), &message);
    if (!parsed) {
        std::string reason = message ? message : "out of memory";
        PQfreemem(message);
        trim_right(reason);
        throw Failure(ExitStatus::Usage, reason);
    }
    for (const PQconninfoOption *option = parsed; option->keyword; option++)
        if (option->val)
            settings[option->keyword] = option->val;
    PQconninfoFree(parsed);
}

std::string ask_password() {
    std::FILE *terminal = std::fopen("/dev/tty", "r+");
    if (!terminal)
        throw Failure(ExitStatus::Usage, "cannot ask for a password without a terminal", {},
                      "Use a .pgpass file or the variable PGPASSWORD.");
    termios saved;
    const bool hidden = tcgetattr(fileno(terminal), &saved) == 0;
    const OnInterrupt show_again([&] {
        if (hidden)
            tcsetattr(fileno(terminal), TCSANOW, &saved);
        std::_Exit(static_cast<int>(ExitStatus::ActionFailed));
    });
    if (hidden) {
        termios quiet = saved;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        tcsetattr(fileno(terminal), TCSAFLUSH, &quiet);
    }
    std::fputs("Password: ", terminal);
    std::fflush(terminal);
    std::string password;
    for (int c; (c = std::fgetc(terminal)) != EOF && c != '\n';)
        password.push_back(static_cast<char>(c));
    if (hidden)
        tcsetattr(fileno(terminal), TCSAFLUSH, &saved);
    std::fputc('\n', terminal);
    std::fclose(terminal);
    return password;
}

std::string conninfo_of(const ConnectionOptions &options) {
    Settings settings;
    const auto set = [&settings](const char *keyword, const std::string &value) {
        if (!value.empty())
            settings[keyword] = value;
    };
    set("host", options.host);
    set("port", options.port);
    set("user", options.user);
    if (options.ask_password)
        settings["password"] = ask_password();
    if (is_conninfo(options.database))
        take_conninfo(options.database, settings);
    else
        set("dbname", options.database);
    settings["fallback_application_name"] = "pg_triage";

    std::string conninfo;
    for (const auto &[keyword, value] : settings) {
        conninfo += keyword + "='";
        for (const char c : value) {
            if (c == '\'' || c == '\\')
                conninfo.push_back('\\');
            conninfo.push_back(c);
        }
        conninfo += "' ";
    }
    return conninfo;
}

// A statement timeout has the same SQLSTATE as a cancelled query.
constexpr std::string_view query_canceled = "57014";

ServerFailure failure_from(const std::string &text, const std::string &sqlstate,
                           ExitStatus status) {
    ServerMessage message = parse_server_message(text);
    if (sqlstate == query_canceled && message.hint.empty())
        message.hint = "The option --statement-timeout allows for more time.";
    return ServerFailure(status, sqlstate, message.primary, message.detail, message.hint);
}

// A failed connection: libpq's first line says what, the further ones ask back.
ServerFailure connection_failure(const std::string &text) {
    const auto newline = text.find('\n');
    std::string message = text.substr(0, newline);
    std::string detail = newline == std::string::npos ? "" : text.substr(newline + 1);
    trim_right(message);
    trim_right(detail);
    detail.erase(0, detail.find_first_not_of(" \t"));
    return ServerFailure(ExitStatus::NoServer, "", message, detail, "");
}

// Objects or rights that are missing mean that there is no extension to work with; anything else is
// a failed action.
ExitStatus status_of(const std::string &sqlstate) {
    static const char *const unusable[] = {"42P01", "42883", "42703", "3F000", "42501"};
    const bool missing =
        std::find(std::begin(unusable), std::end(unusable), sqlstate) != std::end(unusable);
    return missing ? ExitStatus::NoServer : ExitStatus::ActionFailed;
}

#if PQXX_VERSION_MAJOR >= 7
pqxx::result execute(pqxx::transaction_base &transaction, const std::string &sql,
                     const Server::Parameters &parameters) {
    pqxx::params values;
    for (const auto &parameter : parameters)
        values.append(parameter);
    return transaction.exec(sql, values);
}
#else
pqxx::result execute(pqxx::transaction_base &transaction, const std::string &sql,
                     const Server::Parameters &parameters) {
    std::vector<const char *> values;
    for (const auto &parameter : parameters)
        values.push_back(parameter ? parameter->c_str() : nullptr);
    return transaction.exec_params(sql, pqxx::prepare::make_dynamic_params(values));
}
#endif

Rows rows_of(const pqxx::result &result) {
    auto columns = std::make_shared<std::vector<std::string>>();
    for (int column = 0; column < static_cast<int>(result.columns()); column++)
        columns->emplace_back(result.column_name(column));
    Rows rows;
    for (const auto &source : result) {
        Row::Values values;
        for (const auto &field : source)
            values.push_back(field.is_null() ? std::nullopt
                                             : std::optional<std::string>(field.c_str()));
        rows.emplace_back(columns, std::move(values));
    }
    return rows;
}

} // namespace

struct Server::Session {
    explicit Session(const std::string &conninfo) : connection(conninfo) {}

    void cancel() {
        try {
            connection.cancel_query();
        } catch (const std::exception &) {
            // The connection is gone, and with it what should have been cancelled.
        }
    }

    pqxx::connection connection;
    OnInterrupt on_interrupt{[this] { cancel(); }};
};

Server::Server(const ConnectionOptions &options, Access access,
               std::chrono::milliseconds statement_timeout)
    : Server(conninfo_of(options), access, statement_timeout) {}

Server::Server(std::string conninfo, Access access, std::chrono::milliseconds statement_timeout)
    : conninfo_(std::move(conninfo)) {
    try {
        session_ = std::make_unique<Session>(conninfo_);
    } catch (const std::exception &error) {
        throw connection_failure(error.what());
    }
    // Names are printed with their schema, whatever the user's search_path; a report is never held
    // up for long by a lock.
    query("SELECT pg_catalog.set_config('search_path', 'pg_catalog', false),"
          " pg_catalog.set_config('client_encoding', 'UTF8', false),"
          " pg_catalog.set_config('client_min_messages', 'error', false),"
          " pg_catalog.set_config('default_transaction_read_only', $1, false),"
          " pg_catalog.set_config('statement_timeout', $2, false),"
          " pg_catalog.set_config('lock_timeout', '10s', false)",
          {access == Access::ReadOnly ? "on" : "off", std::to_string(statement_timeout.count())});
}

Server::~Server() = default;
Server::Server(Server &&) noexcept = default;

Server Server::second_session(Access access, std::chrono::milliseconds statement_timeout) const {
    return Server(conninfo_, access, statement_timeout);
}

Rows Server::query(const std::string &sql, const Parameters &parameters) {
    throw_if_interrupted();
    try {
        pqxx::nontransaction transaction(session_->connection);
        return rows_of(execute(transaction, sql, parameters));
    } catch (const pqxx::broken_connection &error) {
        throw connection_failure(error.what());
    } catch (const pqxx::insufficient_privilege &error) {
        // libpqxx 6 forgets the SQLSTATE of this one.
        throw failure_from(error.what(), "42501", status_of("42501"));
    } catch (const pqxx::sql_error &error) {
        if (error.sqlstate() == query_canceled)
            throw_if_interrupted();
        const std::string sqlstate(error.sqlstate()); // a view since libpqxx 8
        throw failure_from(error.what(), sqlstate, status_of(sqlstate));
    }
}

void Server::in_transaction(const std::string &begin, const std::function<void()> &work) {
    query(begin);
    try {
        work();
        query("COMMIT");
    } catch (...) {
        try {
            pqxx::nontransaction(session_->connection).exec("ROLLBACK");
        } catch (const std::exception &) {
            // What was raised first is what matters; a lost connection has rolled back by itself.
        }
        throw;
    }
}

void Server::in_one_snapshot(const std::function<void()> &work) {
    in_transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", [&] {
        // Cumulative statistics are no part of the snapshot; this reads them all at one moment,
        // too. It is a setting since PostgreSQL 15.
        query("SELECT pg_catalog.set_config(name, 'snapshot', true) FROM pg_catalog.pg_settings"
              " WHERE name = 'stats_fetch_consistency'");
        work();
    });
}

Rows Server::query_with_users_path(const std::string &sql, const Parameters &parameters) {
    Rows rows;
    in_transaction("BEGIN", [&] {
        query("SELECT pg_catalog.set_config(name, reset_val, true) FROM pg_catalog.pg_settings"
              " WHERE name = 'search_path'");
        rows = query(sql, parameters);
    });
    return rows;
}

Row Server::query_one(const std::string &sql, const Parameters &parameters) {
    Rows rows = query(sql, parameters);
    if (rows.size() != 1)
        throw Failure(ExitStatus::NoServer,
                      fmt::format("the server gave {} rows where one was expected", rows.size()));
    return rows.front();
}

bool Server::is_local() const {
    const char *host = session_->connection.hostname();
    return !host || *host == '/' || *host == '@' || *host == '\0';
}

std::string Server::database() const {
    return session_->connection.dbname();
}
std::string Server::user() const {
    return session_->connection.username();
}

} // namespace triage::advisor
