#include "pool_live.h"

#include "exit_status.h"
#include "fleet_live.h"
#include "interrupt.h"
#include "messages.h"
#include "options.h"
#include "pooler_console.h"
#include "processor_time.h"
#include "progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <thread>

namespace triage::advisor {

namespace {

using Clock = std::chrono::steady_clock;

// A database with less than that was not used, but for monitoring.
constexpr double least_transactions = 50;
constexpr std::size_t most_statements = 50;
constexpr std::chrono::milliseconds look_interval{1000};

// Of a database's transactions, so many come through the aliases: then its times are theirs. And of
// its new sessions, so many were seen: then the backends' processor time is known.
constexpr double nearly_all = 0.9;

// ---- counters, read twice

struct DatabaseCounters {
    double transactions = 0, active_ms = 0, idle_in_transaction_ms = 0;
    double sessions_ever = 0;
    int sessions = 0; // but for this program's
};

struct StatementCounters {
    SessionOwner owner;
    double calls = 0, total_ms = 0;
    std::optional<double> p50_ms, p95_ms;
};

struct Counters {
    double at_s = 0; // by the server's clock
    std::map<std::string, DatabaseCounters> databases;
    std::map<std::string, StatementCounters> statements;
    std::map<std::string, PoolerAlias> aliases;
    std::optional<double> pooler_ms; // of processor time
};

Counters read_counters(Server &server, PoolerConsole *pooler) {
    Counters counters;
    for (const Row &row : server.query(R"(
SELECT d.datname, (d.xact_commit + d.xact_rollback)::float8 AS transactions, d.active_time,
       d.idle_in_transaction_time, d.sessions AS sessions_ever,
       d.numbackends - (d.datname = current_database())::int AS sessions, extract(epoch FROM clock_timestamp())::float8 AS at
  FROM pg_catalog.pg_stat_database d WHERE d.datname IS NOT NULL)")) {
        counters.at_s = row.number("at").value_or(0);
        counters.databases[row.text("datname")] = {
            row.number("transactions").value_or(0), row.number("active_time").value_or(0),
            row.number("idle_in_transaction_time").value_or(0),
            row.number("sessions_ever").value_or(0),
            static_cast<int>(row.integer("sessions").value_or(0))};
    }
    if (pooler) {
        counters.aliases = pooler->aliases();
        counters.pooler_ms = pooler->processor_ms();
    }
    for (const Row &row : server.query(R"(
SELECT s.userid || '/' || s.dbid || '/' || s.queryid AS statement, d.datname,
       pg_get_userbyid(s.userid) AS username, s.calls, s.total_ms, s.p50_ms, s.p95_ms
  FROM triage.statement_statistics() s JOIN pg_catalog.pg_database d ON d.oid = s.dbid)"))
        counters.statements[row.text("statement")] = {{row.text("datname"), row.text("username")},
                                                      row.number("calls").value_or(0),
                                                      row.number("total_ms").value_or(0),
                                                      row.number("p50_ms"),
                                                      row.number("p95_ms")};
    return counters;
}

// ---- what the server sampled of its sessions

struct Sampled {
    double active = 0, idle_in_transaction = 0; // sessions, summed over looks
    std::map<std::string, double> waits;        // of the active ones
    double clients = 0;
};

std::map<SessionOwner, Sampled> read_activity(Server &server, double since_s) {
    std::map<SessionOwner, Sampled> owners;
    for (const Row &row : server.query(R"(
SELECT a.database, a.username, a.state, a.wait_class, sum(a.sessions * a.looks) AS seen
  FROM triage.activity a
 WHERE (a.state = 'active' OR a.state LIKE 'idle in transaction%') AND a.application IS DISTINCT FROM 'pg_triage'
   AND a.minute >= date_trunc('minute', to_timestamp($1::float8))
 GROUP BY a.database, a.username, a.state, a.wait_class)",
                                       {{std::to_string(since_s)}})) {
        Sampled &sampled = owners[{row.text("database"), row.text("username")}];
        const double seen = row.number("seen").value_or(0);
        if (row.text("state") == "active") {
            sampled.active += seen;
            sampled.waits[row.text("wait_class")] += seen;
        } else {
            sampled.idle_in_transaction += seen;
        }
    }
    for (const Row &row : server.query(R"(
SELECT m.database, m.username, max(m.sessions) AS clients
  FROM (SELECT a.database, a.username, a.minute, sum(a.sessions) AS sessions
          FROM triage.activity a
         WHERE a.application IS DISTINCT FROM 'pg_triage'
         GROUP BY a.database, a.username, a.minute) m
 GROUP BY m.database, m.username)"))
        owners[{row.text("database"), row.text("username")}].clients =
            row.number("clients").value_or(0);
    return owners;
}

// ---- all that was seen in the time

struct Seen {
    Counters before, after;
    std::map<SessionOwner, Sampled> activity;
    std::optional<std::map<SessionOwner, ProcessorTime>> processors;
    std::map<std::string, int> begun;   // sessions by database, of those that were looked at
    std::map<std::string, int> clients; // of each alias, the most at a time
    double own_transactions = 0;        // of this program, in its database

    double seconds() const { return after.at_s - before.at_s; }
};

// Whose sessions make a pool up: one database's, of some users or of all.
struct Members {
    std::string database;
    std::set<std::string> users; // empty: all

    bool have(const SessionOwner &owner) const {
        return owner.database == database && (users.empty() || users.contains(owner.user));
    }
};

DatabaseCounters difference(const Seen &seen, const std::string &database,
                            const std::string &own_database) {
    const auto now = seen.after.databases.find(database);
    const auto then = seen.before.databases.find(database);
    if (now == seen.after.databases.end() || then == seen.before.databases.end())
        return {};
    const auto grown = [&](double DatabaseCounters::*counter) {
        return std::max(0.0, now->second.*counter - then->second.*counter);
    };
    DatabaseCounters counters{
        grown(&DatabaseCounters::transactions), grown(&DatabaseCounters::active_ms),
        grown(&DatabaseCounters::idle_in_transaction_ms), grown(&DatabaseCounters::sessions_ever),
        std::max(now->second.sessions, then->second.sessions)};
    if (database == own_database)
        counters.transactions = std::max(0.0, counters.transactions - seen.own_transactions);
    return counters;
}

// The spread that two percentiles of a log-normal distribution tell.
double deviation_of(const StatementCounters &statement, double mean_ms) {
    if (!statement.p50_ms || !statement.p95_ms || *statement.p50_ms <= 0 ||
        *statement.p95_ms <= *statement.p50_ms)
        return mean_ms;
    constexpr double deviations_at_95 = 1.645;
    const double sigma = std::log(*statement.p95_ms / *statement.p50_ms) / deviations_at_95;
    return mean_ms * std::sqrt(std::exp(sigma * sigma) - 1);
}

std::vector<ObservedStatement> statements_of(const Seen &seen, const Members &members,
                                             double transactions) {
    std::vector<ObservedStatement> statements;
    for (const auto &[name, now] : seen.after.statements) {
        const auto known = seen.before.statements.find(name);
        const StatementCounters then =
            known == seen.before.statements.end() ? StatementCounters{} : known->second;
        const double calls = now.calls - then.calls, total_ms = now.total_ms - then.total_ms;
        if (!members.have(now.owner) || calls <= 0 || total_ms < 0)
            continue;
        ObservedStatement statement;
        statement.calls_per_transaction = calls / transactions;
        statement.mean_ms = total_ms / calls;
        statement.stddev_ms = deviation_of(now, statement.mean_ms);
        statements.push_back(statement);
    }
    std::sort(statements.begin(), statements.end(), [](const auto &a, const auto &b) {
        return a.calls_per_transaction * a.mean_ms > b.calls_per_transaction * b.mean_ms;
    });
    statements.resize(std::min(statements.size(), most_statements));
    return statements;
}

double sampled_of(const Seen &seen, const Members &members, double Sampled::*what) {
    double sum = 0;
    for (const auto &[owner, sampled] : seen.activity)
        sum += members.have(owner) ? sampled.*what : 0;
    return sum;
}

// The parts of active_ms that samples find in each class of wait.
void add_waits(PoolObservation &observation, const Seen &seen, const Members &members) {
    const double active = sampled_of(seen, members, &Sampled::active);
    if (active <= 0)
        return;
    for (const auto &[owner, sampled] : seen.activity) {
        if (!members.have(owner))
            continue;
        for (const auto &[wait, found] : sampled.waits) {
            const double ms = observation.active_ms * found / active;
            if (wait == "IO")
                observation.io_wait_ms += ms;
            else if (wait == "WAL")
                observation.wal_wait_ms += ms;
            else if (wait == "Lock")
                observation.lock_wait_ms += ms;
            else if (wait == "LWLock")
                observation.lwlock_wait_ms += ms;
            else if (wait != "none")
                observation.sleep_ms += ms;
        }
    }
}

// Over so many transactions as these sessions had. Not told if sessions came and went unseen.
void add_processor_time(PoolObservation &observation, const Seen &seen, const Members &members,
                        double transactions, double sessions_begun) {
    const auto begun = seen.begun.find(members.database);
    const double seen_begun = begun == seen.begun.end() ? 0 : begun->second;
    if (!seen.processors || seen_begun < nearly_all * sessions_begun - 1)
        return;
    ProcessorTime sum;
    for (const auto &[owner, time] : *seen.processors)
        if (members.have(owner)) {
            sum.on_processor_ms += time.on_processor_ms;
            sum.queued_ms += time.queued_ms;
            sum.wake_ups += time.wake_ups;
        }
    if (sum.on_processor_ms <= 0)
        return;
    observation.cpu_ms = sum.on_processor_ms / transactions;
    observation.run_queue_ms = sum.queued_ms / transactions;
    observation.wake_ups = sum.wake_ups / transactions;
}

std::string busiest_user(const Seen &seen, const Members &members) {
    std::string user;
    double most = 0;
    for (const auto &[owner, sampled] : seen.activity)
        if (members.have(owner) && sampled.clients > most) {
            most = sampled.clients;
            user = owner.user;
        }
    return user;
}

// ---- pools seen at the server: a database each

std::vector<ObservedPool> pools_of_databases(const Seen &seen, const std::string &own_database) {
    std::vector<ObservedPool> pools;
    for (const auto &[database, now] : seen.after.databases) {
        const DatabaseCounters grown = difference(seen, database, own_database);
        if (grown.transactions < least_transactions)
            continue;
        const Members members{database, {}};
        ObservedPool pool;
        PoolObservation &observation = pool.observation;
        observation.pool = pool.database = database;
        observation.seconds = seen.seconds();
        observation.transactions = grown.transactions;
        observation.active_ms = grown.active_ms / grown.transactions;
        observation.idle_in_transaction_ms = grown.idle_in_transaction_ms / grown.transactions;
        observation.statements = statements_of(seen, members, grown.transactions);
        add_waits(observation, seen, members);
        add_processor_time(observation, seen, members, grown.transactions, grown.sessions_ever);
        const double clients = sampled_of(seen, members, &Sampled::clients);
        observation.clients = std::max(grown.sessions, static_cast<int>(std::ceil(clients)));
        pool.user = busiest_user(seen, members);
        pools.push_back(pool);
    }
    return pools;
}

// ---- pools seen through a pooler: an alias each

PoolerTotals grown_of(const Seen &seen, const std::string &alias) {
    const PoolerTotals now = seen.after.aliases.at(alias).totals;
    const auto known = seen.before.aliases.find(alias);
    const PoolerTotals then =
        known == seen.before.aliases.end() ? PoolerTotals{} : known->second.totals;
    return {now.transactions - then.transactions, now.messages - then.messages,
            now.transaction_ms - then.transaction_ms, now.wait_ms - then.wait_ms};
}

// Transactions that came through any alias into a database as one of these users.
double through_aliases(const Seen &seen, const Members &members) {
    double transactions = 0;
    for (const auto &[name, alias] : seen.after.aliases) {
        const auto as_one_of_them = [&](const std::string &user) {
            return members.have({alias.database, user});
        };
        if (std::any_of(alias.users.begin(), alias.users.end(), as_one_of_them))
            transactions += grown_of(seen, name).transactions;
    }
    return transactions;
}

LaneClass lane_named(const std::string &alias) {
    for (const LaneClass lane : {LaneClass::Emergency, LaneClass::Ai, LaneClass::Reporting})
        if (alias == name_of(lane))
            return lane;
    return LaneClass::Clinical;
}

ObservedPool pool_of_alias(const Seen &seen, const std::string &name, const PoolerAlias &alias,
                           const std::string &own_database) {
    const PoolerTotals grown = grown_of(seen, name);
    const DatabaseCounters database = difference(seen, alias.database, own_database);
    const Members members{alias.database, alias.users};

    ObservedPool pool;
    pool.lane = lane_named(name);
    pool.database = alias.database;
    PoolObservation &observation = pool.observation;
    observation.pool = name;
    observation.seconds = seen.seconds();
    observation.transactions = grown.transactions;
    observation.round_trips = grown.messages / grown.transactions;
    observation.clients = seen.clients.at(name);
    observation.hold_ms = std::max(0.0, grown.transaction_ms - grown.wait_ms) / grown.transactions;
    const Members everybody{alias.database, {}};
    const double active = sampled_of(seen, members, &Sampled::active);
    const double idle = sampled_of(seen, members, &Sampled::idle_in_transaction);
    if (active > 0 && database.transactions > 0 &&
        through_aliases(seen, everybody) >= nearly_all * database.transactions) {
        const double all_active = sampled_of(seen, everybody, &Sampled::active);
        const double all_idle = sampled_of(seen, everybody, &Sampled::idle_in_transaction);
        const double shared = through_aliases(seen, members);
        observation.active_ms = database.active_ms * active / all_active / shared;
        if (idle > 0)
            observation.idle_in_transaction_ms =
                database.idle_in_transaction_ms * idle / all_idle / shared;
        observation.statements = statements_of(seen, members, shared);
        add_processor_time(observation, seen, members, shared, database.sessions_ever);
    } else { // what these users did otherwise than through the pooler cannot be told apart
        const double share = active + idle > 0 ? active / (active + idle) : 1;
        observation.active_ms = *observation.hold_ms * share;
        observation.idle_in_transaction_ms = *observation.hold_ms * (1 - share);
    }
    add_waits(observation, seen, members);
    pool.user = busiest_user(seen, members);
    if (pool.user.empty() && !alias.users.empty())
        pool.user = *alias.users.begin();
    return pool;
}

std::vector<ObservedPool> pools_of_aliases(const Seen &seen, const std::string &own_database) {
    double all_pooled = 0;
    for (const auto &[name, alias] : seen.after.aliases)
        all_pooled += grown_of(seen, name).transactions;
    std::optional<double> pooler_ms;
    if (seen.before.pooler_ms && seen.after.pooler_ms && all_pooled > 0)
        pooler_ms = (*seen.after.pooler_ms - *seen.before.pooler_ms) / all_pooled;

    std::vector<ObservedPool> pools;
    for (const auto &[name, alias] : seen.after.aliases) {
        if (!seen.after.databases.contains(alias.database) ||
            grown_of(seen, name).transactions < least_transactions)
            continue;
        ObservedPool pool = pool_of_alias(seen, name, alias, own_database);
        pool.observation.pooler_ms = pooler_ms;
        if (pooler_ms && seen.processors) // both on this machine
            pool.observation.other_cpu_ms = *pooler_ms;
        if (alias.mode == "session")
            print_warning(fmt::format("alias \"{}\" gives connections to whole sessions", name),
                          "Sizes are for pool_mode = transaction, where a connection is held for "
                          "a transaction only.");
        pools.push_back(pool);
    }
    return pools;
}

// ---- watching

// Calls `look` every second until the time is over, and then once more.
void wait_with_progress(const char *what, std::chrono::seconds duration, const Options &options,
                        const std::function<void()> &look) {
    Progress progress(options, what);
    const auto begin = Clock::now();
    for (auto passed = Clock::duration::zero(); passed < duration; passed = Clock::now() - begin) {
        progress.update(what, std::chrono::duration<double>(passed) /
                                  std::chrono::duration<double>(duration));
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(duration - passed);
        interruptible_sleep(std::min(left, look_interval));
        look();
    }
}

Seen watch_server(Server &server, PoolerConsole *pooler, std::chrono::seconds duration,
                  const Options &options) {
    Seen seen;
    BackendTimes backends(server.is_local());
    backends.look(server);
    seen.before = read_counters(server, pooler);
    seen.own_transactions = 1;

    const auto note_clients = [&](const std::map<std::string, PoolerAlias> &aliases) {
        for (const auto &[name, alias] : aliases)
            seen.clients[name] = std::max(seen.clients[name], alias.clients);
    };
    note_clients(seen.before.aliases);
    wait_with_progress("watching the server", duration, options, [&] {
        backends.look(server);
        seen.own_transactions += server.is_local() ? 1 : 0;
        if (pooler)
            note_clients(pooler->aliases());
    });
    seen.after = read_counters(server, pooler);
    note_clients(seen.after.aliases);
    backends.look(server);
    seen.processors = backends.between_looks();
    for (const auto &[database, counters] : seen.after.databases)
        seen.begun[database] = backends.begun(database);
    seen.activity = read_activity(server, seen.before.at_s);
    return seen;
}

int cores_of(const Server &server, const PoolWatch &watch) {
    if (watch.cores)
        return *watch.cores;
    const unsigned here = std::thread::hardware_concurrency();
    if (!server.is_local() || here == 0)
        throw Failure(ExitStatus::Usage, "how many processors the server has is not known", {},
                      "Say it with --cores.");
    return static_cast<int>(here);
}

// As the pooler reaches the server, which is what its fragment needs.
void take_address(const Seen &seen, PoolObservations &observations) {
    for (const ObservedPool &pool : observations.pools) {
        const auto alias = seen.after.aliases.find(pool.observation.pool);
        if (alias == seen.after.aliases.end() || alias->second.host.empty())
            continue;
        observations.host = alias->second.host;
        observations.port = alias->second.port;
        return;
    }
}

} // namespace

PoolObservations watch_pools(Server &server, const PoolWatch &watch, const Options &options) {
    PoolObservations observations;
    observations.machine.cores = cores_of(server, watch);
    read_address(server, observations);
    std::optional<PoolerConsole> pooler;
    if (!watch.pgbouncer.empty())
        pooler.emplace(watch.pgbouncer);

    const Seen seen = watch_server(server, pooler ? &*pooler : nullptr, watch.duration, options);
    observations.pools = pooler ? pools_of_aliases(seen, server.database())
                                : pools_of_databases(seen, server.database());
    take_address(seen, observations);
    const std::optional<double> p99_ms =
        server
            .query_one("SELECT max(p99_ms) AS p99_ms FROM triage.workflow_latency "
                       "WHERE workflow IS NULL AND executions >= 100")
            .number("p99_ms");
    for (ObservedPool &pool : observations.pools) {
        if (pool.user.empty())
            pool.user = server.user();
        if (pool.database == server.database())
            pool.statement_p99_ms = p99_ms.value_or(0);
    }
    return observations;
}

std::map<std::string, double> watch_rates(PoolerConsole &pooler, std::chrono::seconds duration,
                                          const Options &options) {
    const auto before = pooler.aliases();
    const auto begin = Clock::now();
    wait_with_progress("watching the pooler", duration, options, [] {});
    const auto after = pooler.aliases();
    const std::chrono::duration<double> passed = Clock::now() - begin;
    std::map<std::string, double> rates;
    for (const auto &[name, alias] : after) {
        const auto known = before.find(name);
        const double then = known == before.end() ? 0 : known->second.totals.transactions;
        // Less than before: it was started again.
        rates[name] = std::max(0.0, alias.totals.transactions - then) / passed.count();
    }
    return rates;
}

} // namespace triage::advisor
