// A session with a PostgreSQL server; Ctrl-C cancels what it runs there. All of libpqxx (and libpq)
// is behind this header, in server.cpp: its API differs between 6.4, 7 and 8.
#pragma once

#include "exit_status.h"
#include "rows.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace triage::advisor {

// What psql takes; everything not given comes from PG* variables, services and .pgpass.
struct ConnectionOptions {
    std::string host, port, user;
    std::string database; // a name, a connection URI or a conninfo string, whose values win
    bool ask_password = false;
};

// The server refused a statement, or went away.
class ServerFailure : public Failure {
  public:
    ServerFailure(ExitStatus status, std::string sqlstate, std::string message, std::string detail,
                  std::string hint)
        : Failure(status, std::move(message), std::move(detail), std::move(hint)),
          sqlstate(std::move(sqlstate)) {}

    std::string sqlstate; // empty if the connection was lost or never made
};

enum class Access { ReadOnly, ReadWrite };

class Server {
  public:
    using Parameters = std::vector<std::optional<std::string>>;

    // ReadOnly makes every transaction of the session a read-only one.
    Server(const ConnectionOptions &options, Access access,
           std::chrono::milliseconds statement_timeout);
    ~Server();
    Server(Server &&) noexcept;

    // Another session of the same user, in the same database, without asking for a password again.
    Server second_session(Access access, std::chrono::milliseconds statement_timeout) const;

    // Each statement is a transaction of its own, so that no snapshot is held between two of them.
    Rows query(const std::string &sql, const Parameters &parameters = {});

    // Exactly one row.
    Row query_one(const std::string &sql, const Parameters &parameters = {});

    // With the search_path that the user has, not ours: unqualified names in the texts of
    // statements depend on it. So the SQL itself must qualify every name.
    Rows query_with_users_path(const std::string &sql, const Parameters &parameters);

    // All queries of `work` see one state of the database. Keep it short: the snapshot that it
    // holds would hold up a concurrent index build.
    void in_one_snapshot(const std::function<void()> &work);

    // True over a Unix-domain socket: this machine's figures are the server's.
    bool is_local() const;

    std::string database() const;
    std::string user() const;

  private:
    Server(std::string conninfo, Access access, std::chrono::milliseconds statement_timeout);

    void in_transaction(const std::string &begin, const std::function<void()> &work);

    struct Session;
    std::string conninfo_;
    std::unique_ptr<Session> session_;
};

} // namespace triage::advisor
