#include "core/plan_shape.h"

#include <algorithm>
#include <array>

namespace triage {

namespace {

constexpr std::array<const char *, static_cast<std::size_t>(PlanNode::Count)> node_names = {
    "???",
    "Result",
    "ProjectSet",
    "ModifyTable",
    "Append",
    "Merge Append",
    "Recursive Union",
    "BitmapAnd",
    "BitmapOr",
    "Seq Scan",
    "Sample Scan",
    "Index Scan",
    "Index Scan Backward",
    "Index Only Scan",
    "Index Only Scan Backward",
    "Bitmap Index Scan",
    "Bitmap Heap Scan",
    "Tid Scan",
    "Subquery Scan",
    "Function Scan",
    "Values Scan",
    "CTE Scan",
    "WorkTable Scan",
    "Foreign Scan",
    "Custom Scan",
    "Nested Loop",
    "Merge Join",
    "Hash Join",
    "Materialize",
    "Memoize",
    "Sort",
    "Incremental Sort",
    "Group",
    "Aggregate",
    "HashAggregate",
    "WindowAgg",
    "Unique",
    "Gather",
    "Gather Merge",
    "Hash",
    "SetOp",
    "LockRows",
    "Limit",
};

bool is_join(PlanNode node) {
    return node == PlanNode::NestedLoop || node == PlanNode::MergeJoin ||
           node == PlanNode::HashJoin;
}

const char *join_word(std::uint8_t join_type) {
    constexpr std::array<const char *, 6> words = {"",       " Left", " Full",
                                                   " Right", " Semi", " Anti"};
    return join_type < words.size() ? words[join_type] : "";
}

} // namespace

bool PlanShape::add(const PlanShapeNode &node) {
    if (count < most_nodes)
        nodes[count++] = node;
    return hash.add(node);
}

std::string describe(const PlanShape &shape,
                     const std::function<std::string(std::uint32_t)> &name) {
    std::string text;
    for (std::uint32_t i = 0; i < std::min<std::uint32_t>(shape.count, PlanShape::most_nodes);
         i++) {
        const PlanShapeNode &node = shape.nodes[i];
        if (i > 0)
            text += '\n';
        if (node.depth > 0)
            text += std::string(2 + 6 * std::size_t(node.depth - 1), ' ') + "->  ";
        if (node.parallel)
            text += "Parallel ";
        const auto kind = static_cast<std::size_t>(node.node);
        std::string word = node_names[kind < node_names.size() ? kind : 0];
        if (is_join(node.node) && node.join_type != 0) {
            if (word.ends_with(" Join"))
                word.resize(word.size() - 5);
            word += std::string(join_word(node.join_type)) + " Join";
        }
        text += word;
        if (node.index != 0)
            text +=
                (node.node == PlanNode::BitmapIndexScan ? " on " : " using ") + name(node.index);
        if (node.relation != 0 && node.node != PlanNode::BitmapIndexScan)
            text += " on " + name(node.relation);
    }
    if (shape.hash.total > shape.count)
        text += "\n(" + std::to_string(shape.hash.total - shape.count) + " more nodes)";
    return text;
}

} // namespace triage
