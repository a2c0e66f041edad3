// What is worth an index, beside those that exist and beside the whole workload.
#include "core/served_already.h"
#include "selection_fixture.h"

using namespace triage;
using namespace triage::selection_fixture;

namespace {

// Of an index that exists on the keys, INCLUDE columns are judged as they would be had it not been
// built: by what the statement would cost without either.
TEST(Selection, WhatExistsIsNotProposedAgainWithIncludedColumns) {
    for (double today : {60.0, 4000.0}) {
        Fixture f;
        f.relation(1);
        CandidateId covering = f.candidate(1, {1, 2});
        f.candidates[covering].definition.include = {5};
        f.statement({1}, {{today, {}}, {15, {covering}}}, 1000);
        EXPECT_EQ(chosen(f.select()), Ids{covering}) << today;

        IndexDefinition keys = f.candidates[covering].definition;
        keys.include.clear();
        for (KeyColumn &key : keys.keys) // read backward, it is the same
            key.descending = key.nulls_first = true;
        f.workload.relations[0].indexes.push_back({.definition = keys});
        EXPECT_EQ(chosen(f.select()), today == 60 ? Ids{} : Ids{covering}) << today;
    }
}

// Nor do they come along with a further key.
TEST(Selection, IncludedColumnsAreJudgedByAScanWhereAnIndexExists) {
    Fixture f;
    f.relation(1);
    CandidateId plain = f.candidate(1, {1, 2}, {}, megabyte),
                covering = f.candidate(1, {1, 2}, {}, 2 * megabyte);
    f.candidates[covering].definition.include = {5};
    IndexDefinition narrow = f.candidates[plain].definition;
    narrow.keys.pop_back();
    f.workload.relations[0].indexes.push_back({.definition = narrow});
    f.statement({1}, {{300, {}}, {60, {plain}}, {15, {covering}}}, 1000);
    EXPECT_EQ(chosen(f.select()), Ids{plain});
}

// 0.4 % of a scan's cost is left; the planner's noise between two such indexes is a factor of two.
TEST(Selection, AWellServedStatementNeedsNoSlightlyBetterIndex) {
    for (double after : {60.0, 40.0}) {
        Fixture f;
        f.relation(1);
        CandidateId id = f.candidate(1, {2, 1});
        f.statement({1}, {{100, {}}, {after, {id}}}, 1000);
        EXPECT_EQ(chosen(f.select()), after == 40 ? Ids{id} : Ids{}) << after;
    }
}

TEST(Selection, SmallChangeBesideTheWholeWorkloadIsLeft) {
    auto with_light = [](double calls, double ms, double after, int even_others = 0) {
        Fixture f;
        f.relation(1);
        f.relation(2);
        CandidateId id = f.candidate(2, {1});
        f.statement({2}, {{10000, {}}, {after, {id}}}, calls);
        f.workload.statements[0].mean_ms = ms;
        if (even_others == 0) {
            f.statement({1}, {{10000, {}}}, 1e6);
            f.workload.statements[1].mean_ms = ms;
        }
        for (int i = 0; i < even_others; i++) {
            f.statement({1}, {{10000, {}}}, calls);
            f.workload.statements.back().mean_ms = ms;
        }
        return !f.select().indexes.empty();
    };
    EXPECT_FALSE(with_light(5e3, 20, 100));    // 0.5 % of the workload
    EXPECT_TRUE(with_light(5e4, 20, 100));     // 5 %
    EXPECT_TRUE(with_light(5, 2000, 100));     // somebody waits two seconds, five times
    EXPECT_FALSE(with_light(5, 2000, 2000));   // and would wait nearly half a second still
    EXPECT_TRUE(with_light(5, 0, 2000));       // a text: nobody knows how often it runs
    EXPECT_TRUE(with_light(5, 20, 4000, 300)); // as much as any of three hundred
}

// What would be proposed as soon as the rest is built is proposed with it.
TEST(Selection, WhatIsNoticedOnceTheRestIsBuiltIsNoSmallChange) {
    auto chosen_with = [](double light_calls) {
        Fixture f;
        f.relation(1);
        f.relation(2);
        CandidateId heavy = f.candidate(1, {1}), light = f.candidate(2, {1});
        f.statement({1}, {{10000, {}}, {100, {heavy}}}, 1e6);
        f.statement({2}, {{10000, {}}, {100, {light}}}, light_calls);
        for (Statement &statement : f.workload.statements)
            statement.mean_ms = 20;
        return chosen(f.select());
    };
    EXPECT_EQ(chosen_with(5e3), (Ids{0, 1})); // 0.5 % of the workload, a third of what is left
    EXPECT_EQ(chosen_with(5e2), Ids{0});      // 0.05 %
}

TEST(Selection, WhereEveryGainCountsThePlannerIsTakenAtItsWord) {
    Fixture f;
    f.limits.min_improvement = 0;
    f.relation(1);
    f.relation(2);
    CandidateId heavy = f.candidate(1, {1}), light = f.candidate(2, {1}),
                wide = f.candidate(1, {2});
    f.statement({1}, {{10000, {}}, {100, {heavy}}, {99, {wide}}}, 1e6);
    f.statement({2}, {{10000, {}}, {9990, {light}}}, 5);
    f.statement({1}, {{100, {}}, {60, {wide}}}, 1000); // has its index already
    for (Statement &statement : f.workload.statements)
        statement.mean_ms = 20;
    EXPECT_EQ(chosen(f.select()), (Ids{light, wide}));
    f.limits.min_improvement = usual_min_improvement;
    EXPECT_EQ(chosen(f.select()), Ids{wide});
}

TEST(ServedAlready, AnIndexMakesThoseRedundantThatItServesAndNoConstraint) {
    Relation relation{.id = 1};
    auto index = [](std::uint32_t id, std::vector<AttributeNumber> keys, bool unique = false) {
        ExistingIndex existing{.id = id};
        existing.definition = {.relation = 1, .unique = unique};
        for (AttributeNumber key : keys)
            existing.definition.keys.push_back({.key = {key, {}}});
        return existing;
    };
    relation.indexes = {index(10, {1}), index(11, {1}, true), index(12, {2}), index(13, {1}),
                        index(14, {1})};
    relation.indexes[3].must_stay = true;
    relation.indexes[4].valid = false;
    std::vector<std::uint32_t> found;
    for (const ExistingIndex *e : made_redundant(relation, index(0, {1, 3}).definition))
        found.push_back(e->id);
    EXPECT_EQ(found, std::vector<std::uint32_t>{10});
}

} // namespace
