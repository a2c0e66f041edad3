// How much a selection asks of the planner.
#include "selection_fixture.h"

using namespace triage;
using namespace triage::selection_fixture;

namespace {

TEST(SelectionCalls, ManyCandidatesAreOfferedInGroups) {
    Fixture f;
    f.relation(1);
    std::vector<Plan> plans{{1000, {}}};
    for (AttributeNumber i = 1; i <= 900; i++)
        plans.push_back({1000.0 - i, {f.candidate(1, {i})}});
    f.statement({1}, plans);
    Selection s = f.select();
    EXPECT_EQ(chosen(s), Ids{899});
    EXPECT_DOUBLE_EQ(s.lower_bound, 100);
    EXPECT_LE(f.planner.largest_offer, 256u);
}

TEST(SelectionCalls, AnswersAreReusedByWhatWasUsed) {
    Fixture f;
    f.relation(1);
    std::vector<CandidateId> ids;
    for (AttributeNumber i = 1; i <= 8; i++)
        ids.push_back(f.candidate(1, {i}));
    for (CandidateId id : ids)
        f.statement({1}, {{1000, {}}, {10, {id}}});
    Selection s = f.select();
    EXPECT_EQ(chosen(s), ids);
    EXPECT_EQ(s.planner_calls, f.planner.calls);
    // Per statement: nothing, everything, everything but its favourite, and the check of the
    // finalist set, which is the same question as "everything".
    EXPECT_LE(s.planner_calls, 8u * 4);
    EXPECT_GT(s.reused_answers, 8u * 4);
}

// Joins of three tables, each with many candidates that are worth something only together.
TEST(SelectionCalls, PlannerCallsAreFew) {
    Fixture f;
    std::vector<Ids> on;
    for (RelationId r = 1; r <= 3; r++) {
        f.relation(r);
        on.emplace_back();
        for (AttributeNumber i = 1; i <= 12; i++)
            on.back().push_back(f.candidate(r, {i}, {}, i * megabyte));
    }
    f.limits.budget_bytes = 30 * megabyte;
    constexpr std::size_t statements = 40;
    for (std::size_t s = 0; s < statements; s++) {
        std::vector<Plan> plans{{1000, {}}};
        for (std::size_t i = 0; i < 12; i++)
            plans.push_back({900.0 - 70 * static_cast<double>(i) + static_cast<double>(s),
                             {on[0][i], on[1][(i + s) % 12], on[2][(i * s) % 12]}});
        f.statement({1, 2, 3}, plans);
    }
    Selection s = f.select();
    EXPECT_FALSE(s.indexes.empty());
    EXPECT_LE(s.planner_calls, statements * 12);
}

// Others have used the calls up before it is asked whether an index that one needs anyway would do
// for another, too. What is not known would be taken for no use; where that is much, it is asked.
TEST(SelectionCalls, LargeDoubtsAreSettledWhenTheCallsAreSpent) {
    for (int others : {0, 8, 20}) {
        Fixture f;
        f.relation(1);
        f.relation(2);
        const CandidateId favourite = f.candidate(1, {1, 2}, {}, 4 * megabyte),
                          shared = f.candidate(1, {2, 1}, {}, 4 * megabyte),
                          third = f.candidate(1, {3}, {}, 4 * megabyte);
        f.statement({1}, {{6000, {}}, {49, {favourite}}, {53, {shared}}}, 2);
        f.statement({1}, {{5000, {}}, {10, {shared}}}, 2);
        f.statement({1}, {{4000, {}}, {10, {third}}});
        for (int i = 0; i < others; i++) {
            std::vector<Plan> plans{{3000, {}}};
            for (int k = 1; k <= 10; k++)
                plans.push_back({30.0 * k,
                                 {f.candidate(2, {static_cast<AttributeNumber>(i + 1)}, {},
                                              megabyte / 10 * std::pow(0.8, k))}});
            f.statement({2}, plans);
        }
        f.limits.budget_bytes = 10 * megabyte;
        const Ids ids = chosen(f.select());
        ASSERT_GE(ids.size(), 2u);
        EXPECT_EQ(Ids(ids.begin(), ids.begin() + 2), (Ids{shared, third})) << others;
    }
}

// Of a statement's variants, by the values that it is run with, only the one that costs most is
// asked what else would do; the others have the benefit.
TEST(SelectionCalls, OfVariantsOnlyTheHeaviestIsAskedMuch) {
    Fixture f;
    f.relation(1);
    std::vector<Plan> plans{{1000, {}}};
    for (AttributeNumber i = 1; i <= 10; i++)
        plans.push_back({10.0 * i, {f.candidate(1, {i}, {}, (11 - i) * megabyte)}});
    const std::size_t heavy = f.statement({1}, plans, 10), light = f.statement({1}, plans, 0.01);
    f.workload.statements[heavy].queryid = f.workload.statements[light].queryid = 5;
    f.limits.budget_bytes = 2.5 * megabyte;
    Selection s = f.select();
    ASSERT_EQ(chosen(s), Ids{8});
    EXPECT_DOUBLE_EQ(s.effects[light].cost_after, 90);
    EXPECT_GE(f.planner.calls_of[heavy], 8u);
    // With nothing, with everything, and the check of the answer.
    EXPECT_LE(f.planner.calls_of[light], 3u);
}

// A statement over a relation is asked about that relation's candidates only.
TEST(SelectionCalls, OtherRelationsCandidatesAreNotOffered) {
    Fixture f;
    f.relation(1);
    f.relation(2);
    CandidateId a = f.candidate(1, {1});
    CandidateId b = f.candidate(2, {1});
    f.statement({1}, {{1000, {}}, {10, {a}}, {1, {b}}});
    EXPECT_EQ(chosen(f.select()), Ids{a});
}

} // namespace
