// SQL function triage.plan_comparisons: which plan of a statement gave way to which, and what that
// did to its time. The view over it, triage.plan_changes, is in sql/pg_triage.sql.
#include "core/plan_changes.h"
#include "pg/statistics_sql.h"
#include "pg/visibility.h"

#include <map>

PG_HEADERS_BEGIN
#include "miscadmin.h"
PG_FUNCTION_INFO_V1(pg_triage_plan_comparisons);
PG_HEADERS_END

namespace triage {

namespace {

PlanHistory history_of(const store::PlanStats &plan) {
    return {plan.planid,   plan.succeeded, plan.times_taken_up,
            plan.taken_up, plan.last_seen, plan.latency};
}

void write_change(RowWriter &rows, const store::PlanStats &before, const store::PlanStats &after,
                  const PlanChange &change) {
    rows.add_oid(after.key.userid);
    rows.add_int8(after.key.queryid);
    rows.add_timestamptz(after.taken_up);
    rows.add_bool(change.is_current);
    rows.add_text(name_of(change.effect));
    if (const char *severity = name_of(change.severity))
        rows.add_text(severity);
    else
        rows.add_null();
    rows.add_int8(static_cast<std::int64_t>(before.executions));
    rows.add_int8(static_cast<std::int64_t>(after.executions));
    rows.add_float8(before.latency.mean_ms());
    rows.add_float8(after.latency.mean_ms());
    rows.add_float8(before.latency.percentile_ms(0.95));
    rows.add_float8(after.latency.percentile_ms(0.95));
    rows.add_int8(static_cast<std::int64_t>(after.times_taken_up));
    rows.add_int8(static_cast<std::int64_t>(before.planid));
    rows.add_int8(static_cast<std::int64_t>(after.planid));
    rows.add_text(describe(before.shape, relation_name));
    rows.add_text(describe(after.shape, relation_name));
    rows.end_row();
}

void write_changes(RowWriter &rows) {
    const Visibility visibility;
    std::map<store::StatementKey, std::uint64_t> current_plan;
    for (const store::StatementStats &statement : store::read_statements(MyDatabaseId))
        current_plan[statement.key] = statement.current_plan;
    // Sorted by statement.
    const std::vector<store::PlanStats> plans = store::read_plans(MyDatabaseId);
    for (std::size_t begin = 0, end = 0; begin < plans.size(); begin = end) {
        const store::StatementKey &key = plans[begin].key;
        std::vector<PlanHistory> histories;
        for (end = begin; end < plans.size() && plans[end].key == key; end++)
            histories.push_back(history_of(plans[end]));
        if (!visibility.shows(key.userid))
            continue;
        for (const PlanChange &change : plan_changes(histories, current_plan[key]))
            write_change(rows, plans[begin + change.before], plans[begin + change.after], change);
    }
}

} // namespace

} // namespace triage

Datum pg_triage_plan_comparisons(PG_FUNCTION_ARGS) {
    return triage::return_statistics(fcinfo, triage::write_changes);
}
