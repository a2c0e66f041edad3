// The shape of a plan: its nodes in depth-first order with the relations and indexes they read,
// without costs and constants. Its hash is the plan's id.
#pragma once

#include "core/slot_directory.h"

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

// What tells one shape from another, without the nodes themselves.
struct PlanHash {
    static constexpr std::uint32_t most_nodes = 128; // looked at

    std::uint32_t total = 0; // nodes seen
    std::uint64_t value = 0;

    // Adds the next node in depth-first order; false once no more need to be shown to it.
    bool add(const PlanShapeNode &node) noexcept {
        // One round of mixing for both: the factor spreads the index over all bits first.
        const std::uint64_t index = node.index * 0x9E3779B97F4A7C15u;
        value = mix(value, index ^ (static_cast<std::uint64_t>(node.node) |
                                    static_cast<std::uint64_t>(node.depth) << 8 |
                                    static_cast<std::uint64_t>(node.join_type) << 16 |
                                    static_cast<std::uint64_t>(node.parallel) << 24 |
                                    static_cast<std::uint64_t>(node.relation) << 32));
        return ++total < most_nodes;
    }
    std::uint64_t id() const noexcept { return value != 0 ? value : 1; } // never 0
};

struct PlanShape {
    static constexpr int most_nodes = 24; // kept

    std::uint32_t count = 0; // nodes kept; fewer than hash.total: the rest is only in the hash
    PlanHash hash;
    PlanShapeNode nodes[most_nodes];

    // As PlanHash::add.
    bool add(const PlanShapeNode &node);
    std::uint64_t id() const { return hash.id(); }
};
static_assert(std::is_trivially_copyable_v<PlanShape>);

// The plan as EXPLAIN (COSTS OFF) would indent it. `name` gives the name of a relation or an index.
std::string describe(const PlanShape &shape, const std::function<std::string(std::uint32_t)> &name);

} // namespace triage
