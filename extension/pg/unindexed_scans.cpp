#include "pg/unindexed_scans.h"

#include "pg/plan_tree.h"
#include "pg/scratch.h"
#include "pg/subtransaction.h"

PG_HEADERS_BEGIN
#include "access/relation.h"
#include "catalog/partition.h"
#include "optimizer/planner.h"
#include "optimizer/plancat.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
PG_HEADERS_END

namespace triage {
namespace {

struct Found {
    const PlannedStmt *plan;
    List *relids; // of tables with a sequential scan, each once
};

void note_scan(Plan *plan, void *context) {
    if (!IsA(plan, SeqScan))
        return;
    auto *found = static_cast<Found *>(context);
    Index rti = reinterpret_cast<Scan *>(plan)->scanrelid;
    found->relids =
        list_append_unique_oid(found->relids, rt_fetch(rti, found->plan->rtable)->relid);
}

Oid topmost(Oid relid) {
    if (!get_rel_relispartition(relid))
        return relid;
    List *ancestors = get_partition_ancestors(relid);
    return ancestors == NIL ? relid : llast_oid(ancestors);
}

double rows_of(Oid relid) {
    ::Relation relation = relation_open(relid, AccessShareLock);
    BlockNumber pages;
    double rows, all_visible;
    estimate_rel_size(relation, nullptr, &pages, &rows, &all_visible);
    relation_close(relation, NoLock);
    return rows;
}

} // namespace

std::vector<UnindexedTable> find_unindexed_tables(const PlannableQuery &query,
                                                  ParamListInfo bound) {
    ScratchContext scratch;
    List *relids = scratch.call_server([&] {
        Found found{};
        auto make_plan = [&](ParamListInfo parameters) {
            auto *copy = static_cast<Query *>(copyObjectImpl(query.query));
            found.plan = standard_planner(copy, query.text, CURSOR_OPT_PARALLEL_OK, parameters);
        };
        if (bound == nullptr || attempt([&] { make_plan(bound); }) != nullptr)
            make_plan(nullptr);
        walk_plan(found.plan, note_scan, &found);
        return found.relids;
    });

    std::vector<UnindexedTable> tables;
    ListCell *cell;
    foreach (cell, relids) {
        Oid relid = lfirst_oid(cell);
        double rows = 0;
        Oid top = scratch.call_server([&] {
            CHECK_FOR_INTERRUPTS();
            rows = rows_of(relid);
            return topmost(relid);
        });
        auto table = std::find_if(tables.begin(), tables.end(),
                                  [&](const UnindexedTable &t) { return t.relid == top; });
        if (table == tables.end())
            table = tables.insert(table, {.relid = top, .partitioned = top != relid});
        table->scans++;
        table->rows += rows;
    }
    std::stable_sort(
        tables.begin(), tables.end(),
        [](const UnindexedTable &a, const UnindexedTable &b) { return a.rows > b.rows; });
    return tables;
}

} // namespace triage
