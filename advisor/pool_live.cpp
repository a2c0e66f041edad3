#include "pool_live.h"

#include "exit_status.h"
#include "interrupt.h"
#include "options.h"
#include "progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <thread>

namespace triage::advisor {

namespace {

using Clock = std::chrono::steady_clock;

// A database with less than that was not used, but for monitoring.
constexpr double least_transactions = 50;
constexpr std::size_t most_statements = 50;

// ---- counters, read twice

struct DatabaseCounters {
    double transactions = 0, active_ms = 0, idle_in_transaction_ms = 0;
    int sessions = 0; // but for this program's
};

struct StatementCounters {
    std::string database;
    double calls = 0, total_ms = 0;
    std::optional<double> p50_ms, p95_ms;
};

struct Counters {
    double at_s = 0; // by the server's clock
    std::map<std::string, DatabaseCounters> databases;
    std::map<std::string, StatementCounters> statements;
};

Counters read_counters(Server &server) {
    Counters counters;
    for (const Row &row : server.query(R"(
SELECT d.datname, (d.xact_commit + d.xact_rollback)::float8 AS transactions, d.active_time,
       d.idle_in_transaction_time, d.numbackends - (d.datname = current_database())::int AS sessions, extract(epoch FROM clock_timestamp())::float8 AS at
  FROM pg_catalog.pg_stat_database d WHERE d.datname IS NOT NULL)")) {
        counters.at_s = row.number("at").value_or(0);
        counters.databases[row.text("datname")] = {
            row.number("transactions").value_or(0), row.number("active_time").value_or(0),
            row.number("idle_in_transaction_time").value_or(0),
            static_cast<int>(row.integer("sessions").value_or(0))};
    }
    for (const Row &row : server.query(R"(
SELECT s.userid || '/' || s.dbid || '/' || s.queryid AS statement, d.datname, s.calls, s.total_ms,
       s.p50_ms, s.p95_ms
  FROM triage.statement_statistics() s JOIN pg_catalog.pg_database d ON d.oid = s.dbid)"))
        counters.statements[row.text("statement")] = {
            row.text("datname"), row.number("calls").value_or(0),
            row.number("total_ms").value_or(0), row.number("p50_ms"), row.number("p95_ms")};
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

std::vector<ObservedStatement> statements_of(const std::string &database, double transactions,
                                             const Counters &before, const Counters &after) {
    std::vector<ObservedStatement> statements;
    for (const auto &[name, now] : after.statements) {
        const auto known = before.statements.find(name);
        const StatementCounters then =
            known == before.statements.end() ? StatementCounters{} : known->second;
        const double calls = now.calls - then.calls, total_ms = now.total_ms - then.total_ms;
        if (now.database != database || calls <= 0 || total_ms < 0)
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

// ---- what the server sampled of its sessions

struct Sampled {
    double active = 0;                   // sessions, summed over looks
    std::map<std::string, double> waits; // of them
    double clients = 0;
    std::string user;
};

std::map<std::string, Sampled> read_activity(Server &server, double since_s) {
    std::map<std::string, Sampled> databases;
    for (const Row &row : server.query(R"(
SELECT a.database, a.wait_class, sum(a.sessions * a.looks) AS seen
  FROM triage.activity a
 WHERE a.state = 'active' AND a.application IS DISTINCT FROM 'pg_triage'
   AND a.minute >= date_trunc('minute', to_timestamp($1::float8))
 GROUP BY a.database, a.wait_class)",
                                       {{std::to_string(since_s)}})) {
        Sampled &sampled = databases[row.text("database")];
        const double seen = row.number("seen").value_or(0);
        sampled.active += seen;
        sampled.waits[row.text("wait_class")] += seen;
    }
    for (const Row &row : server.query(R"(
SELECT m.database, max(m.sessions) AS clients, (array_agg(m.username ORDER BY m.busiest DESC))[1] AS username
  FROM (SELECT a.database, a.minute, sum(a.sessions) AS sessions,
               (array_agg(a.username ORDER BY a.sessions DESC))[1] AS username, max(a.sessions) AS busiest
          FROM triage.activity a
         WHERE a.application IS DISTINCT FROM 'pg_triage'
         GROUP BY a.database, a.minute) m
 GROUP BY m.database)")) {
        Sampled &sampled = databases[row.text("database")];
        sampled.clients = row.number("clients").value_or(0);
        sampled.user = row.text("username");
    }
    return databases;
}

void add_waits(PoolObservation &observation, const Sampled &sampled) {
    if (sampled.active <= 0)
        return;
    for (const auto &[wait, seen] : sampled.waits) {
        const double ms = observation.active_ms * seen / sampled.active;
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

// ---- the server and its machine

void sleep_with_progress(std::chrono::seconds duration, const Options &options) {
    Progress progress(options, "watching the server");
    const auto begin = Clock::now();
    for (auto passed = Clock::duration::zero(); passed < duration; passed = Clock::now() - begin) {
        progress.update("watching the server", std::chrono::duration<double>(passed) /
                                                   std::chrono::duration<double>(duration));
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(duration - passed);
        interruptible_sleep(std::min(left, std::chrono::milliseconds(500)));
    }
}

double cores_of(const Server &server, const PoolWatch &watch) {
    if (watch.cores)
        return *watch.cores;
    const unsigned here = std::thread::hardware_concurrency();
    if (!server.is_local() || here == 0)
        throw Failure(ExitStatus::Usage, "how many processors the server has is not known", {},
                      "Say it with --cores.");
    return here;
}

void read_address(Server &server, PoolObservations &observations) {
    const Row row = server.query_one(
        "SELECT host(inet_server_addr()) AS host, current_setting('port') AS port");
    if (!row.is_null("host"))
        observations.host = row.text("host");
    observations.port = static_cast<int>(row.integer("port").value_or(observations.port));
}

// As Kubernetes allows it.
std::string deployment_name(const std::string &application) {
    std::string name;
    for (const unsigned char letter : application)
        name += (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9')
                    ? static_cast<char>(letter)
                : letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a')
                                                 : '-';
    const auto first = name.find_first_not_of('-'), last = name.find_last_not_of('-');
    return first == std::string::npos ? "application" : name.substr(first, last - first + 1);
}

} // namespace

PoolObservations watch_pools(Server &server, const PoolWatch &watch, const Options &options) {
    PoolObservations observations;
    observations.machine.cores = cores_of(server, watch);
    read_address(server, observations);
    const Counters before = read_counters(server);
    sleep_with_progress(watch.duration, options);
    const Counters after = read_counters(server);
    const auto activity = read_activity(server, before.at_s);
    const std::optional<double> p99_ms =
        server
            .query_one("SELECT max(p99_ms) AS p99_ms FROM triage.workflow_latency "
                       "WHERE workflow IS NULL AND executions >= 100")
            .number("p99_ms");

    for (const auto &[database, now] : after.databases) {
        const auto then = before.databases.find(database);
        if (then == before.databases.end())
            continue;
        const double transactions = now.transactions - then->second.transactions;
        if (transactions < least_transactions)
            continue;
        ObservedPool pool;
        PoolObservation &observation = pool.observation;
        observation.pool = pool.database = database;
        observation.seconds = after.at_s - before.at_s;
        observation.transactions = transactions;
        observation.active_ms =
            std::max(0.0, now.active_ms - then->second.active_ms) / transactions;
        observation.idle_in_transaction_ms =
            std::max(0.0, now.idle_in_transaction_ms - then->second.idle_in_transaction_ms) /
            transactions;
        observation.clients = std::max(now.sessions, then->second.sessions);
        observation.statements = statements_of(database, transactions, before, after);
        if (const auto sampled = activity.find(database); sampled != activity.end()) {
            add_waits(observation, sampled->second);
            observation.clients =
                std::max(observation.clients, static_cast<int>(std::ceil(sampled->second.clients)));
            pool.user = sampled->second.user;
        }
        if (pool.user.empty())
            pool.user = server.user();
        if (database == server.database())
            pool.statement_p99_ms = p99_ms.value_or(0);
        observations.pools.push_back(pool);
    }
    return observations;
}

PoolObservations read_fleet(Server &server, const ReplicaAssumptions &assumptions) {
    PoolObservations observations;
    read_address(server, observations);
    Fleet fleet;
    const Row limits = server.query_one(R"(
SELECT current_setting('max_connections')::int AS connections,
       current_setting('superuser_reserved_connections')::int
         + coalesce(current_setting('reserved_connections', true), '0')::int AS reserved)");
    fleet.max_connections = static_cast<int>(limits.integer("connections").value_or(100));
    fleet.superuser_reserved = static_cast<int>(limits.integer("reserved").value_or(3));

    // Hours in which nobody was there at all cannot be told from those that nobody looked at.
    std::map<std::string, std::vector<double>> demand;
    std::vector<double> nobody(hours_a_week, std::numeric_limits<double>::quiet_NaN());
    const Rows rows = server.query(R"(
SELECT coalesce(nullif(a.application, ''), 'others') AS application, a.hour_of_week,
       coalesce(sum(a.sessions) FILTER (WHERE a.state NOT IN ('idle', 'disabled')), 0) AS busy
  FROM triage.activity_by_hour a
 WHERE a.application IS NULL OR a.application NOT IN ('pg_triage', 'psql', 'pg_dump', 'pg_dumpall', 'pg_restore')
 GROUP BY 1, 2)");
    for (const Row &row : rows)
        nobody[static_cast<std::size_t>(row.integer("hour_of_week").value_or(0))] = 0;
    for (const Row &row : rows) {
        auto &hourly = demand.try_emplace(row.text("application"), nobody).first->second;
        hourly[static_cast<std::size_t>(row.integer("hour_of_week").value_or(0))] =
            row.number("busy").value_or(0);
    }
    for (auto &[name, hourly] : demand) {
        ScaledApplication scaled;
        scaled.application.name = name;
        scaled.application.min_replicas = assumptions.min_replicas;
        scaled.application.max_replicas = assumptions.max_replicas;
        scaled.application.surge = scaled.application.terminating = 1;
        scaled.application.pool = assumptions.pool;
        scaled.deployment = deployment_name(name);
        scaled.demand_a_replica = assumptions.demand_a_replica;
        // Only what has been observed: a forecast needs a whole week.
        if (std::none_of(hourly.begin(), hourly.end(),
                         [](double value) { return std::isnan(value); }))
            scaled.demand.hourly = hourly;
        fleet.applications.push_back(scaled.application);
        observations.applications.push_back(std::move(scaled));
    }
    observations.fleet = std::move(fleet);
    return observations;
}

} // namespace triage::advisor
