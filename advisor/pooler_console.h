// The admin console of a PgBouncer: what it has counted of each alias, and where the alias leads.
// The console knows SHOW and little else, neither transactions nor settings; so it is no Server.
#pragma once

#include "rows.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace triage::advisor {

// Sums since the pooler's start, in milliseconds. The time of its transactions begins with the
// client's wish: it includes the wait for a server.
struct PoolerTotals {
    double transactions = 0, messages = 0;
    double transaction_ms = 0, wait_ms = 0;
};

struct PoolerAlias {
    std::string host; // empty: the default Unix-domain socket
    int port = 0;
    std::string database;
    std::set<std::string> users; // that it connects as, so far
    std::string mode;            // session, transaction or statement
    int clients = 0;             // connected to the pooler now
    PoolerTotals totals;
};

// From the answers to SHOW DATABASES, SHOW POOLS and SHOW STATS, by alias; without the console.
std::map<std::string, PoolerAlias> aliases_of(const Rows &databases, const Rows &pools,
                                              const Rows &stats);

class PoolerConsole {
  public:
    // As libpq takes it; the database is pgbouncer if none is named.
    explicit PoolerConsole(const std::string &conninfo);
    ~PoolerConsole();
    PoolerConsole(PoolerConsole &&) noexcept;

    std::map<std::string, PoolerAlias> aliases();

    // For users of admin_users: has it read its configuration again, and the aliases' connections
    // opened anew after their transactions. Without that a pool whose clients queue keeps the
    // connections that it has, however small it is made.
    void reload(const std::vector<std::string> &aliases);

    // Of the pooler's one thread, if it runs on this machine and its processes may be seen.
    std::optional<double> processor_ms() const;

  private:
    Rows show(const char *what);
    void command(const std::string &text);
    int find_process();

    struct Connection;
    std::unique_ptr<Connection> connection_;
    int process_ = 0; // 0: not known
};

} // namespace triage::advisor
