// The statistics in shared memory: what each statement cost, and how it reached each relation. Written
// by the sampler, read by everybody else through the copies below. Holds no literal that the privacy
// rule (core/privacy.h) keeps back: there is no field that could.
//
// Reading never blocks a writer; a reading is consistent within one statement or scan, not across them.
#pragma once

#include "core/histogram.h"
#include "core/workload.h"
#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "datatype/timestamp.h"
PG_HEADERS_END

namespace triage::store {

struct StatementKey {
    Oid userid = InvalidOid;
    Oid dbid = InvalidOid;
    std::int64_t queryid = 0;

    auto operator<=>(const StatementKey &) const = default;
};

struct StatementStats {
    StatementKey key;
    std::uint64_t calls = 0;
    std::uint64_t sampled = 0;       // of the calls: executions whose plan was looked at
    std::uint64_t generic_plans = 0; // of the sampled: with a parameter left in the plan
    std::uint64_t rows = 0;
    double max_ms = 0;
    TimestampTz first_seen = 0, last_seen = 0;
    LatencyHistogram latency;
};

// A value that so many rows share that it tells nothing about a person, as its type prints it.
struct SharedValue {
    std::string text;
    std::uint64_t executions = 0;
};

// One condition of a scan: column, operator, and what stood on the other side.
struct ClauseStats {
    AttributeNumber attribute = 0;
    Oid opno = InvalidOid; // InvalidOid: IS NULL, IS NOT NULL, a boolean column
    ClauseOperator op = ClauseOperator::Other;
    Operand operand = Operand::Literal;
    std::uint64_t estimates = 0; // executions whose selectivity was estimated
    double mean_selectivity = 1, worst_selectivity = 1;
    std::vector<SharedValue> values;
    std::uint64_t withheld = 0; // executions whose value the privacy rule kept back
};

// How a statement reached one relation: one of its scans, told apart by the set of its conditions.
struct ScanStats {
    Oid userid = InvalidOid;
    Oid dbid = InvalidOid;
    std::int64_t queryid = 0;
    Oid relid = InvalidOid;
    std::vector<ClauseStats> clauses;
    std::uint64_t executions = 0; // sampled ones
    std::uint64_t sequential = 0; // of those: by a sequential scan
    std::uint64_t sorted = 0, limited = 0; // of those: below a Sort, below a LIMIT
    double estimated_rows = 0, actual_rows = 0, rows_removed = 0; // means an execution
};

// True if the shared memory is there (shared_preload_libraries).
bool available();

// Copies of what is known of one database (InvalidOid: of all). Raise nothing but out of memory
// (std::bad_alloc).
std::vector<StatementStats> read_statements(Oid dbid);
std::vector<ScanStats> read_scans(Oid dbid);

} // namespace triage::store
