#include "pg/plan_walk.h"

#include <bit>

PG_HEADERS_BEGIN
#include "access/sdir.h"
#include "nodes/parsenodes.h"
PG_HEADERS_END

namespace triage {

namespace {

// Shows each node to a PlanHash or a PlanShape.
template <class Sink> class ShapeWalk {
  public:
    ShapeWalk(const PlannedStmt *statement, Sink &shape) : statement_(statement), shape_(shape) {}

    void all() noexcept {
        visit(statement_->planTree, 0);
        for (int i = 0; i < list_length(statement_->subplans); i++)
            if (const auto *plan = static_cast<const Plan *>(list_nth(statement_->subplans, i)))
                visit(plan, 1);
    }

  private:
    void visit(const Plan *plan, int depth) noexcept {
        if (full_)
            return;
        full_ = !shape_.add(describe_node(plan, depth));
        if (plan->lefttree)
            visit(plan->lefttree, depth + 1);
        if (plan->righttree)
            visit(plan->righttree, depth + 1);
        switch (nodeTag(plan)) {
        case T_Append:
            visit_all(reinterpret_cast<const Append *>(plan)->appendplans, depth + 1);
            break;
        case T_MergeAppend:
            visit_all(reinterpret_cast<const MergeAppend *>(plan)->mergeplans, depth + 1);
            break;
        case T_BitmapAnd:
            visit_all(reinterpret_cast<const BitmapAnd *>(plan)->bitmapplans, depth + 1);
            break;
        case T_BitmapOr:
            visit_all(reinterpret_cast<const BitmapOr *>(plan)->bitmapplans, depth + 1);
            break;
        case T_SubqueryScan:
            if (const Plan *below = reinterpret_cast<const SubqueryScan *>(plan)->subplan)
                visit(below, depth + 1);
            break;
        case T_CustomScan:
            visit_all(reinterpret_cast<const CustomScan *>(plan)->custom_plans, depth + 1);
            break;
        default:
            break;
        }
    }

    void visit_all(const List *plans, int depth) noexcept {
        for (int i = 0; i < list_length(plans) && !full_; i++)
            visit(static_cast<const Plan *>(list_nth(plans, i)), depth);
    }

    PlanShapeNode describe_node(const Plan *plan, int depth) const noexcept {
        PlanShapeNode node;
        node.depth = static_cast<std::uint8_t>(std::min(depth, 255));
        node.parallel = plan->parallel_aware;
        auto scan = [&](PlanNode kind) {
            node.node = kind;
            node.relation =
                relation_of(statement_, reinterpret_cast<const Scan *>(plan)->scanrelid);
        };
        auto join = [&](PlanNode kind) {
            node.node = kind;
            node.join_type =
                static_cast<std::uint8_t>(reinterpret_cast<const Join *>(plan)->jointype);
        };
        switch (nodeTag(plan)) {
        case T_Result:
            node.node = PlanNode::Result;
            break;
        case T_ProjectSet:
            node.node = PlanNode::ProjectSet;
            break;
        case T_ModifyTable: {
            node.node = PlanNode::ModifyTable;
            const List *targets = reinterpret_cast<const ModifyTable *>(plan)->resultRelations;
            if (targets)
                node.relation = relation_of(statement_, static_cast<Index>(linitial_int(targets)));
            break;
        }
        case T_Append:
            node.node = PlanNode::Append;
            break;
        case T_MergeAppend:
            node.node = PlanNode::MergeAppend;
            break;
        case T_RecursiveUnion:
            node.node = PlanNode::RecursiveUnion;
            break;
        case T_BitmapAnd:
            node.node = PlanNode::BitmapAnd;
            break;
        case T_BitmapOr:
            node.node = PlanNode::BitmapOr;
            break;
        case T_SeqScan:
            scan(PlanNode::SeqScan);
            break;
        case T_SampleScan:
            scan(PlanNode::SampleScan);
            break;
        case T_IndexScan: {
            const auto *index = reinterpret_cast<const IndexScan *>(plan);
            scan(ScanDirectionIsBackward(index->indexorderdir) ? PlanNode::IndexScanBackward
                                                               : PlanNode::IndexScan);
            node.index = index->indexid;
            break;
        }
        case T_IndexOnlyScan: {
            const auto *index = reinterpret_cast<const IndexOnlyScan *>(plan);
            scan(ScanDirectionIsBackward(index->indexorderdir) ? PlanNode::IndexOnlyScanBackward
                                                               : PlanNode::IndexOnlyScan);
            node.index = index->indexid;
            break;
        }
        case T_BitmapIndexScan:
            scan(PlanNode::BitmapIndexScan);
            node.index = reinterpret_cast<const BitmapIndexScan *>(plan)->indexid;
            break;
        case T_BitmapHeapScan:
            scan(PlanNode::BitmapHeapScan);
            break;
        case T_TidScan:
        case T_TidRangeScan:
            scan(PlanNode::TidScan);
            break;
        case T_SubqueryScan:
            node.node = PlanNode::SubqueryScan;
            break;
        case T_FunctionScan:
        case T_TableFuncScan:
            node.node = PlanNode::FunctionScan;
            break;
        case T_ValuesScan:
            node.node = PlanNode::ValuesScan;
            break;
        case T_CteScan:
            node.node = PlanNode::CteScan;
            break;
        case T_WorkTableScan:
            node.node = PlanNode::WorkTableScan;
            break;
        case T_ForeignScan:
            scan(PlanNode::ForeignScan);
            break;
        case T_CustomScan:
            scan(PlanNode::CustomScan);
            break;
        case T_NestLoop:
            join(PlanNode::NestedLoop);
            break;
        case T_MergeJoin:
            join(PlanNode::MergeJoin);
            break;
        case T_HashJoin:
            join(PlanNode::HashJoin);
            break;
        case T_Material:
            node.node = PlanNode::Materialize;
            break;
        case T_Memoize:
            node.node = PlanNode::Memoize;
            break;
        case T_Sort:
            node.node = PlanNode::Sort;
            break;
        case T_IncrementalSort:
            node.node = PlanNode::IncrementalSort;
            break;
        case T_Group:
            node.node = PlanNode::Group;
            break;
        case T_Agg:
            node.node = reinterpret_cast<const Agg *>(plan)->aggstrategy == AGG_HASHED
                            ? PlanNode::HashAggregate
                            : PlanNode::Aggregate;
            break;
        case T_WindowAgg:
            node.node = PlanNode::WindowAgg;
            break;
        case T_Unique:
            node.node = PlanNode::Unique;
            break;
        case T_Gather:
            node.node = PlanNode::Gather;
            break;
        case T_GatherMerge:
            node.node = PlanNode::GatherMerge;
            break;
        case T_Hash:
            node.node = PlanNode::Hash;
            break;
        case T_SetOp:
            node.node = PlanNode::SetOp;
            break;
        case T_LockRows:
            node.node = PlanNode::LockRows;
            break;
        case T_Limit:
            node.node = PlanNode::Limit;
            break;
        default:
            break;
        }
        return node;
    }

    const PlannedStmt *statement_;
    Sink &shape_;
    bool full_ = false;
};

} // namespace

Oid relation_of(const PlannedStmt *statement, Index rti) noexcept {
    if (rti == 0 || rti > static_cast<Index>(list_length(statement->rtable)))
        return InvalidOid;
    const auto *entry =
        static_cast<const RangeTblEntry *>(list_nth(statement->rtable, static_cast<int>(rti) - 1));
    return entry->rtekind == RTE_RELATION ? entry->relid : InvalidOid;
}

std::uint64_t plan_id_of(const PlannedStmt *statement) noexcept {
    PlanHash hash;
    ShapeWalk(statement, hash).all();
    return hash.id();
}

void shape_of(const PlannedStmt *statement, PlanShape &shape) noexcept {
    ShapeWalk(statement, shape).all();
}

} // namespace triage
