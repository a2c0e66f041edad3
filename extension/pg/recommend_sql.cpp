// triage.recommend_indexes and triage.refresh_recommendations: arguments checked, rows given out,
// rows kept.
#include "pg/guc.h"
#include "pg/guard.h"
#include "pg/plan_analysis.h"
#include "pg/recommender.h"

PG_HEADERS_BEGIN
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(triage_recommend_indexes);
PG_FUNCTION_INFO_V1(triage_refresh_recommendations);
PG_HEADERS_END

namespace triage {
namespace {

// ---- Arguments: queries, budget_bytes, max_indexes, min_improvement, relations ------------------

struct Elements {
    Datum *values;
    bool *nulls;
    int count;
};

Elements elements_of(Datum datum, Oid type) {
    Elements elements{};
    int16 length;
    bool by_value;
    char alignment;
    get_typlenbyvalalign(type, &length, &by_value, &alignment);
    deconstruct_array(DatumGetArrayTypeP(datum), type, length, by_value, alignment,
                      &elements.values, &elements.nulls, &elements.count);
    return elements;
}

std::vector<std::string> queries_of(Datum datum) {
    Elements elements = call_server([&] { return elements_of(datum, TEXTOID); });
    std::vector<std::string> queries;
    for (int i = 0; i < elements.count; i++) {
        if (elements.nulls[i])
            throw SqlError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "queries must not contain null");
        queries.push_back(call_server([&] { return TextDatumGetCString(elements.values[i]); }));
    }
    return queries;
}

std::vector<RelationId> relations_of(Datum datum) {
    Elements elements = call_server([&] { return elements_of(datum, REGCLASSOID); });
    std::vector<RelationId> relations;
    for (int i = 0; i < elements.count; i++) {
        if (elements.nulls[i])
            throw SqlError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "relations must not contain null");
        Oid relid = DatumGetObjectId(elements.values[i]);
        const char *name = call_server([&] { return get_rel_name(relid); });
        if (name == nullptr)
            throw SqlError(ERRCODE_UNDEFINED_TABLE,
                           "relation with OID " + std::to_string(relid) + " does not exist");
        if (!call_server([&] { return is_user_table(relid); }))
            throw SqlError(ERRCODE_WRONG_OBJECT_TYPE,
                           "cannot recommend indexes for \"" + std::string(name) + "\"",
                           "Indexes are recommended for tables, partitioned tables and "
                           "materialized views of users, and not for temporary ones.");
        relations.push_back(relid);
    }
    return relations;
}

RecommendationRequest request_of(FunctionCallInfo fcinfo) {
    RecommendationRequest request;
    if (!PG_ARGISNULL(0))
        request.queries = queries_of(PG_GETARG_DATUM(0));
    if (!PG_ARGISNULL(1)) {
        if (PG_GETARG_INT64(1) < 0)
            throw SqlError(ERRCODE_INVALID_PARAMETER_VALUE, "budget_bytes must not be negative");
        request.limits.budget_bytes = static_cast<double>(PG_GETARG_INT64(1));
    } else if (guc::storage_budget_mb >= 0) {
        request.limits.budget_bytes = guc::storage_budget_mb * 1048576.0;
    }
    if (!PG_ARGISNULL(2)) {
        if (PG_GETARG_INT32(2) < 0)
            throw SqlError(ERRCODE_INVALID_PARAMETER_VALUE, "max_indexes must not be negative");
        request.limits.max_indexes = static_cast<std::size_t>(PG_GETARG_INT32(2));
    }
    if (!PG_ARGISNULL(3)) {
        double share = PG_GETARG_FLOAT8(3);
        if (!(share >= 0 && share <= 1))
            throw SqlError(ERRCODE_INVALID_PARAMETER_VALUE,
                           "min_improvement must be between 0 and 1");
        request.limits.min_improvement = share;
    }
    if (!PG_ARGISNULL(4))
        request.relations = relations_of(PG_GETARG_DATUM(4));
    return request;
}

// ---- Rows out -----------------------------------------------------------------------------------

// A row as Datums: relation to details, in the order of both functions' result columns.
constexpr int row_columns = 14;

struct RowDatums {
    Datum values[row_columns];
    bool nulls[row_columns];
};

RowDatums datums_of(const Recommendation &row) {
    RowDatums datums{};
    int column = 0;
    auto put = [&](Datum value, bool is_null = false) {
        datums.values[column] = value;
        datums.nulls[column++] = is_null;
    };
    put(Int32GetDatum(row.rank));
    put(ObjectIdGetDatum(row.relation));
    put(CStringGetTextDatum(row.ddl.c_str()));
    put(CStringGetTextDatum(row.kind.c_str()));
    put(Int64GetDatum(static_cast<int64>(row.size_bytes)));
    put(Float8GetDatum(row.cost_before));
    put(Float8GetDatum(row.cost_after));
    put(Float8GetDatum(row.improvement));
    put(Float8GetDatum(row.write_cost));
    put(Int32GetDatum(row.queries));
    put(Int64GetDatum(row.queryids.empty() ? 0 : row.queryids.front()), row.queryids.empty());
    put(BoolGetDatum(row.generic_plan_ok));
    put(CStringGetTextDatum(row.reason.c_str()));
    put(DirectFunctionCall1(jsonb_in, CStringGetDatum(row.details.c_str())));
    return datums;
}

void recommend_indexes(FunctionCallInfo fcinfo) {
    std::vector<Recommendation> rows = recommend(request_of(fcinfo));
    call_server([&] {
        InitMaterializedSRF(fcinfo, 0);
        auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
        for (const Recommendation &row : rows) {
            RowDatums datums = datums_of(row);
            tuplestore_putvalues(result->setResult, result->setDesc, datums.values, datums.nulls);
        }
    });
}

// ---- Rows kept ----------------------------------------------------------------------------------

// What was decided about a recommendation stays decided; what no longer seemed worth it, or was
// built and is gone again, is open once more.
const char *const keep_sql = R"(
INSERT INTO triage.recommendations AS r
    (rank, relation, ddl, kind, size_bytes, cost_before, cost_after, improvement, write_cost, queries,
     top_queryid, generic_plan_ok, reason, details, fingerprint, queryids)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
ON CONFLICT (fingerprint) DO UPDATE SET
    status = CASE WHEN r.status IN ('superseded', 'built') THEN 'open' ELSE r.status END,
    rank = excluded.rank, relation = excluded.relation,
    ddl = CASE WHEN r.status IN ('superseded', 'built', 'open') THEN excluded.ddl ELSE r.ddl END,
    kind = excluded.kind, size_bytes = excluded.size_bytes, cost_before = excluded.cost_before,
    cost_after = excluded.cost_after, improvement = excluded.improvement,
    write_cost = excluded.write_cost, queries = excluded.queries,
    top_queryid = excluded.top_queryid, generic_plan_ok = excluded.generic_plan_ok,
    reason = excluded.reason, details = excluded.details, queryids = excluded.queryids,
    last_seen = pg_catalog.now()
RETURNING r.id, r.status)";

constexpr int keep_parameters = row_columns + 2;
const Oid keep_types[keep_parameters] = {
    INT4OID,   REGCLASSOID, TEXTOID, TEXTOID, INT8OID, FLOAT8OID, FLOAT8OID, FLOAT8OID,
    FLOAT8OID, INT4OID,     INT8OID, BOOLOID, TEXTOID, JSONBOID,  TEXTOID,   INT8ARRAYOID};

// Only a run over the whole workload tells that something is no longer wanted, and only of the
// relations that it looked at.
const char *const supersede_sql = R"(
UPDATE triage.recommendations SET status = 'superseded'
 WHERE status = 'open' AND NOT (fingerprint = ANY ($1))
   AND ($2 IS NULL OR relation::oid = ANY ($2)))";

const char *const audit_sql = R"(
INSERT INTO triage.audit_log (action, details)
VALUES ('refresh_recommendations', pg_catalog.jsonb_build_object('found', $1, 'superseded', $2)))";

struct Kept {
    int64 id;
    const char *status;
};

void expect(int got, int wanted) {
    if (got != wanted)
        elog(ERROR, "could not keep recommendations: %s", SPI_result_code_string(got));
}

Kept keep(const Recommendation &row, MemoryContext context) {
    RowDatums datums = datums_of(row);
    Datum values[keep_parameters];
    char nulls[keep_parameters + 1];
    for (int i = 0; i < row_columns; i++) {
        values[i] = datums.values[i];
        nulls[i] = datums.nulls[i] ? 'n' : ' ';
    }
    auto *ids = static_cast<Datum *>(palloc(sizeof(Datum) * (row.queryids.size() + 1)));
    for (std::size_t i = 0; i < row.queryids.size(); i++)
        ids[i] = Int64GetDatum(row.queryids[i]);
    values[row_columns] = CStringGetTextDatum(row.fingerprint.c_str());
    values[row_columns + 1] =
        PointerGetDatum(construct_array(ids, static_cast<int>(row.queryids.size()), INT8OID,
                                        sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
    nulls[row_columns] = nulls[row_columns + 1] = ' ';
    nulls[keep_parameters] = '\0';
    expect(SPI_execute_with_args(keep_sql, keep_parameters, const_cast<Oid *>(keep_types), values,
                                 nulls, false, 0),
           SPI_OK_INSERT_RETURNING);
    HeapTuple tuple = SPI_tuptable->vals[0];
    bool is_null;
    return {DatumGetInt64(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1, &is_null)),
            MemoryContextStrdup(context, SPI_getvalue(tuple, SPI_tuptable->tupdesc, 2))};
}

std::uint64_t supersede(const std::vector<Recommendation> &rows,
                        const std::optional<std::vector<RelationId>> &relations) {
    auto *fingerprints = static_cast<Datum *>(palloc(sizeof(Datum) * (rows.size() + 1)));
    for (std::size_t i = 0; i < rows.size(); i++)
        fingerprints[i] = CStringGetTextDatum(rows[i].fingerprint.c_str());
    Datum values[2] = {PointerGetDatum(construct_array(fingerprints, static_cast<int>(rows.size()),
                                                       TEXTOID, -1, false, TYPALIGN_INT)),
                       0};
    if (relations) {
        auto *oids = static_cast<Datum *>(palloc(sizeof(Datum) * (relations->size() + 1)));
        for (std::size_t i = 0; i < relations->size(); i++)
            oids[i] = ObjectIdGetDatum((*relations)[i]);
        values[1] = PointerGetDatum(construct_array(oids, static_cast<int>(relations->size()),
                                                    OIDOID, sizeof(Oid), true, TYPALIGN_INT));
    }
    Oid types[2] = {TEXTARRAYOID, OIDARRAYOID};
    expect(
        SPI_execute_with_args(supersede_sql, 2, types, values, relations ? "  " : " n", false, 0),
        SPI_OK_UPDATE);
    return SPI_processed;
}

void audit(std::size_t found, std::uint64_t superseded) {
    Oid types[2] = {INT8OID, INT8OID};
    Datum values[2] = {Int64GetDatum(static_cast<int64>(found)),
                       Int64GetDatum(static_cast<int64>(superseded))};
    expect(SPI_execute_with_args(audit_sql, 2, types, values, nullptr, false, 0), SPI_OK_INSERT);
}

Oid owner_of_recommendations() {
    Oid relid = get_relname_relid("recommendations", get_namespace_oid("triage", false));
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
    if (!HeapTupleIsValid(tuple))
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
                        errmsg("table triage.recommendations does not exist")));
    Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
    ReleaseSysCache(tuple);
    return owner;
}

// The recommendations were found with the caller's rights; only the table is written with its
// owner's. An error restores the caller at the end of its (sub)transaction.
Kept *keep_all(const std::vector<Recommendation> &rows, const RecommendationRequest &request) {
    MemoryContext context = CurrentMemoryContext;
    auto *kept = static_cast<Kept *>(palloc0(sizeof(Kept) * (rows.size() + 1)));
    Oid caller;
    int security;
    GetUserIdAndSecContext(&caller, &security);
    SetUserIdAndSecContext(owner_of_recommendations(), security | SECURITY_LOCAL_USERID_CHANGE);
    int settings = NewGUCNestLevel();
    (void)set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
                            GUC_ACTION_SAVE, true, 0, false);
    if (SPI_connect() != SPI_OK_CONNECT)
        elog(ERROR, "SPI_connect failed");
    for (std::size_t i = 0; i < rows.size(); i++)
        kept[i] = keep(rows[i], context);
    std::uint64_t superseded = request.queries ? 0 : supersede(rows, request.relations);
    audit(rows.size(), superseded);
    SPI_finish();
    AtEOXact_GUC(false, settings);
    SetUserIdAndSecContext(caller, security);
    return kept;
}

void refresh_recommendations(FunctionCallInfo fcinfo) {
    call_server([] { PreventCommandIfReadOnly("triage.refresh_recommendations()"); });
    RecommendationRequest request = request_of(fcinfo);
    std::vector<Recommendation> rows = recommend(request);
    call_server([&] {
        Kept *kept = keep_all(rows, request);
        InitMaterializedSRF(fcinfo, 0);
        auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
        for (std::size_t i = 0; i < rows.size(); i++) {
            RowDatums datums = datums_of(rows[i]);
            Datum values[row_columns + 2] = {Int64GetDatum(kept[i].id),
                                             CStringGetTextDatum(kept[i].status)};
            bool nulls[row_columns + 2] = {false, false};
            std::copy_n(datums.values, row_columns, values + 2);
            std::copy_n(datums.nulls, row_columns, nulls + 2);
            tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
        }
    });
}

} // namespace
} // namespace triage

Datum triage_recommend_indexes(PG_FUNCTION_ARGS) {
    triage::guard_sql([&] { triage::recommend_indexes(fcinfo); });
    return Datum(0);
}

Datum triage_refresh_recommendations(PG_FUNCTION_ARGS) {
    triage::guard_sql([&] { triage::refresh_recommendations(fcinfo); });
    return Datum(0);
}
