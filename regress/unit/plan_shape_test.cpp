#include "core/plan_shape.h"

#include <gtest/gtest.h>

namespace triage {
namespace {

PlanShape join_of(std::uint32_t index) {
    PlanShape shape;
    shape.add({PlanNode::HashJoin, 0, 1, 0, 0, 0});
    shape.add({PlanNode::SeqScan, 1, 0, 1, 100, 0});
    shape.add({PlanNode::Hash, 1, 0, 0, 0, 0});
    shape.add({PlanNode::IndexScan, 2, 0, 0, 200, index});
    return shape;
}

TEST(PlanShape, ItsIdIsThatOfItsShape) {
    EXPECT_EQ(join_of(7).id(), join_of(7).id());
    EXPECT_NE(join_of(7).id(), join_of(8).id());
    EXPECT_NE(PlanShape{}.id(), 0u);
}

TEST(PlanShape, DepthTellsPlansApart) {
    PlanShape chain, fork;
    chain.add({PlanNode::Append, 0});
    chain.add({PlanNode::Result, 1});
    chain.add({PlanNode::Result, 2});
    fork.add({PlanNode::Append, 0});
    fork.add({PlanNode::Result, 1});
    fork.add({PlanNode::Result, 1});
    EXPECT_NE(chain.id(), fork.id());
}

TEST(PlanShape, IsDescribedAsExplainWould) {
    EXPECT_EQ(describe(join_of(7), [](std::uint32_t oid) { return "r" + std::to_string(oid); }),
              "Hash Left Join\n"
              "  ->  Parallel Seq Scan on r100\n"
              "  ->  Hash\n"
              "        ->  Index Scan using r7 on r200");
}

TEST(PlanShape, SaysHowManyNodesItLeavesOut) {
    PlanShape shape;
    for (int i = 0; i < 30; i++)
        shape.add({PlanNode::Result, 0});
    EXPECT_EQ(shape.count, static_cast<std::uint32_t>(PlanShape::most_nodes));
    EXPECT_NE(describe(shape, {}).find("(6 more nodes)"), std::string::npos);
}

TEST(PlanShape, StopsLookingAtAnEndlessPlan) {
    PlanShape shape;
    int nodes = 1;
    while (shape.add({PlanNode::Append, 0}))
        nodes++;
    EXPECT_EQ(nodes, PlanHash::most_nodes);
}

} // namespace
} // namespace triage
