// SQL function triage.latency_buckets: the latency histograms of this database's statements, added
// up by the relation that a statement is about. Percentiles of any group of relations follow from
// it.
#include "pg/statistics_sql.h"

#include <algorithm>
#include <map>

PG_HEADERS_BEGIN
#include "miscadmin.h"
PG_FUNCTION_INFO_V1(pg_triage_latency_buckets);
PG_HEADERS_END

namespace triage {

namespace {

struct Merged {
    LatencyHistogram latency;
    double max_ms = 0; // no percentile is above it, though its bucket may reach further
};

void write_buckets(RowWriter &rows) {
    std::map<Oid, Merged> relations;
    for (const store::StatementStats &statement : store::read_statements(MyDatabaseId)) {
        Merged &merged = relations[statement.main_relation];
        merged.latency += statement.latency;
        merged.max_ms = std::max(merged.max_ms, statement.max_ms);
    }
    for (const auto &[relation, merged] : relations)
        for (int bucket = 0; bucket < LatencyBuckets::count; bucket++) {
            const std::uint64_t executions = merged.latency.counts[bucket];
            if (executions == 0)
                continue;
            const double lower = LatencyBuckets::lower_ms(bucket);
            const double upper = std::min(LatencyBuckets::upper_ms(bucket), merged.max_ms);
            if (OidIsValid(relation))
                rows.add_oid(relation);
            else
                rows.add_null();
            rows.add_float8(lower);
            rows.add_float8(std::max(lower, upper));
            rows.add_int8(static_cast<std::int64_t>(executions));
            rows.end_row();
        }
}

} // namespace

} // namespace triage

Datum pg_triage_latency_buckets(PG_FUNCTION_ARGS) {
    using namespace triage;
    return return_statistics(fcinfo, write_buckets);
}
