// Sizes that turn out to be others once the data are looked at.
#include "selection_fixture.h"

using namespace triage;
using namespace triage::selection_fixture;

namespace {

class FakeSizes : public SizeByData {
  public:
    std::map<CandidateId, double> bytes;
    std::vector<CandidateId> asked;

    std::optional<Answer> look_at(CandidateId id) override {
        asked.push_back(id);
        auto found = bytes.find(id);
        if (found == bytes.end())
            return std::nullopt;
        return Answer{{.pages = found->second / 8192,
                       .leaf_pages = found->second / 8192,
                       .bytes = found->second},
                      500};
    }
};

Selection select(Fixture &f, FakeSizes &sizes) {
    return select_indexes(f.workload, f.candidates, f.planner, f.limits, &sizes);
}

TEST(SelectionSizes, WhatIsLargerThanThoughtGivesWay) {
    Fixture f;
    f.relation(1);
    CandidateId best = f.candidate(1, {1}), second = f.candidate(1, {2}),
                useless = f.candidate(1, {3});
    f.statement({1}, {{1000, {}}, {10, {best}}, {50, {second}}, {999, {useless}}});
    f.limits.budget_bytes = 1.5 * megabyte;
    FakeSizes sizes;
    sizes.bytes = {{best, 2 * megabyte}, {second, 1.2 * megabyte}, {useless, 1}};
    Selection s = select(f, sizes);
    ASSERT_EQ(chosen(s), Ids{second});
    EXPECT_EQ(s.indexes[0].size.bytes, 1.2 * megabyte);
    EXPECT_EQ(s.indexes[0].indexed_tuples, 500);
    EXPECT_EQ(sizes.asked, (Ids{best, second}));
    // Nobody minds without a budget.
    f.limits.budget_bytes = INFINITY;
    EXPECT_EQ(chosen(select(f, sizes)), Ids{best});
}

TEST(SelectionSizes, WhatIsSmallerThanThoughtMakesRoom) {
    Fixture f;
    f.relation(1);
    f.relation(2);
    CandidateId one = f.candidate(1, {1}), two = f.candidate(2, {1});
    f.statement({1}, {{1000, {}}, {10, {one}}});
    f.statement({2}, {{1000, {}}, {200, {two}}});
    f.limits.budget_bytes = 1.5 * megabyte;
    FakeSizes sizes;
    EXPECT_EQ(chosen(select(f, sizes)), Ids{one});
    sizes.bytes = {{one, 0.4 * megabyte}};
    EXPECT_EQ(chosen(select(f, sizes)), (Ids{one, two}));
}

// However many of them turn out too large.
TEST(SelectionSizes, TheBudgetHoldsByTheSizesThatWereSeen) {
    Fixture f;
    f.relation(1);
    FakeSizes sizes;
    std::vector<Plan> plans{{1000, {}}};
    for (AttributeNumber i = 1; i <= 30; i++) {
        CandidateId id = f.candidate(1, {i});
        plans.push_back({10.0 + i, {id}});
        sizes.bytes[id] = 2 * megabyte;
    }
    f.statement({1}, plans);
    f.limits.budget_bytes = 1.5 * megabyte;
    Selection s = select(f, sizes);
    double bytes = 0;
    for (const ChosenIndex &index : s.indexes)
        bytes += index.size.bytes;
    EXPECT_LE(bytes, f.limits.budget_bytes);
    EXPECT_LE(sizes.asked.size(), 20u);
}

} // namespace
