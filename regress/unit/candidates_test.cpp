// Candidates from what statements do: which are found, in which order their columns stand, and
// which are left out.
#include "core/candidates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

using namespace triage;

namespace {

constexpr RelationId orders = 10;

// The columns of the relation under test.
enum : AttributeNumber { id = 1, patient, ward, status, created, amount, note, urgent, blob };

Clause equal(AttributeNumber column, double selectivity = 0.01) {
    return {.key = {column, {}},
            .op = ClauseOperator::Equal,
            .operand = Operand::Parameter,
            .selectivity = selectivity};
}

Clause literal(AttributeNumber column, std::string predicate, double selectivity = 0.1) {
    Clause clause = equal(column, selectivity);
    clause.operand = Operand::Literal;
    clause.predicate = std::move(predicate);
    return clause;
}

Clause flag(AttributeNumber column, std::string predicate, double selectivity = 0.1) {
    Clause clause = literal(column, std::move(predicate), selectivity);
    clause.operand = Operand::None;
    return clause;
}

Clause null(AttributeNumber column, std::string predicate, double selectivity = 0.05) {
    Clause clause = flag(column, std::move(predicate), selectivity);
    clause.op = ClauseOperator::IsNull;
    return clause;
}

Clause with_operator(AttributeNumber column, ClauseOperator op, double selectivity = 0.1) {
    Clause clause = equal(column, selectivity);
    clause.op = op;
    return clause;
}

Clause join(AttributeNumber column, double selectivity = 0.001) {
    Clause clause = equal(column, selectivity);
    clause.operand = Operand::Join;
    return clause;
}

SortColumn ascending(AttributeNumber column) {
    return {.key = {column, {}}};
}
SortColumn descending(AttributeNumber column) {
    return {.key = {column, {}}, .descending = true, .nulls_first = true};
}

// An index as the tests write it: columns, '-' before a descending one.
IndexDefinition index(std::vector<int> keys, std::vector<std::string> predicate = {},
                      std::vector<AttributeNumber> include = {}) {
    IndexDefinition definition{.relation = orders, .include = include, .predicate = predicate};
    for (int key : keys)
        definition.keys.push_back({.key = {static_cast<AttributeNumber>(std::abs(key)), {}},
                                   .descending = key < 0,
                                   .nulls_first = key < 0});
    return definition;
}

class Candidates : public ::testing::Test {
  protected:
    Candidates() {
        Relation relation{.id = orders, .name = "orders", .tuples = 1e6, .pages = 2e4};
        const char *names[] = {"id",     "patient", "ward",   "status", "created",
                               "amount", "note",    "urgent", "blob"};
        double widths[] = {8, 8, 4, 8, 8, 16, 400, 1, 900};
        for (AttributeNumber number = id; number <= blob; number++)
            relation.attributes.push_back({.number = number,
                                           .name = names[number - 1],
                                           .average_width = widths[number - 1],
                                           .fixed_width = widths[number - 1] <= 8});
        relation.attributes.back().orderable = false;
        workload.relations.push_back(relation);
    }

    RelationAccess &statement(std::vector<Clause> clauses, double calls = 1) {
        Statement s{.queryid = 1, .calls = calls};
        s.accesses.push_back(
            {.relation = orders, .clauses = std::move(clauses), .whole_row = true});
        workload.statements.push_back(std::move(s));
        return workload.statements.back().accesses.back();
    }

    void exists(IndexDefinition definition, bool valid = true) {
        workload.relations[0].indexes.push_back(
            {.id = 99, .definition = std::move(definition), .valid = valid});
    }

    bool found(const IndexDefinition &wanted) const {
        auto candidates = generate_candidates(workload);
        return std::find(candidates.begin(), candidates.end(), wanted) != candidates.end();
    }

    Workload workload;
};

TEST_F(Candidates, NothingFromNothing) {
    statement({});
    EXPECT_TRUE(generate_candidates(workload).empty());
}

TEST_F(Candidates, OneEqualityColumn) {
    statement({equal(patient)});
    EXPECT_EQ(generate_candidates(workload), std::vector{index({patient})});
}

TEST_F(Candidates, MostSelectiveEqualityColumnFirst) {
    statement({equal(ward, 0.05), equal(patient, 0.0001)});
    auto candidates = generate_candidates(workload);
    ASSERT_FALSE(candidates.empty());
    EXPECT_EQ(candidates.front(), index({patient, ward}));
}

TEST_F(Candidates, EveryEqualityColumnLeadsOnce) {
    statement({equal(ward, 0.05), equal(patient, 0.0001)});
    EXPECT_TRUE(found(index({ward, patient})));
    EXPECT_TRUE(found(index({ward})));
    EXPECT_TRUE(found(index({patient})));
}

TEST_F(Candidates, RangeFollowsEquality) {
    statement({with_operator(created, ClauseOperator::Range, 0.001), equal(patient)});
    EXPECT_TRUE(found(index({patient, created})));
    EXPECT_FALSE(found(index({created, patient})));
    EXPECT_TRUE(found(index({created})));
}

TEST_F(Candidates, OnlyOneRange) {
    statement({with_operator(created, ClauseOperator::Range),
               with_operator(amount, ClauseOperator::Range), equal(patient)});
    EXPECT_TRUE(found(index({patient, created})));
    EXPECT_TRUE(found(index({patient, amount})));
    EXPECT_FALSE(found(index({patient, created, amount})));
    EXPECT_FALSE(found(index({patient, amount, created})));
}

TEST_F(Candidates, BothEndsOfARangeAreOneColumn) {
    statement({with_operator(created, ClauseOperator::Range),
               with_operator(created, ClauseOperator::Range)});
    EXPECT_EQ(generate_candidates(workload), std::vector{index({created})});
}

TEST_F(Candidates, SortRunKeepsDirectionAndNulls) {
    RelationAccess &access = statement({equal(patient)});
    access.order_by = {descending(created), ascending(id)};
    access.limited = true;
    EXPECT_TRUE(found(index({patient, -created, id})));
    EXPECT_FALSE(found(index({patient, created, id})));
}

TEST_F(Candidates, OfTwoDirectionsOneWillDo) {
    statement({equal(patient), with_operator(created, ClauseOperator::Range)}, 100);
    RelationAccess &access = statement({equal(patient)});
    access.order_by = {descending(created)};
    EXPECT_TRUE(found(index({patient, -created})));
    EXPECT_FALSE(found(index({patient, created})));
}

TEST_F(Candidates, MixedDirectionsAreNoMirrors) {
    RelationAccess &one = statement({equal(patient)});
    one.order_by = {descending(created), ascending(id)};
    RelationAccess &other = statement({equal(patient)});
    other.order_by = {ascending(created), ascending(id)};
    EXPECT_TRUE(found(index({patient, -created, id})));
    EXPECT_TRUE(found(index({patient, created, id})));
}

TEST_F(Candidates, OrderAloneServesALimit) {
    RelationAccess &access = statement({});
    access.order_by = {descending(created)};
    access.limited = true;
    EXPECT_EQ(generate_candidates(workload), std::vector{index({-created})});
}

TEST_F(Candidates, SortOnAPinnedColumnIsNoSort) {
    RelationAccess &access = statement({equal(patient)});
    access.order_by = {ascending(patient), descending(created)};
    EXPECT_TRUE(found(index({patient, -created})));
    EXPECT_FALSE(found(index({patient, patient, -created})));
}

TEST_F(Candidates, RangeThatIsAlsoTheOrderTakesItsDirection) {
    RelationAccess &access =
        statement({equal(patient), with_operator(created, ClauseOperator::Range)});
    access.order_by = {descending(created)};
    EXPECT_TRUE(found(index({patient, -created})));
    EXPECT_FALSE(found(index({patient, -created, created})));
}

TEST_F(Candidates, AConditionBeyondTheOrderIsCheckedInTheIndex) {
    RelationAccess &access =
        statement({equal(patient), with_operator(amount, ClauseOperator::Range)});
    access.order_by = {descending(created)};
    access.limited = true;
    EXPECT_TRUE(found(index({patient, -created, amount})));
}

TEST_F(Candidates, JoinKeysAloneAndAfterEquality) {
    statement({join(patient), equal(ward)});
    EXPECT_TRUE(found(index({ward, patient})));
    EXPECT_TRUE(found(index({patient, ward})));
    EXPECT_TRUE(found(index({patient})));
    EXPECT_TRUE(found(index({ward})));
}

TEST_F(Candidates, JoinsToTwoRelations) {
    statement({join(patient), join(ward)});
    EXPECT_TRUE(found(index({patient})));
    EXPECT_TRUE(found(index({ward})));
    EXPECT_TRUE(found(index({patient, ward})));
}

TEST_F(Candidates, GroupByOrDistinct) {
    RelationAccess &access = statement({equal(ward)});
    access.group_by = {{status, {}}, {urgent, {}}};
    EXPECT_TRUE(found(index({ward, status, urgent})));
}

TEST_F(Candidates, APredicateTakesItsColumnOutOfTheKeys) {
    statement({equal(patient), literal(status, "(status = 'open'::text)")});
    auto candidates = generate_candidates(workload);
    ASSERT_FALSE(candidates.empty());
    EXPECT_EQ(candidates.front(), index({patient}, {"(status = 'open'::text)"}));
    EXPECT_FALSE(found(index({patient, status}, {"(status = 'open'::text)"})));
    EXPECT_TRUE(found(index({patient, status})));
}

TEST_F(Candidates, AParameterMakesNoPredicate) {
    statement({equal(patient), equal(status)});
    for (const IndexDefinition &candidate : generate_candidates(workload))
        EXPECT_TRUE(candidate.predicate.empty());
}

TEST_F(Candidates, PredicatesTogetherAloneAndNotAtAll) {
    statement({equal(patient), flag(urgent, "urgent"), null(note, "(note IS NULL)")});
    EXPECT_TRUE(found(index({patient}, {"(note IS NULL)", "urgent"})));
    EXPECT_TRUE(found(index({patient}, {"urgent"})));
    EXPECT_TRUE(found(index({patient}, {"(note IS NULL)"})));
    EXPECT_TRUE(found(index({patient})));
}

TEST_F(Candidates, AQueueIsOrderedUnderItsPredicate) {
    RelationAccess &access = statement({literal(status, "(status = 'queued'::text)", 0.001)});
    access.order_by = {ascending(created)};
    access.limited = true;
    EXPECT_TRUE(found(index({created}, {"(status = 'queued'::text)"})));
    EXPECT_TRUE(found(index({status, created})));
}

TEST_F(Candidates, APredicateAloneNeedsSomeKey) {
    RelationAccess &access = statement({flag(urgent, "urgent", 0.001)});
    access.whole_row = true;
    access.columns_read = {id, patient, urgent};
    EXPECT_TRUE(found(index({id}, {"urgent"})));
}

TEST_F(Candidates, TheKeyTakenForWantOfABetterIsNoneThatUpdatesChange) {
    statement({flag(urgent, "urgent", 0.001)}).columns_read = {patient, ward, urgent};
    statement({equal(id)}).columns_written = {ward};
    EXPECT_TRUE(found(index({patient}, {"urgent"})));
    EXPECT_FALSE(found(index({ward}, {"urgent"})));
}

TEST_F(Candidates, ARangeInThePredicateMayStillBeAKey) {
    Clause recent = with_operator(amount, ClauseOperator::Range);
    recent.operand = Operand::Literal;
    recent.predicate = "(amount > 100)";
    statement({recent});
    EXPECT_TRUE(found(index({amount}, {"(amount > 100)"})));
    EXPECT_TRUE(found(index({amount})));
}

TEST_F(Candidates, NotEqualOnlyEverStandsInAPredicate) {
    Clause clause = literal(status, "(status <> 'closed'::text)");
    clause.op = ClauseOperator::NotEqual;
    statement({equal(patient), clause});
    EXPECT_TRUE(found(index({patient}, {"(status <> 'closed'::text)"})));
    for (const IndexDefinition &candidate : generate_candidates(workload))
        for (const KeyColumn &key : candidate.keys)
            EXPECT_NE(key.key.attribute, status);
}

TEST_F(Candidates, AnInListEndsTheOrder) {
    RelationAccess &access = statement({equal(ward), with_operator(status, ClauseOperator::In)});
    access.order_by = {ascending(created)};
    access.limited = true;
    EXPECT_TRUE(found(index({ward, status})));
    EXPECT_TRUE(found(index({ward, created})));
    EXPECT_FALSE(found(index({ward, status, created})));
}

TEST_F(Candidates, AnInListOfSharedValuesMakesAPredicate) {
    Clause clause = literal(status, "(status = ANY ('{open,new}'::text[]))");
    clause.op = ClauseOperator::In;
    RelationAccess &access = statement({equal(ward), clause});
    access.order_by = {ascending(created)};
    EXPECT_TRUE(found(index({ward, created}, {"(status = ANY ('{open,new}'::text[]))"})));
}

TEST_F(Candidates, APatternBringsItsOperatorClass) {
    Clause clause = with_operator(note, ClauseOperator::Prefix);
    clause.opclass = "pg_catalog.text_pattern_ops";
    statement({clause});
    IndexDefinition wanted = index({note});
    wanted.keys[0].opclass = "pg_catalog.text_pattern_ops";
    EXPECT_TRUE(found(wanted));
}

TEST_F(Candidates, AnExpressionIsAKeyLikeAnother) {
    Clause clause = equal(patient);
    clause.key = {0, "lower(note)"};
    statement({clause});
    IndexDefinition wanted = index({patient});
    wanted.keys[0].key = {0, "lower(note)"};
    EXPECT_EQ(generate_candidates(workload), std::vector{wanted});
}

TEST_F(Candidates, NoKeyWithoutAnOrdering) {
    RelationAccess &access = statement({equal(blob), equal(patient)});
    access.order_by = {ascending(blob)};
    for (const IndexDefinition &candidate : generate_candidates(workload))
        for (const KeyColumn &key : candidate.keys)
            EXPECT_NE(key.key.attribute, blob);
    EXPECT_TRUE(found(index({patient})));
}

TEST_F(Candidates, CoversAFewNarrowColumns) {
    RelationAccess &access = statement({equal(patient)});
    access.whole_row = false;
    access.columns_read = {patient, created, amount};
    EXPECT_TRUE(found(index({patient}, {}, {created, amount})));
    EXPECT_TRUE(found(index({patient})));
}

TEST_F(Candidates, DoesNotCoverWideOrManyColumns) {
    RelationAccess &wide = statement({equal(patient)});
    wide.whole_row = false;
    wide.columns_read = {patient, note};
    RelationAccess &many = statement({equal(ward)});
    many.whole_row = false;
    many.columns_read = {id, patient, ward, status, created, amount, urgent};
    for (const IndexDefinition &candidate : generate_candidates(workload))
        EXPECT_TRUE(candidate.include.empty());
}

TEST_F(Candidates, CoversWithAndWithoutThePredicatesColumn) {
    RelationAccess &access =
        statement({equal(patient), literal(status, "(status = 'open'::text)")});
    access.whole_row = false;
    access.columns_read = {patient, status, created};
    EXPECT_TRUE(found(index({patient}, {"(status = 'open'::text)"}, {created})));
    EXPECT_TRUE(found(index({patient}, {"(status = 'open'::text)"}, {status, created})));
}

TEST_F(Candidates, OneIndexForTwoStatementsByPrefix) {
    statement({equal(status, 0.2), equal(ward, 0.05)});
    RelationAccess &access =
        statement({equal(patient, 0.001), equal(ward, 0.05), equal(status, 0.2)});
    access.order_by = {descending(created)};
    EXPECT_TRUE(found(index({ward, status, patient, -created})));
}

TEST_F(Candidates, ARangeOfOneIsTheEqualityOfAnother) {
    RelationAccess &access = statement({equal(patient)});
    access.order_by = {descending(created)};
    statement({equal(patient), equal(created), equal(ward)});
    EXPECT_TRUE(found(index({patient, -created, ward})));
}

TEST_F(Candidates, IncludesOfTwoStatementsInOne) {
    for (AttributeNumber column : {created, amount}) {
        RelationAccess &access = statement({equal(patient)});
        access.whole_row = false;
        access.columns_read = {patient, column};
    }
    EXPECT_TRUE(found(index({patient}, {}, {created, amount})));
}

TEST_F(Candidates, NothingThatAnIndexAlreadyServes) {
    exists(index({patient, created}));
    statement({equal(patient)});
    EXPECT_TRUE(generate_candidates(workload).empty());
}

TEST_F(Candidates, NotEvenInReverse) {
    exists(index({-created}));
    RelationAccess &access = statement({});
    access.order_by = {{.key = {created, {}}}};
    EXPECT_TRUE(generate_candidates(workload).empty());
}

TEST_F(Candidates, NothingBehindAUniqueKeyThatIsGiven) {
    IndexDefinition primary = index({id});
    primary.unique = true;
    exists(primary);
    RelationAccess &access = statement({equal(id, 1e-6), equal(ward)});
    access.whole_row = false;
    access.columns_read = {id, ward, patient};
    for (const IndexDefinition &candidate : generate_candidates(workload))
        EXPECT_NE(candidate.keys.front().key.attribute, id);
    RelationAccess &page = statement({});
    page.order_by = {ascending(id)};
    page.limited = true;
    page.whole_row = false;
    page.columns_read = {id, created};
    EXPECT_TRUE(found(index({id}, {}, {created})));
}

TEST_F(Candidates, AJoinByAUniqueKeyMayBeCovered) {
    IndexDefinition primary = index({id});
    primary.unique = true;
    exists(primary);
    Clause join = equal(id, 1e-6);
    join.operand = Operand::Join;
    RelationAccess &access = statement({join, equal(ward)});
    access.whole_row = false;
    access.columns_read = {id, ward, patient};
    EXPECT_TRUE(found(index({id}, {}, {ward, patient})));
    EXPECT_FALSE(found(index({id, ward})));
    access.whole_row = true;
    EXPECT_FALSE(found(index({id}, {}, {ward, patient})));
}

TEST_F(Candidates, AConditionThatNearlyAllRowsSatisfyMakesNoPredicate) {
    statement({equal(patient), null(note, "(note IS NULL)", 0.99)});
    for (const IndexDefinition &candidate : generate_candidates(workload))
        EXPECT_TRUE(candidate.predicate.empty());
}

TEST_F(Candidates, AnInvalidIndexServesNothing) {
    exists(index({patient}), false);
    statement({equal(patient)});
    EXPECT_TRUE(found(index({patient})));
}

TEST_F(Candidates, ASmallerPredicateDoesNotServeALargerOne) {
    exists(index({patient}, {"urgent"}));
    statement({equal(patient)});
    EXPECT_TRUE(found(index({patient})));
}

TEST_F(Candidates, EachOnlyOnceAndEachRelationBounded) {
    for (int i = 0; i < 60; i++) {
        RelationAccess &access = statement(
            {equal(patient, 0.1 + i * 1e-3), equal(ward, 0.15), equal(amount, 0.2 - i * 1e-3),
             literal(status, "(status = '" + std::to_string(i) + "'::text)"),
             flag(urgent, "urgent"), with_operator(created, ClauseOperator::Range)});
        access.order_by = {ascending(id), descending(created)};
        access.limited = true;
    }
    auto candidates = generate_candidates(workload);
    EXPECT_LE(candidates.size(), 240u);
    EXPECT_EQ(std::set(candidates.begin(), candidates.end()).size(), candidates.size());
}

TEST_F(Candidates, TheHeaviestStatementIsServedFirst) {
    statement({equal(ward)}, 1);
    statement({equal(patient)}, 1000);
    auto candidates = generate_candidates(workload);
    ASSERT_FALSE(candidates.empty());
    EXPECT_EQ(candidates.front(), index({patient}));
}

TEST_F(Candidates, APredicateThatSaysAllGetsAKeyOfItsOwnOrTheNarrowest) {
    statement({flag(urgent, "urgent", 0.01)});
    EXPECT_TRUE(found(index({urgent}, {"urgent"})));
    EXPECT_TRUE(found(index({ward}, {"urgent"})));
    exists(index({ward})); // which is said to serve that as well
    EXPECT_FALSE(found(index({ward}, {"urgent"})));
    EXPECT_TRUE(found(index({id}, {"urgent"})));
}

IndexDefinition searching(AttributeNumber column, std::string opclass = {},
                          std::vector<std::string> predicate = {}) {
    return {.relation = orders,
            .method = IndexMethod::Gin,
            .keys = {{.key = {column, {}}, .opclass = std::move(opclass)}},
            .predicate = std::move(predicate)};
}

Clause search(AttributeNumber column, std::vector<std::string> opclasses) {
    Clause clause = with_operator(column, ClauseOperator::Other, 0.001);
    clause.gin_opclasses = std::move(opclasses);
    return clause;
}

TEST_F(Candidates, WhatNoBtreeServesIsSearchedByGin) {
    statement({search(blob, {"pg_catalog.jsonb_path_ops", ""}), flag(urgent, "urgent")});
    EXPECT_TRUE(found(searching(blob, "pg_catalog.jsonb_path_ops")));
    EXPECT_TRUE(found(searching(blob)));
    EXPECT_TRUE(found(searching(blob, "pg_catalog.jsonb_path_ops", {"urgent"})));
    EXPECT_FALSE(found(index({blob})));
}

TEST_F(Candidates, GinKeysAreNotMergedWithThoseOfBtrees) {
    statement({search(note, {""})});
    statement({equal(note), equal(patient)});
    for (const IndexDefinition &candidate : generate_candidates(workload)) {
        if (candidate.method == IndexMethod::Gin) {
            EXPECT_EQ(candidate, searching(note));
        }
    }
}

TEST_F(Candidates, AnExistingGinIndexServesItsOwnKindOnly) {
    exists(searching(note));
    statement({search(note, {""})});
    EXPECT_TRUE(generate_candidates(workload).empty());
    statement({equal(note)});
    EXPECT_TRUE(found(index({note})));
}

TEST_F(Candidates, RangesOfOrderedColumnsAreSummarised) {
    const IndexDefinition summary{
        .relation = orders, .method = IndexMethod::Brin, .keys = {{.key = {created, {}}}}};
    statement({with_operator(created, ClauseOperator::Range, 0.01)});
    EXPECT_FALSE(found(summary));
    Attribute &attribute = workload.relations[0].attributes[created - 1];
    attribute.summarizable = true;
    attribute.correlation = 0.9;
    EXPECT_FALSE(found(summary));
    attribute.correlation = -0.99;
    EXPECT_TRUE(found(summary));
    EXPECT_TRUE(found(index({created})));
    workload.relations[0].pages = 1000;
    EXPECT_FALSE(found(summary));
}

TEST_F(Candidates, UnknownRelationsAndColumnsAreLeftOut) {
    statement({equal(77)});
    statement({search(77, {""})});
    statement({equal(patient)}).relation = 4711;
    EXPECT_TRUE(generate_candidates(workload).empty());
}

} // namespace
