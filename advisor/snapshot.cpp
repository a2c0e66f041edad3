#include "snapshot.h"

#include "interrupt.h"
#include "machine.h"

#include <fmt/format.h>

#include <chrono>

namespace triage::advisor {

Identity read_identity(Server &server) {
    const Row row = server.query_one(
        "SELECT current_database() AS database, current_user AS user,"
        " current_setting('server_version') AS server_version, pg_is_in_recovery() AS in_recovery,"
        " pg_has_role('pg_read_all_stats', 'USAGE') AS sees_all_statements,"
        " to_char(now(), 'YYYY-MM-DD\"T\"HH24:MI:SSOF') AS taken_at,"
        " (SELECT extversion FROM pg_extension WHERE extname = 'pg_triage') AS extension_version");
    Identity identity;
    identity.database = row.text("database");
    identity.user = row.text("user");
    identity.server_version = row.text("server_version");
    identity.extension_version = row.text("extension_version");
    identity.taken_at = row.text("taken_at");
    identity.in_recovery = row.boolean("in_recovery").value_or(false);
    identity.sees_all_statements = row.boolean("sees_all_statements").value_or(true);
    if (row.is_null("extension_version"))
        throw Failure(ExitStatus::NoServer,
                      fmt::format("extension \"pg_triage\" is not installed in database \"{}\"",
                                  identity.database),
                      {},
                      "Run CREATE EXTENSION pg_triage CASCADE in this database, or choose "
                      "another one with -d.");
    return identity;
}

std::vector<TargetResult> read_targets(Server &server) {
    std::vector<TargetResult> targets;
    for (const Row &row :
         server.query("SELECT target, figure, limit_value, unit, severity, ok, detail"
                      " FROM triage.check_targets()"))
        targets.push_back({row.text("target"), row.number("figure"), row.number("limit_value"),
                           row.text("unit"), row.text("severity"), row.boolean("ok"),
                           row.text("detail")});
    return targets;
}

namespace {

constexpr auto watched = std::chrono::seconds(2);

struct Transactions {
    double count = 0, at = 0; // at: seconds by the server's clock
};

Transactions read_transactions(Server &server) {
    const Row row = server.query_one(
        "SELECT xact_commit + xact_rollback AS count, extract(epoch FROM clock_timestamp()) AS at"
        " FROM pg_stat_database WHERE datname = current_database()");
    return {row.number("count").value_or(0), row.number("at").value_or(0)};
}

// Processors and memory: lower is better, and one look is evidence.
void fill_in_load(TargetResult &target, std::optional<double> percent) {
    if (!percent || !target.limit)
        return;
    target.figure = percent;
    target.ok = *percent < *target.limit;
    target.detail = fmt::format("of this machine, over {} s", watched.count());
}

// A rate proves what the server can do, never what it cannot: it may just not have been asked for
// more.
void fill_in_rate(TargetResult &target, double rate) {
    if (!target.limit || rate <= target.figure.value_or(0))
        return;
    target.figure = rate;
    if (rate >= *target.limit)
        target.ok = true;
    target.detail = fmt::format("over the last {} s, a lower bound", watched.count());
}

} // namespace

void watch_for_targets(Server &server, std::vector<TargetResult> &targets) {
    const Transactions before = read_transactions(server);
    MachineLoad load;
    if (server.is_local())
        load = measure_machine(watched);
    else
        interruptible_sleep(watched);
    const Transactions after = read_transactions(server);
    const double seconds = after.at - before.at;
    for (TargetResult &target : targets) {
        if (target.target == "cpu")
            fill_in_load(target, load.cpu_percent);
        if (target.target == "memory")
            fill_in_load(target, load.memory_percent);
        if (target.target == "throughput" && seconds > 0 && after.count >= before.count)
            fill_in_rate(target, (after.count - before.count) / seconds);
    }
}

} // namespace triage::advisor
