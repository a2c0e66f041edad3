#include "core/candidate_use.h"

#include <gtest/gtest.h>

using namespace triage;

namespace {

const Relation relation{.id = 1,
                        .name = "orders",
                        .attributes = {{.number = 1, .name = "a"},
                                       {.number = 2, .name = "b"},
                                       {.number = 3, .name = "status"},
                                       {.number = 4, .name = "note"}}};

IndexDefinition index(std::vector<AttributeNumber> keys, std::vector<std::string> predicate = {},
                      std::vector<AttributeNumber> include = {}) {
    IndexDefinition definition{.relation = 1, .include = include, .predicate = predicate};
    for (AttributeNumber key : keys)
        definition.keys.push_back({.key = {key, {}}});
    return definition;
}

Clause clause_on(AttributeNumber column) {
    return {.key = {column, {}}, .op = ClauseOperator::Equal};
}

// Reads all of the row, so that nothing covers it.
RelationAccess looking_for(std::vector<AttributeNumber> columns) {
    RelationAccess access{.relation = 1, .columns_read = {1, 2, 3, 4}, .whole_row = true};
    for (AttributeNumber column : columns)
        access.clauses.push_back(clause_on(column));
    return access;
}

bool possible(const IndexDefinition &definition, const RelationAccess &access) {
    return CandidateUse(definition, relation).possible(access);
}

TEST(CandidateUse, ABtreeIsUsedByItsFirstKey) {
    EXPECT_TRUE(possible(index({1, 2}), looking_for({1})));
    EXPECT_TRUE(possible(index({1, 2}), looking_for({2, 1})));
    EXPECT_FALSE(possible(index({1, 2}), looking_for({2})));
    EXPECT_FALSE(possible(index({1}), looking_for({})));
}

TEST(CandidateUse, OnlyByAnAccessToItsRelation) {
    RelationAccess access = looking_for({1});
    access.relation = 2;
    EXPECT_FALSE(possible(index({1}), access));
}

TEST(CandidateUse, OtherMethodsAreUsedByAnyKey) {
    for (IndexMethod method : {IndexMethod::Gin, IndexMethod::Brin}) {
        IndexDefinition definition = index({1, 2});
        definition.method = method;
        EXPECT_TRUE(possible(definition, looking_for({2})));
        EXPECT_FALSE(possible(definition, looking_for({3})));
    }
}

TEST(CandidateUse, AnOrderOrAGroupingIsAReason) {
    RelationAccess sorted = looking_for({});
    sorted.order_by.push_back({.key = {1, {}}, .descending = true});
    EXPECT_TRUE(possible(index({1, 2}), sorted));
    EXPECT_FALSE(possible(index({2, 1}), sorted));
    RelationAccess grouped = looking_for({});
    grouped.group_by.push_back({1, {}});
    EXPECT_TRUE(possible(index({1}), grouped));
    EXPECT_FALSE(possible(index({2}), grouped));
}

TEST(CandidateUse, ACoveringIndexIsReadInPlaceOfTheTable) {
    RelationAccess access{.relation = 1, .columns_read = {2, 3}};
    EXPECT_TRUE(possible(index({2}, {}, {3}), access));
    EXPECT_TRUE(possible(index({1, 2, 3}), access));
    EXPECT_FALSE(possible(index({2}), access));
    access.whole_row = true;
    EXPECT_FALSE(possible(index({1, 2, 3}), access));
}

TEST(CandidateUse, APartialIndexNeedsAClauseOnEachOfItsConditions) {
    IndexDefinition open = index({1}, {"status = 'open'::text"});
    EXPECT_TRUE(possible(open, looking_for({3})));
    EXPECT_TRUE(possible(open, looking_for({1, 3})));
    EXPECT_FALSE(possible(open, looking_for({1})));
    IndexDefinition both = index({1}, {"b IS NOT NULL", "status = 'open'::text"});
    EXPECT_FALSE(possible(both, looking_for({3})));
    EXPECT_TRUE(possible(both, looking_for({3, 2})));
    // Its columns cannot be read: it may follow from anything.
    EXPECT_TRUE(possible(index({1}, {"something else"}), looking_for({1})));
}

TEST(CandidateUse, AnExpressionIsAKeyAndMayImplyACondition) {
    IndexDefinition lower{.relation = 1, .keys = {{.key = {0, "lower(note)"}}}};
    RelationAccess access = looking_for({});
    access.clauses.push_back({.key = {0, "lower(note)"}, .op = ClauseOperator::Equal});
    EXPECT_TRUE(possible(lower, access));
    EXPECT_FALSE(possible(lower, looking_for({4})));
    EXPECT_TRUE(possible(index({1}, {"lower(note) = 'x'::text"}), access));
    EXPECT_FALSE(possible(index({1}, {"status = 'open'::text"}), access));
}

// WHERE (a = 1 OR b = 2): the OR is a clause without a key, each arm an access of its own.
TEST(CandidateUse, EachArmOfAnOrIsAReason) {
    EXPECT_TRUE(possible(index({1}), looking_for({1})));
    EXPECT_TRUE(possible(index({2}), looking_for({2})));
    // Of the many arms that an OR may have, some are no access; then the OR itself counts.
    RelationAccess with_or = looking_for({3});
    with_or.clauses.push_back({.op = ClauseOperator::Other});
    EXPECT_TRUE(possible(index({1}), with_or));
    EXPECT_TRUE(possible(index({2}, {"a = 1"}), with_or));
}

TEST(CandidateUse, ANameIsFoundAsAWordOnly) {
    EXPECT_TRUE(mentions("(status = 'open'::text)", "status"));
    EXPECT_TRUE(mentions("lower(note)", "note"));
    EXPECT_FALSE(mentions("status_2 = 1", "status"));
    EXPECT_FALSE(mentions("old_status = 1 AND statuses = 2", "status"));
    EXPECT_FALSE(mentions("a = 1", ""));
}

} // namespace
