// SQL function triage.application_patterns: what the way in which clients ask says about them. The
// view over it, triage.application_advice, is in sql/pg_triage.sql.
#include "core/application_advice.h"
#include "pg/statistics_sql.h"
#include "pg/visibility.h"

#include <set>

PG_HEADERS_BEGIN
#include "miscadmin.h"
PG_FUNCTION_INFO_V1(pg_triage_application_patterns);
PG_HEADERS_END

namespace triage {

namespace {

// Finds rows by equality with a value that came from outside of the database.
bool by_key(const store::ScanStats &scan) {
    return std::any_of(scan.clauses.begin(), scan.clauses.end(), [](const auto &clause) {
        return clause.op == ClauseOperator::Equal &&
               (clause.operand == Operand::Literal || clause.operand == Operand::Parameter);
    });
}

void write_patterns(RowWriter &rows) {
    const Visibility visibility;
    std::set<store::StatementKey> keyed;
    for (const store::ScanStats &scan : store::read_scans(MyDatabaseId))
        if (by_key(scan))
            keyed.insert({scan.userid, scan.dbid, scan.queryid});
    for (const store::StatementStats &statement : store::read_statements(MyDatabaseId)) {
        // What reads no table of a user is a tool's own, or ours.
        if (!visibility.shows(statement.key.userid) || !OidIsValid(statement.main_relation))
            continue;
        for (const Advice &advice :
             application_advice({statement.calls, statement.rows, keyed.contains(statement.key),
                                 statement.habits})) {
            rows.add_oid(statement.key.userid);
            rows.add_int8(statement.key.queryid);
            rows.add_text(name_of(advice.pattern));
            rows.add_oid(statement.main_relation);
            rows.add_int8(static_cast<std::int64_t>(statement.calls));
            rows.add_float8(statement.latency.total_ms);
            rows.add_int8(static_cast<std::int64_t>(advice.executions));
            rows.add_float8(advice.figure);
            rows.add_text(unit_of(advice.pattern));
            rows.add_text(advice.evidence);
            rows.add_text(remedy_of(advice.pattern));
            rows.end_row();
        }
    }
}

} // namespace

} // namespace triage

Datum pg_triage_application_patterns(PG_FUNCTION_ARGS) {
    return triage::return_statistics(fcinfo, triage::write_patterns);
}
