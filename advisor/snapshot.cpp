#include "snapshot.h"

#include "machine.h"

#include <fmt/format.h>

namespace triage::advisor {

Identity read_identity(Server &server) {
    const Row row = server.query_one(
        "SELECT current_database() AS database, current_user AS user,"
        " current_setting('server_version') AS server_version, pg_is_in_recovery() AS in_recovery,"
        " to_char(now(), 'YYYY-MM-DD\"T\"HH24:MI:SSOF') AS taken_at,"
        " (SELECT extversion FROM pg_extension WHERE extname = 'pg_triage') AS extension_version");
    Identity identity;
    identity.database = row.text("database");
    identity.user = row.text("user");
    identity.server_version = row.text("server_version");
    identity.extension_version = row.text("extension_version");
    identity.taken_at = row.text("taken_at");
    identity.in_recovery = row.boolean("in_recovery").value_or(false);
    if (row.is_null("extension_version"))
        throw Failure(ExitStatus::NoServer,
                      fmt::format("extension \"pg_triage\" is not installed in database \"{}\"",
                                  identity.database),
                      {},
                      "Run CREATE EXTENSION pg_triage CASCADE in this database, or choose "
                      "another one with -d.");
    return identity;
}

namespace {

void fill_in(TargetResult &target, std::optional<double> figure) {
    if (!figure || target.ok || !target.limit)
        return;
    target.figure = figure;
    target.ok = *figure < *target.limit;
    target.detail = "Measured on this machine, where the server runs.";
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

} // namespace

std::vector<TargetResult> read_targets_and_machine(Server &server) {
    auto targets = read_targets(server);
    if (!server.is_local())
        return targets;
    const MachineLoad load = measure_machine();
    for (TargetResult &target : targets) {
        if (target.target == "cpu")
            fill_in(target, load.cpu_percent);
        if (target.target == "memory")
            fill_in(target, load.memory_percent);
    }
    return targets;
}

} // namespace triage::advisor
