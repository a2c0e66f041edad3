#include "core/plan_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

using namespace triage;

namespace {

// Uses candidate 1 if it is offered, else candidate 2, else nothing.
class OneThenTwo : public WhatIf {
  public:
    int calls = 0;
    bool fails = false, unplannable = false;

    Answer plan(std::size_t, PlanMode mode, std::span<const CandidateId> offered) override {
        calls++;
        if (fails)
            throw std::runtime_error("interrupted");
        if (unplannable)
            throw std::domain_error("cannot be planned");
        double factor = mode == PlanMode::Generic ? 10 : 1;
        for (CandidateId id : {1, 2})
            if (std::find(offered.begin(), offered.end(), id) != offered.end())
                return {.cost = factor * static_cast<double>(id), .used = {id}};
        return {.cost = factor * 100, .used = {}};
    }
};

CandidateSet set(std::vector<CandidateId> ids) {
    return CandidateSet(ids);
}

TEST(PlanMemory, AnswersFromTheSetThatWasUsed) {
    OneThenTwo planner;
    PlanMemory memory(planner);
    EXPECT_EQ(memory.ask(0, PlanMode::Custom, set({1, 2, 3}))->cost, 1);
    EXPECT_EQ(planner.calls, 1);
    // {1} <= C' <= {1, 2, 3}: the same plan.
    for (const auto &offered : {set({1}), set({1, 2}), set({1, 3}), set({1, 2, 3})})
        EXPECT_EQ(memory.ask(0, PlanMode::Custom, offered)->used, set({1}));
    EXPECT_EQ(planner.calls, 1);
    EXPECT_EQ(memory.reused_answers(), 4u);
    // What it used is not offered, or something new is: unknown.
    EXPECT_EQ(memory.ask(0, PlanMode::Custom, set({2, 3}))->used, set({2}));
    EXPECT_EQ(memory.ask(0, PlanMode::Custom, set({1, 70}))->used, set({1}));
    EXPECT_EQ(planner.calls, 3);
    EXPECT_EQ(memory.planner_calls(), 3u);
    // A plan that used nothing answers for every part of its offer.
    EXPECT_EQ(memory.ask(0, PlanMode::Custom, set({3, 4}))->cost, 100);
    EXPECT_EQ(memory.ask(0, PlanMode::Custom, {})->cost, 100);
    EXPECT_EQ(planner.calls, 4);
}

TEST(PlanMemory, EstimatesLieBetweenWhatIsPossibleAndWhatIsBest) {
    OneThenTwo planner;
    PlanMemory memory(planner);
    EXPECT_FALSE(memory.estimate(0, PlanMode::Custom, {}));
    memory.ask(0, PlanMode::Custom, {});
    memory.ask(0, PlanMode::Custom, set({1, 2, 3}));
    auto two = memory.estimate(0, PlanMode::Custom, set({2}));
    ASSERT_TRUE(two);
    EXPECT_EQ(two->answer.cost, 100);
    EXPECT_EQ(two->answer.used, CandidateSet());
    EXPECT_EQ(two->lowest, 1);
    auto one = memory.estimate(0, PlanMode::Custom, set({1, 2}));
    ASSERT_TRUE(one);
    EXPECT_EQ(one->answer.cost, 1);
    EXPECT_EQ(one->lowest, 1);
    // Of what was never offered nothing is known but that it need not be used.
    auto other = memory.estimate(0, PlanMode::Custom, set({1, 70}));
    ASSERT_TRUE(other);
    EXPECT_EQ(other->answer.cost, 1);
    EXPECT_EQ(other->lowest, 0);
    EXPECT_EQ(planner.calls, 2);
}

TEST(PlanMemory, StatementsAndModesAreApart) {
    OneThenTwo planner;
    PlanMemory memory(planner);
    EXPECT_EQ(memory.ask(0, PlanMode::Custom, set({1}))->cost, 1);
    EXPECT_EQ(memory.ask(0, PlanMode::Generic, set({1}))->cost, 10);
    EXPECT_EQ(memory.ask(1, PlanMode::Custom, set({1}))->cost, 1);
    EXPECT_EQ(planner.calls, 3);
}

TEST(PlanMemory, ExactQuestionsAreInferredFromNothing) {
    OneThenTwo planner;
    PlanMemory memory(planner);
    memory.ask(0, PlanMode::Custom, set({1, 2}));
    memory.ask_exactly(0, PlanMode::Custom, set({1}));
    EXPECT_EQ(planner.calls, 2);
    memory.ask_exactly(0, PlanMode::Custom, set({1}));
    memory.ask_exactly(0, PlanMode::Custom, set({1, 2}));
    EXPECT_EQ(planner.calls, 2);
}

TEST(PlanMemory, RemembersThatAStatementCannotBePlannedButNotAnInterrupt) {
    OneThenTwo planner;
    PlanMemory memory(planner);
    planner.fails = true;
    EXPECT_THROW(memory.ask(0, PlanMode::Custom, set({1})), std::runtime_error);
    planner.fails = false;
    EXPECT_EQ(memory.ask(0, PlanMode::Custom, set({1}))->cost, 1);

    planner.unplannable = true;
    EXPECT_FALSE(memory.ask(1, PlanMode::Custom, {}));
    EXPECT_FALSE(memory.ask(1, PlanMode::Custom, set({1})));
    EXPECT_EQ(planner.calls, 3);
}

TEST(CandidateSet, BehavesAsASet) {
    CandidateSet a = set({1, 64, 200}), b = set({64, 3});
    EXPECT_EQ((a | b).members(), (std::vector<CandidateId>{1, 3, 64, 200}));
    EXPECT_EQ((a & b).members(), std::vector<CandidateId>{64});
    EXPECT_EQ((a - b).members(), (std::vector<CandidateId>{1, 200}));
    EXPECT_EQ(a.size(), 3u);
    EXPECT_TRUE(a.contains(200));
    EXPECT_FALSE(a.contains(2000));
    EXPECT_TRUE((a & b).is_subset_of(b));
    EXPECT_FALSE(a.is_subset_of(b));
    EXPECT_TRUE(CandidateSet().is_subset_of(b));
    // Equal whatever they once held.
    a.erase(200);
    a.erase(64);
    EXPECT_EQ(a, set({1}));
    a.erase(1);
    EXPECT_TRUE(a.empty());
    EXPECT_EQ(set({500}) - set({500}), CandidateSet());
}

} // namespace
