#include "snapshot_report.h"

#include "core/literals.h"
#include "snapshot_indexes.h"

#include <nlohmann/json.hpp>

namespace triage::advisor {

namespace {

const std::string this_database =
    "(SELECT d.oid FROM pg_database d WHERE d.datname = current_database())";

std::vector<std::string> texts_of(const std::string &json) {
    return nlohmann::json::parse(json).get<std::vector<std::string>>();
}

std::string read_statistics_since(Server &server) {
    return server
        .query_one("SELECT to_char(min(first_seen), 'YYYY-MM-DD HH24:MI') AS since"
                   " FROM triage.statements WHERE dbid = " +
                   this_database)
        .text("since");
}

// Percentiles of all, then by workflow, the slowest first.
std::vector<WorkflowFigures> read_workflows(Server &server) {
    std::vector<WorkflowFigures> workflows;
    for (const Row &row : server.query(
             "SELECT workflow, executions, p50_ms, p95_ms, p99_ms FROM triage.workflow_latency"
             " ORDER BY workflow IS NOT NULL, p95_ms DESC"))
        workflows.push_back({row.text("workflow"), row.integer("executions").value_or(0),
                             row.number("p50_ms"), row.number("p95_ms"), row.number("p99_ms")});
    return workflows;
}

std::vector<StatementFigures> read_statements(Server &server, int limit) {
    std::vector<StatementFigures> statements;
    for (const Row &row : server.query(
             "SELECT * FROM (SELECT s.queryid, s.calls, s.total_ms, s.p50_ms, s.p95_ms, s.p99_ms,"
             " s.max_ms, s.total_ms / nullif(sum(s.total_ms) OVER (), 0) AS share,"
             " s.rows::float8 / nullif(s.calls, 0) AS rows_per_call,"
             " s.shared_blks_hit / nullif((s.shared_blks_hit + s.shared_blks_read)::float8, 0)"
             " AS hit_rate, pg_get_userbyid(s.userid) AS user, s.workflow, s.data_class, s.query"
             " FROM triage.statements s WHERE s.dbid = " +
                 this_database +
                 // Our own queries are not the workload. Those that no table and no text is known
                 // of are of background workers.
                 " AND coalesce(s.query, '') !~ '\\mtriage\\.'"
                 " AND NOT (s.query IS NULL AND s.data_class IS NULL)) it"
                 " WHERE share >= 0.001 ORDER BY total_ms DESC, queryid LIMIT $1",
             {std::to_string(limit)})) {
        StatementFigures it;
        it.queryid = row.integer("queryid").value_or(0);
        it.calls = row.integer("calls").value_or(0);
        it.total_ms = row.number("total_ms").value_or(0);
        it.share = row.number("share").value_or(0);
        it.p50_ms = row.number("p50_ms");
        it.p95_ms = row.number("p95_ms");
        it.p99_ms = row.number("p99_ms");
        it.max_ms = row.number("max_ms");
        it.rows_per_call = row.number("rows_per_call");
        it.hit_rate = row.number("hit_rate");
        it.user = row.text("user");
        it.workflow = row.text("workflow");
        it.data_class = row.text("data_class");
        it.query = without_literals(row.text("query"));
        statements.push_back(it);
    }
    return statements;
}

// Large relations of which a scan looks at ten rows or more for each that it uses.
std::vector<CostlyAccess> read_costly_accesses(Server &server, int limit) {
    std::vector<CostlyAccess> accesses;
    for (const Row &row : server.query(
             "SELECT a.relation::text AS relation, triage.data_class_of(c.oid) AS data_class,"
             " pg_table_size(c.oid) AS relation_bytes, to_json(a.columns) AS columns,"
             " to_json(a.operators) AS operators, a.executions,"
             " a.sequential / nullif(a.executions, 0)::float8 AS sequential, a.actual_rows,"
             " a.rows_removed, a.mean_selectivity, a.sorted > 0 AS sorted, a.limited > 0 AS limited"
             " FROM triage.access_patterns a JOIN pg_class c ON c.oid = a.relation"
             " WHERE c.reltuples >= 10000 AND a.rows_removed > 10 * greatest(a.actual_rows, 10)"
             " AND c.relnamespace NOT IN (SELECT n.oid FROM pg_namespace n"
             " WHERE n.nspname IN ('pg_catalog', 'information_schema', 'triage'))"
             " ORDER BY a.executions * a.rows_removed DESC, relation LIMIT $1",
             {std::to_string(limit)})) {
        CostlyAccess it;
        it.relation = row.text("relation");
        it.data_class = row.text("data_class");
        it.relation_bytes = row.integer("relation_bytes").value_or(0);
        it.columns = texts_of(row.text("columns"));
        it.operators = texts_of(row.text("operators"));
        it.executions = row.integer("executions").value_or(0);
        it.sequential = row.number("sequential");
        it.rows_used = row.number("actual_rows");
        it.rows_removed = row.number("rows_removed");
        it.mean_selectivity = row.number("mean_selectivity");
        it.sorted = row.boolean("sorted").value_or(false);
        it.limited = row.boolean("limited").value_or(false);
        accesses.push_back(it);
    }
    return accesses;
}

// The newest ones, the newest last.
std::vector<AuditEntry> read_audit(Server &server, int limit) {
    std::vector<AuditEntry> entries;
    for (const Row &row : server.query(
             "SELECT to_char(at, 'YYYY-MM-DD HH24:MI') AS at, actor, action, object, job_id"
             " FROM (SELECT * FROM triage.audit_log ORDER BY id DESC LIMIT $1) newest"
             " ORDER BY id",
             {std::to_string(limit)}))
        entries.push_back({row.text("at"), row.text("actor"), row.text("action"),
                           row.text("object"), row.integer("job_id")});
    return entries;
}

std::vector<HealthCheck> read_health(Server &server) {
    std::vector<HealthCheck> checks;
    for (const Row &row : server.query("SELECT * FROM triage.self_check()"))
        checks.push_back({row.text("check"), row.boolean("ok").value_or(false), row.text("detail"),
                          row.text("hint")});
    return checks;
}

} // namespace

Report read_report(Server &server, const ReportLimits &limits) {
    Report report;
    report.identity = read_identity(server);
    server.in_one_snapshot([&] {
        report.statistics_since = read_statistics_since(server);
        report.workflows = read_workflows(server);
        report.statements = read_statements(server, limits.statements);
        report.accesses = read_costly_accesses(server, limits.accesses);
        report.recommendations = read_open_recommendations(server);
        report.jobs = read_recent_jobs(server, limits.jobs);
        report.audit = read_audit(server, limits.audit);
        report.targets = read_targets(server);
        report.health = read_health(server);
    });
    watch_for_targets(server, report.targets);
    return report;
}

} // namespace triage::advisor
