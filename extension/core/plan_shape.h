// The shape of a plan: its nodes in depth-first order with the relations and indexes they read,
// without costs and constants. Its hash is the plan's id.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>

namespace triage {

// Numbers are written to the statistics file: only ever append.
enum class PlanNode : std::uint8_t {
    Other,
    Result,
    ProjectSet,
    ModifyTable,
    Append,
    MergeAppend,
    RecursiveUnion,
    BitmapAnd,
    BitmapOr,
    SeqScan,
    SampleScan,
    IndexScan,
    IndexScanBackward,
    IndexOnlyScan,
    IndexOnlyScanBackward,
    BitmapIndexScan,
    BitmapHeapScan,
    TidScan,
    SubqueryScan,
    FunctionScan,
    ValuesScan,
    CteScan,
    WorkTableScan,
    ForeignScan,
    CustomScan,
    NestedLoop,
    MergeJoin,
    HashJoin,
    Materialize,
    Memoize,
    Sort,
    IncrementalSort,
    Group,
    Aggregate,
    HashAggregate,
    WindowAgg,
    Unique,
    Gather,
    GatherMerge,
    Hash,
    SetOp,
    LockRows,
    Limit,
    Count // of the kinds
};

struct PlanShapeNode {
    PlanNode node = PlanNode::Other;
    std::uint8_t depth = 0;
    std::uint8_t join_type = 0; // as PostgreSQL's JoinType; 0 = inner
    std::uint8_t parallel = 0;
    std::uint32_t relation = 0; // 0: reads none
    std::uint32_t index = 0;

    bool operator==(const PlanShapeNode &) const = default;
};

struct PlanShape {
    static constexpr int most_nodes = 24;   // kept
    static constexpr int most_hashed = 128; // looked at

    std::uint32_t count = 0; // nodes kept
    std::uint32_t total = 0; // nodes seen; more than count: the rest is only in the hash
    std::uint64_t hash = 0;
    PlanShapeNode nodes[most_nodes];

    // Adds the next node in depth-first order; false once no more need to be shown to it.
    bool add(const PlanShapeNode &node);
    std::uint64_t id() const; // never 0
};
static_assert(std::is_trivially_copyable_v<PlanShape>);

// The plan as EXPLAIN (COSTS OFF) would indent it. `name` gives the name of a relation or an index.
std::string describe(const PlanShape &shape, const std::function<std::string(std::uint32_t)> &name);

} // namespace triage
