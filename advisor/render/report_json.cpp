#include "render/json.h"
#include "render/jobs.h"
#include "render/recommendations.h"
#include "render/report.h"
#include "render/targets.h"

namespace triage::advisor {

namespace {

Json json_of(const WorkflowFigures &it) {
    return {{"workflow", text_or_null(it.workflow)},
            {"executions", it.executions},
            {"p50_ms", json_or_null(it.p50_ms)},
            {"p95_ms", json_or_null(it.p95_ms)},
            {"p99_ms", json_or_null(it.p99_ms)}};
}

Json json_of(const StatementFigures &it) {
    // As text: many readers of JSON keep only 53 bits of a number.
    return {{"queryid", std::to_string(it.queryid)},
            {"user", text_or_null(it.user)},
            {"workflow", text_or_null(it.workflow)},
            {"data_class", text_or_null(it.data_class)},
            {"calls", it.calls},
            {"total_ms", it.total_ms},
            {"share", it.share},
            {"p50_ms", json_or_null(it.p50_ms)},
            {"p95_ms", json_or_null(it.p95_ms)},
            {"p99_ms", json_or_null(it.p99_ms)},
            {"max_ms", json_or_null(it.max_ms)},
            {"rows_per_call", json_or_null(it.rows_per_call)},
            {"hit_rate", json_or_null(it.hit_rate)},
            {"query", text_or_null(it.query)}};
}

Json json_of(const CostlyAccess &it) {
    return {{"relation", it.relation},
            {"data_class", text_or_null(it.data_class)},
            {"relation_bytes", it.relation_bytes},
            {"columns", it.columns},
            {"operators", it.operators},
            {"sampled_executions", it.executions},
            {"sequential_share", json_or_null(it.sequential)},
            {"rows_used", json_or_null(it.rows_used)},
            {"rows_removed", json_or_null(it.rows_removed)},
            {"mean_selectivity", json_or_null(it.mean_selectivity)},
            {"sorted", it.sorted},
            {"limited", it.limited}};
}

Json json_of(const AuditEntry &it) {
    return {{"at", it.at},
            {"actor", it.actor},
            {"action", it.action},
            {"object", text_or_null(it.object)},
            {"job_id", json_or_null(it.job_id)}};
}

Json json_of(const HealthCheck &it) {
    return {{"check", it.check},
            {"ok", it.ok},
            {"detail", text_or_null(it.detail)},
            {"hint", text_or_null(it.hint)}};
}

template <class Element> Json array_of(const std::vector<Element> &elements) {
    Json json = Json::array();
    for (const Element &element : elements)
        json.push_back(json_of(element));
    return json;
}

} // namespace

Json json_of_report(const Report &report) {
    const Identity &identity = report.identity;
    return {{"database", identity.database},
            {"taken_at", identity.taken_at},
            {"server_version", identity.server_version},
            {"extension_version", identity.extension_version},
            {"in_recovery", identity.in_recovery},
            {"statistics_since", text_or_null(report.statistics_since)},
            {"workflows", array_of(report.workflows)},
            {"statements", array_of(report.statements)},
            {"costly_accesses", array_of(report.accesses)},
            {"recommendations", json_of_recommendations(report.recommendations)},
            {"jobs", json_of_jobs(report.jobs)},
            {"audit", array_of(report.audit)},
            {"targets", json_of_targets(report.targets)},
            {"health", array_of(report.health)}};
}

} // namespace triage::advisor
