#include "core/selection.h"

#include <gtest/gtest.h>

using namespace triage;

namespace {

Relation table() {
    Relation r{.id = 1, .name = "t", .tuples = 1e6, .pages = 1e4};
    for (AttributeNumber i = 1; i <= 10; i++)
        r.attributes.push_back({.number = i, .name = "c" + std::to_string(i)});
    r.indexes.push_back({.id = 10, .definition = {.relation = 1, .keys = {{.key = {1, {}}}}}});
    return r;
}

Candidate on(std::vector<AttributeNumber> keys, double pages = 2700) {
    Candidate c;
    c.definition.relation = 1;
    for (AttributeNumber attribute : keys)
        c.definition.keys.push_back({.key = {attribute, {}}});
    c.size = {.pages = pages, .leaf_pages = pages, .bytes = pages * 8192, .tree_height = 2};
    c.indexed_tuples = 1e6;
    return c;
}

double upkeep(const Relation &relation, const Candidate &candidate,
              std::vector<Statement> statements = {}) {
    return maintenance_cost({.statements = std::move(statements), .relations = {relation}},
                            candidate);
}

Statement update_of(std::vector<AttributeNumber> columns, double calls) {
    return {.calls = calls,
            .accesses = {{.relation = 1, .is_target = true, .columns_written = columns}}};
}

TEST(WriteCost, NobodyWritesNobodyPays) {
    EXPECT_EQ(upkeep(table(), on({2})), 0);
}

TEST(WriteCost, GrowsWithTheIndexAndWithItsScatter) {
    Relation r = table();
    EXPECT_GT(write_cost(r, on({2}, 100000)), write_cost(r, on({2}, 1000)));
    double scattered = write_cost(r, on({2}));
    r.attributes[1].correlation = 1; // rows arrive in its order: always the rightmost leaf
    EXPECT_LT(write_cost(r, on({2})), scattered);
    EXPECT_GT(write_cost(r, on({2})), 0);
}

TEST(WriteCost, APartialIndexPaysForItsShareOfRows) {
    Relation r = table();
    Candidate full = on({2}), part = on({2}, 30);
    part.definition.predicate = {"c3 = 'open'"};
    part.indexed_tuples = 1e4;
    part.size.tree_height = 1;
    EXPECT_LT(write_cost(r, part), write_cost(r, full) / 20);
    EXPECT_GT(write_cost(r, part), 0); // every row is held against the predicate
}

TEST(WriteCost, InsertsUpdatesAndDeletesAllCost) {
    for (double Relation::*writes : {&Relation::inserted, &Relation::updated, &Relation::deleted}) {
        Relation r = table();
        r.*writes = 1000;
        double some = upkeep(r, on({2}));
        EXPECT_GT(some, 0);
        r.*writes = 2000;
        EXPECT_NEAR(upkeep(r, on({2})), 2 * some, 1e-6 * some);
    }
}

// Vacuum reads the index from end to end for every fifth of the table that has died.
TEST(WriteCost, DeletionsPayVacuumBySize) {
    Relation r = table();
    r.deleted = 1e6;
    double small = upkeep(r, on({2}, 1000)), large = upkeep(r, on({2}, 3000));
    EXPECT_NEAR(large - small, 5 * 2000, 10);
}

TEST(WriteCost, HotUpdatesPayOnlyIfTheIndexEndsThem) {
    Relation r = table();
    r.updated = r.hot_updated = 1000;
    // Column 1 is indexed today, so no HOT update changes it.
    EXPECT_EQ(upkeep(r, on({1})), 0);
    double one_column = upkeep(r, on({2}));
    double two_columns = upkeep(r, on({2, 3}));
    EXPECT_GT(one_column, 0);
    EXPECT_GT(two_columns, one_column);
    r.hot_updated = 0;
    EXPECT_GT(upkeep(r, on({1})), 0);
    // An update that stops being HOT pays for the other indexes too: dearer than one that never
    // was.
    Relation all_columns_free = table();
    all_columns_free.indexes[0].definition.keys[0].key.attribute = 10;
    all_columns_free.updated = all_columns_free.hot_updated = 1000;
    Candidate every_column = on({1, 2, 3, 4, 5, 6, 7, 8, 9});
    double lost = upkeep(all_columns_free, every_column);
    all_columns_free.hot_updated = 0;
    EXPECT_GT(lost, upkeep(all_columns_free, every_column));
}

// The workload's own UPDATE statements say which columns change.
TEST(WriteCost, UpdateStatementsTellWhichIndexEndsHot) {
    Relation r = table();
    r.updated = r.hot_updated = 1000;
    std::vector<Statement> updates = {update_of({2}, 90), update_of({3}, 10),
                                      update_of({1, 4}, 500)}; // the last was never HOT
    double all = upkeep(r, on({2, 3}), updates);
    EXPECT_GT(all, 0);
    EXPECT_EQ(upkeep(r, on({4}), updates), 0);
    double most = upkeep(r, on({2}), updates), few = upkeep(r, on({3}), updates);
    EXPECT_NEAR(most, 9 * few, 0.01 * most);
    EXPECT_LT(most, all);
}

TEST(WriteCost, APredicateOrExpressionDependsOnTheColumnsItNames) {
    Relation r = table();
    r.updated = r.hot_updated = 1000;
    std::vector<Statement> updates = {update_of({3}, 10)};
    Candidate c = on({2});
    c.definition.predicate = {"(c30 = 1)", "(xc3 = 1)"};
    EXPECT_EQ(upkeep(r, c, updates), 0);
    c.definition.predicate = {"(c30 = 1)", "(c3 = 'open'::text)"};
    EXPECT_GT(upkeep(r, c, updates), 0);
    Candidate e = on({2});
    e.definition.keys[0].key = {0, "lower(c3)"};
    EXPECT_GT(upkeep(r, e, updates), 0);
}

TEST(WriteCost, GinPaysForEachKeyAndBrinForNone) {
    Relation r = table();
    Candidate ordered = on({2}), searched = on({2}), summarised = on({2}, 3);
    searched.definition.method = IndexMethod::Gin;
    searched.entries_per_row = 8;
    summarised.definition.method = IndexMethod::Brin;
    EXPECT_GT(write_cost(r, searched), 7 * write_cost(r, ordered));
    EXPECT_LT(write_cost(r, summarised), write_cost(r, ordered) / 10);
    EXPECT_GT(write_cost(r, summarised), 0);
    r.inserted = 1000;
    r.deleted = 1000;
    EXPECT_GT(upkeep(r, searched), upkeep(r, ordered));
    double inserted_only = 1000 * write_cost(r, summarised);
    EXPECT_EQ(upkeep(r, summarised), inserted_only); // deleted rows are in no summary
}

TEST(WriteCost, AnUnknownRelationCostsNothing) {
    EXPECT_EQ(maintenance_cost({}, on({1})), 0);
}

} // namespace
