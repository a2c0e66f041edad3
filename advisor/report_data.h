// The plain structs that a report is made of. Filled by snapshot_report.cpp, shown by render/.
#pragma once

#include "snapshot.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace triage::advisor {

struct StatementFigures {
    std::int64_t queryid = 0;
    std::int64_t calls = 0;
    double total_ms = 0;
    double share = 0; // of the time of all statements, 0..1
    std::optional<double> p50_ms, p95_ms, p99_ms, max_ms;
    std::optional<double> rows_per_call;
    std::optional<double> hit_rate; // of shared buffers, 0..1
    std::string user, workflow, data_class;
    std::string query; // normalised, and without what literals were left
};

struct WorkflowFigures {
    std::string workflow; // empty: all of them
    std::int64_t executions = 0;
    std::optional<double> p50_ms, p95_ms, p99_ms;
};

// A way in which statements reach a relation that reads much more than it needs.
struct CostlyAccess {
    std::string relation, data_class;
    std::vector<std::string> columns, operators; // one each a condition; never a value
    std::int64_t relation_bytes = 0;
    std::int64_t executions = 0;            // sampled ones
    std::optional<double> sequential;       // share of sequential scans, 0..1
    std::optional<double> rows_used;        // mean an execution
    std::optional<double> rows_removed;     // mean an execution
    std::optional<double> mean_selectivity; // estimated share of rows, 0..1
    bool sorted = false, limited = false;
};

struct Recommendation {
    std::optional<std::int64_t> id; // none: not kept in triage.recommendations
    std::string status;
    int rank = 0;
    std::string relation, schema; // schema: quoted if need be
    std::string ddl, kind;
    std::int64_t size_bytes = 0;
    double cost_before = 0, cost_after = 0;
    double improvement = 0; // estimated, 0..1
    double write_cost = 0;
    int queries = 0;
    bool generic_plan_ok = false;
    std::string reason;
    std::string details; // JSON; empty if there are none
};

// Of a statement that a recommendation is for.
struct StatementOfRecommendation {
    std::string query; // normalised
    std::optional<double> calls_a_day;
};

struct Job {
    std::int64_t id = 0;
    std::string kind, status, phase;
    std::string index, relation, ddl;
    std::optional<double> progress; // 0..1
    int attempts = 0;
    std::string error, verdict; // verdict: why the index was kept or reverted
    std::optional<std::int64_t> size_bytes;
    // Of the statements that the index is for, measured.
    std::optional<double> before_ms, after_ms, before_p95_ms, after_p95_ms;
    std::optional<std::int64_t> executions; // since it was built
    std::string finished_at;
};

struct AuditEntry {
    std::string at, actor, action, object;
    std::optional<std::int64_t> job_id;
};

// One finding of triage.self_check().
struct HealthCheck {
    std::string check;
    bool ok = false;
    std::string detail, hint;
};

struct Report {
    Identity identity;
    std::string statistics_since; // empty: unknown
    std::vector<WorkflowFigures> workflows;
    std::vector<StatementFigures> statements;
    std::vector<CostlyAccess> accesses;
    std::vector<Recommendation> recommendations;
    std::vector<Job> jobs;
    std::vector<AuditEntry> audit;
    std::vector<TargetResult> targets;
    std::vector<HealthCheck> health;
};

} // namespace triage::advisor
