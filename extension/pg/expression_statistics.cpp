#include "pg/expression_statistics.h"

#include "pg/compat.h"

PG_HEADERS_BEGIN
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "commands/vacuum.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
PG_HEADERS_END

namespace triage {
namespace {

// As ANALYZE prepares a column; null if the type has no statistics.
VacAttrStats *prepare(Node *expression) {
    auto *stats = static_cast<VacAttrStats *>(palloc0(sizeof(VacAttrStats)));
    use_default_statistics_target(stats);
    stats->attrtypid = exprType(expression);
    stats->attrtypmod = exprTypmod(expression);
    stats->attrcollid = exprCollation(expression);
    HeapTuple type = SearchSysCacheCopy1(TYPEOID, ObjectIdGetDatum(stats->attrtypid));
    if (!HeapTupleIsValid(type))
        return nullptr;
    stats->attrtype = reinterpret_cast<Form_pg_type>(GETSTRUCT(type));
    stats->anl_context = CurrentMemoryContext;
    for (int slot = 0; slot < STATISTIC_NUM_SLOTS; slot++) {
        stats->statypid[slot] = stats->attrtypid;
        stats->statyplen[slot] = stats->attrtype->typlen;
        stats->statypbyval[slot] = stats->attrtype->typbyval;
        stats->statypalign[slot] = stats->attrtype->typalign;
    }
    const bool ok =
        OidIsValid(stats->attrtype->typanalyze)
            ? DatumGetBool(OidFunctionCall1(stats->attrtype->typanalyze, PointerGetDatum(stats)))
            : std_typanalyze(stats);
    return ok && stats->compute_stats != nullptr ? stats : nullptr;
}

Datum fetch(VacAttrStatsP stats, int row, bool *is_null) {
    *is_null = stats->exprnulls[row];
    return stats->exprvals[row];
}

// Wide values make a smaller sample.
constexpr Size most_bytes = 16 * 1024 * 1024;

// How many of the rows it was done for.
int evaluate(Node *expression, Oid relid, const HeapTuple *rows, int row_count,
             VacAttrStats *stats) {
    const bool by_value = stats->attrtype->typbyval;
    const int16 length = stats->attrtype->typlen;
    stats->exprvals = static_cast<Datum *>(palloc(sizeof(Datum) * static_cast<Size>(row_count)));
    stats->exprnulls = static_cast<bool *>(palloc(sizeof(bool) * static_cast<Size>(row_count)));
    stats->rowstride = 1;
    ::Relation relation = relation_open(relid, AccessShareLock);
    EState *state = CreateExecutorState();
    TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(relation), &TTSOpsHeapTuple);
    ExprContext *context = GetPerTupleExprContext(state);
    context->ecxt_scantuple = slot;
    ExprState *prepared = ExecPrepareExpr(reinterpret_cast<Expr *>(expression), state);
    Size bytes = 0;
    int row = 0;
    for (; row < row_count && bytes < most_bytes; row++) {
        if (row % 256 == 0)
            CHECK_FOR_INTERRUPTS();
        ResetExprContext(context);
        ExecStoreHeapTuple(rows[row], slot, false);
        Datum value = ExecEvalExprSwitchContext(prepared, context, &stats->exprnulls[row]);
        stats->exprvals[row] = 0;
        if (stats->exprnulls[row])
            continue;
        stats->exprvals[row] = datumCopy(value, by_value, length);
        bytes += by_value ? 0 : datumGetSize(value, by_value, length);
    }
    ExecDropSingleTupleTableSlot(slot);
    FreeExecutorState(state);
    relation_close(relation, NoLock);
    return row;
}

ArrayType *numbers_of(const VacAttrStats *stats, int slot) {
    const int count = stats->numnumbers[slot];
    auto *numbers = static_cast<Datum *>(palloc(sizeof(Datum) * static_cast<Size>(count + 1)));
    for (int i = 0; i < count; i++)
        numbers[i] = Float4GetDatum(stats->stanumbers[slot][i]);
    return construct_array(numbers, count, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT);
}

ArrayType *values_of(const VacAttrStats *stats, int slot) {
    return construct_array(stats->stavalues[slot], stats->numvalues[slot], stats->statypid[slot],
                           stats->statyplen[slot], stats->statypbyval[slot],
                           stats->statypalign[slot]);
}

HeapTuple form(const VacAttrStats *stats, Oid relid) {
    Datum values[Natts_pg_statistic] = {};
    bool nulls[Natts_pg_statistic] = {};
    auto set = [&](int column, Datum value) { values[column - 1] = value; };
    set(Anum_pg_statistic_starelid, ObjectIdGetDatum(relid));
    set(Anum_pg_statistic_staattnum, Int16GetDatum(1));
    set(Anum_pg_statistic_stanullfrac, Float4GetDatum(stats->stanullfrac));
    set(Anum_pg_statistic_stawidth, Int32GetDatum(stats->stawidth));
    set(Anum_pg_statistic_stadistinct, Float4GetDatum(stats->stadistinct));
    for (int slot = 0; slot < STATISTIC_NUM_SLOTS; slot++) {
        set(Anum_pg_statistic_stakind1 + slot, Int16GetDatum(stats->stakind[slot]));
        set(Anum_pg_statistic_staop1 + slot, ObjectIdGetDatum(stats->staop[slot]));
        set(Anum_pg_statistic_stacoll1 + slot, ObjectIdGetDatum(stats->stacoll[slot]));
        if (stats->numnumbers[slot] > 0)
            set(Anum_pg_statistic_stanumbers1 + slot, PointerGetDatum(numbers_of(stats, slot)));
        else
            nulls[Anum_pg_statistic_stanumbers1 + slot - 1] = true;
        if (stats->numvalues[slot] > 0)
            set(Anum_pg_statistic_stavalues1 + slot, PointerGetDatum(values_of(stats, slot)));
        else
            nulls[Anum_pg_statistic_stavalues1 + slot - 1] = true;
    }
    ::Relation catalog = table_open(StatisticRelationId, AccessShareLock);
    HeapTuple tuple = heap_form_tuple(RelationGetDescr(catalog), values, nulls);
    table_close(catalog, AccessShareLock);
    return tuple;
}

} // namespace

HeapTuple make_statistics(Node *expression, Oid relid, const HeapTuple *rows, int row_count,
                          double table_rows) {
    VacAttrStats *stats = row_count > 0 ? prepare(expression) : nullptr;
    if (stats == nullptr)
        return nullptr;
    row_count = evaluate(expression, relid, rows, row_count, stats);
    stats->compute_stats(stats, fetch, row_count, std::max<double>(table_rows, row_count));
    return stats->stats_valid ? form(stats, relid) : nullptr;
}

} // namespace triage
