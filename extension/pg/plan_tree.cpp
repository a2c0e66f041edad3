#include "pg/plan_tree.h"

PG_HEADERS_BEGIN
#include "nodes/pg_list.h"
PG_HEADERS_END

namespace triage {
namespace {

void walk(Plan *plan, PlanVisitor visit, void *context);

void walk_list(List *plans, PlanVisitor visit, void *context) {
    ListCell *cell;
    foreach (cell, plans)
        walk(static_cast<Plan *>(lfirst(cell)), visit, context);
}

void walk(Plan *plan, PlanVisitor visit, void *context) {
    if (plan == nullptr)
        return;
    visit(plan, context);
    walk(outerPlan(plan), visit, context);
    walk(innerPlan(plan), visit, context);
    switch (nodeTag(plan)) {
    case T_Append:
        walk_list(castNode(Append, plan)->appendplans, visit, context);
        break;
    case T_MergeAppend:
        walk_list(castNode(MergeAppend, plan)->mergeplans, visit, context);
        break;
    case T_BitmapAnd:
        walk_list(castNode(BitmapAnd, plan)->bitmapplans, visit, context);
        break;
    case T_BitmapOr:
        walk_list(castNode(BitmapOr, plan)->bitmapplans, visit, context);
        break;
    case T_SubqueryScan:
        walk(castNode(SubqueryScan, plan)->subplan, visit, context);
        break;
    case T_CustomScan:
        walk_list(castNode(CustomScan, plan)->custom_plans, visit, context);
        break;
    default:
        break;
    }
}

} // namespace

void walk_plan(const PlannedStmt *statement, PlanVisitor visit, void *context) {
    walk(statement->planTree, visit, context);
    walk_list(statement->subplans, visit, context);
}

void walk_plan_expressions(Plan *plan, ExpressionVisitor visit, void *context) {
    auto each = [&](auto *...fields) {
        auto one = [&](auto *field) {
            if (field != nullptr)
                visit(reinterpret_cast<Node *>(field), context);
        };
        (one(fields), ...);
    };
    each(plan->targetlist, plan->qual);
    switch (nodeTag(plan)) {
    case T_Result:
        each(castNode(Result, plan)->resconstantqual);
        break;
    case T_ModifyTable: {
        auto *node = castNode(ModifyTable, plan);
        each(node->withCheckOptionLists, node->returningLists, node->onConflictSet,
             node->onConflictWhere, node->mergeActionLists);
        break;
    }
    case T_SampleScan:
        each(castNode(SampleScan, plan)->tablesample);
        break;
    case T_IndexScan: {
        auto *node = castNode(IndexScan, plan);
        each(node->indexqual, node->indexqualorig, node->indexorderby, node->indexorderbyorig);
        break;
    }
    case T_IndexOnlyScan: {
        auto *node = castNode(IndexOnlyScan, plan);
        each(node->indexqual, node->recheckqual, node->indexorderby, node->indextlist);
        break;
    }
    case T_BitmapIndexScan:
        each(castNode(BitmapIndexScan, plan)->indexqual,
             castNode(BitmapIndexScan, plan)->indexqualorig);
        break;
    case T_BitmapHeapScan:
        each(castNode(BitmapHeapScan, plan)->bitmapqualorig);
        break;
    case T_TidScan:
        each(castNode(TidScan, plan)->tidquals);
        break;
    case T_TidRangeScan:
        each(castNode(TidRangeScan, plan)->tidrangequals);
        break;
    case T_FunctionScan:
        each(castNode(FunctionScan, plan)->functions);
        break;
    case T_ValuesScan:
        each(castNode(ValuesScan, plan)->values_lists);
        break;
    case T_TableFuncScan:
        each(castNode(TableFuncScan, plan)->tablefunc);
        break;
    case T_ForeignScan: {
        auto *node = castNode(ForeignScan, plan);
        each(node->fdw_exprs, node->fdw_scan_tlist, node->fdw_recheck_quals);
        break;
    }
    case T_CustomScan:
        each(castNode(CustomScan, plan)->custom_exprs,
             castNode(CustomScan, plan)->custom_scan_tlist);
        break;
    case T_NestLoop:
        each(castNode(NestLoop, plan)->join.joinqual);
        break;
    case T_MergeJoin:
        each(castNode(MergeJoin, plan)->join.joinqual, castNode(MergeJoin, plan)->mergeclauses);
        break;
    case T_HashJoin: {
        auto *node = castNode(HashJoin, plan);
        each(node->join.joinqual, node->hashclauses, node->hashkeys);
        break;
    }
    case T_Hash:
        each(castNode(Hash, plan)->hashkeys);
        break;
    case T_Memoize:
        each(castNode(Memoize, plan)->param_exprs);
        break;
    case T_WindowAgg: {
        auto *node = castNode(WindowAgg, plan);
        each(node->runCondition, node->runConditionOrig, node->startOffset, node->endOffset);
        break;
    }
    case T_Limit:
        each(castNode(Limit, plan)->limitOffset, castNode(Limit, plan)->limitCount);
        break;
    default:
        break;
    }
}

} // namespace triage
