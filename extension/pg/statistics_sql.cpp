// SQL functions over the store: triage.statement_statistics, scan_statistics, plan_statistics,
// reset_store, dump_store, version. The views over them are in sql/pg_triage.sql.
#include "core/literals.h"
#include "pg/activity_store.h"
#include "pg/statistics_sql.h"
#include "pg/visibility.h"

PG_HEADERS_BEGIN
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "utils/lsyscache.h"
PG_FUNCTION_INFO_V1(pg_triage_statement_statistics);
PG_FUNCTION_INFO_V1(pg_triage_scan_statistics);
PG_FUNCTION_INFO_V1(pg_triage_plan_statistics);
PG_FUNCTION_INFO_V1(pg_triage_reset_store);
PG_FUNCTION_INFO_V1(pg_triage_dump_store);
PG_FUNCTION_INFO_V1(pg_triage_without_literals);
PG_HEADERS_END

namespace triage {

void require_store() {
    if (!store::available())
        throw SqlError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                       "pg_triage must be loaded via shared_preload_libraries", {},
                       "Add pg_triage to shared_preload_libraries after pg_stat_statements and "
                       "restart the server.");
}

std::string relation_name(Oid relation) {
    struct Name { // no longer than two quoted names
        char text[2 * (2 * NAMEDATALEN + 2) + 2];
    };
    const Name qualified = call_server([relation] {
        Name name{};
        const char *own = get_rel_name(relation);
        if (own == nullptr) {
            snprintf(name.text, sizeof name.text, "%u", relation);
            return name;
        }
        const char *schema = get_namespace_name(get_rel_namespace(relation));
        strlcpy(name.text, quote_qualified_identifier(schema ? schema : "", own), sizeof name.text);
        return name;
    });
    return qualified.text;
}

namespace {

const char *name_of(ClauseOperator op) {
    switch (op) {
    case ClauseOperator::Equal:
        return "equal";
    case ClauseOperator::In:
        return "in";
    case ClauseOperator::Range:
        return "range";
    case ClauseOperator::Prefix:
        return "prefix";
    case ClauseOperator::NotEqual:
        return "not equal";
    case ClauseOperator::IsNull:
        return "is null";
    case ClauseOperator::IsNotNull:
        return "is not null";
    case ClauseOperator::Other:
        break;
    }
    return "other";
}

const char *name_of(Operand operand) {
    switch (operand) {
    case Operand::None:
        return "none";
    case Operand::Literal:
        return "literal";
    case Operand::Parameter:
        return "parameter";
    case Operand::Expression:
        return "expression";
    case Operand::Join:
        break;
    }
    return "join";
}

void write_statements(RowWriter &rows) {
    const Visibility visibility;
    for (const store::StatementStats &statement : store::read_statements(InvalidOid)) {
        if (!visibility.shows(statement.key.userid))
            continue;
        rows.add_oid(statement.key.userid);
        rows.add_oid(statement.key.dbid);
        rows.add_int8(statement.key.queryid);
        rows.add_int8(static_cast<std::int64_t>(statement.calls));
        rows.add_int8(static_cast<std::int64_t>(statement.sampled));
        rows.add_int8(static_cast<std::int64_t>(statement.generic_plans));
        rows.add_int8(static_cast<std::int64_t>(statement.rows));
        rows.add_float8(statement.latency.total_ms);
        rows.add_float8(statement.latency.mean_ms());
        rows.add_float8(std::min(statement.latency.percentile_ms(0.50), statement.max_ms));
        rows.add_float8(std::min(statement.latency.percentile_ms(0.95), statement.max_ms));
        rows.add_float8(std::min(statement.latency.percentile_ms(0.99), statement.max_ms));
        rows.add_float8(statement.max_ms);
        rows.add_timestamptz(statement.first_seen);
        rows.add_timestamptz(statement.last_seen);
        if (statement.key.dbid == MyDatabaseId && OidIsValid(statement.main_relation))
            rows.add_oid(statement.main_relation);
        else
            rows.add_null();
        rows.end_row();
    }
}

void write_scans(RowWriter &rows) {
    const Visibility visibility;
    for (const store::ScanStats &scan : store::read_scans(MyDatabaseId)) {
        if (!visibility.shows(scan.userid))
            continue;
        std::vector<std::int64_t> attributes, operators, estimates, withheld;
        std::vector<std::string> kinds, operands, values;
        std::vector<double> means, worsts;
        for (const store::ClauseStats &clause : scan.clauses) {
            attributes.push_back(clause.attribute);
            operators.push_back(clause.opno);
            kinds.emplace_back(name_of(clause.op));
            operands.emplace_back(name_of(clause.operand));
            estimates.push_back(static_cast<std::int64_t>(clause.estimates));
            means.push_back(clause.mean_selectivity);
            worsts.push_back(clause.worst_selectivity);
            withheld.push_back(static_cast<std::int64_t>(clause.withheld));
        }
        rows.add_oid(scan.userid);
        rows.add_int8(scan.queryid);
        rows.add_oid(scan.relid);
        rows.add_int8(static_cast<std::int64_t>(scan.executions));
        rows.add_int8(static_cast<std::int64_t>(scan.sequential));
        rows.add_int8(static_cast<std::int64_t>(scan.sorted));
        rows.add_int8(static_cast<std::int64_t>(scan.limited));
        rows.add_float8(scan.estimated_rows);
        rows.add_float8(scan.actual_rows);
        rows.add_float8(scan.rows_removed);
        rows.add_int8_array(attributes);
        rows.add_int8_array(operators);
        rows.add_text_array(kinds);
        rows.add_text_array(operands);
        rows.add_int8_array(estimates);
        rows.add_float8_array(means);
        rows.add_float8_array(worsts);
        rows.add_int8_array(withheld);
        std::vector<std::int64_t> value_attributes, value_executions;
        for (const store::ClauseStats &clause : scan.clauses)
            for (const store::SharedValue &value : clause.values) {
                value_attributes.push_back(clause.attribute);
                values.push_back(value.text);
                value_executions.push_back(static_cast<std::int64_t>(value.executions));
            }
        rows.add_int8_array(value_attributes);
        rows.add_text_array(values);
        rows.add_int8_array(value_executions);
        rows.end_row();
    }
}

void write_plans(RowWriter &rows) {
    const Visibility visibility;
    for (const store::PlanStats &plan : store::read_plans(MyDatabaseId)) {
        if (!visibility.shows(plan.key.userid))
            continue;
        rows.add_oid(plan.key.userid);
        rows.add_int8(plan.key.queryid);
        rows.add_int8(static_cast<std::int64_t>(plan.planid));
        rows.add_int8(static_cast<std::int64_t>(plan.executions));
        rows.add_float8(plan.latency.total_ms);
        rows.add_timestamptz(plan.first_seen);
        rows.add_timestamptz(plan.last_seen);
        rows.add_text(describe(plan.shape, relation_name));
        rows.end_row();
    }
}

} // namespace

} // namespace triage

using namespace triage;

Datum pg_triage_statement_statistics(PG_FUNCTION_ARGS) {
    return return_statistics(fcinfo, write_statements);
}

Datum pg_triage_scan_statistics(PG_FUNCTION_ARGS) {
    return return_statistics(fcinfo, write_scans);
}

Datum pg_triage_plan_statistics(PG_FUNCTION_ARGS) {
    return return_statistics(fcinfo, write_plans);
}

Datum pg_triage_reset_store(PG_FUNCTION_ARGS) {
    return guard_sql([] {
        require_store();
        store::reset();
        activity::reset();
        return Datum{0};
    });
}

Datum pg_triage_dump_store(PG_FUNCTION_ARGS) {
    return guard_sql([] {
        require_store();
        std::string bytes;
        store::dump(bytes);
        activity::dump(bytes);
        return call_server([&bytes] {
            auto *result = static_cast<bytea *>(palloc(bytes.size() + VARHDRSZ));
            SET_VARSIZE(result, bytes.size() + VARHDRSZ);
            memcpy(VARDATA(result), bytes.data(), bytes.size());
            return PointerGetDatum(result);
        });
    });
}

Datum pg_triage_without_literals(PG_FUNCTION_ARGS) {
    return guard_sql([fcinfo] {
        struct Text {
            const char *data;
            std::size_t length;
        };
        const auto typed = call_server([fcinfo] {
            const text *argument = PG_GETARG_TEXT_PP(0);
            return Text{VARDATA_ANY(argument), VARSIZE_ANY_EXHDR(argument)};
        });
        const std::string redacted = without_literals(std::string(typed.data, typed.length));
        return call_server([&redacted] {
            return PointerGetDatum(
                cstring_to_text_with_len(redacted.data(), static_cast<int>(redacted.size())));
        });
    });
}
