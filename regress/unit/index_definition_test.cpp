#include "core/index_definition.h"

#include <gtest/gtest.h>

using namespace triage;

namespace {

KeyColumn ascending(AttributeNumber attribute) {
    return {.key = {attribute, {}}};
}

KeyColumn descending(AttributeNumber attribute) {
    return {.key = {attribute, {}}, .descending = true, .nulls_first = true};
}

IndexDefinition index_on(std::vector<KeyColumn> keys) {
    return {.relation = 1, .keys = std::move(keys)};
}

TEST(IndexDefinition, PrefixIsServedAndNotTheOtherWayRound) {
    auto wide = index_on({ascending(1), ascending(2)});
    auto narrow = index_on({ascending(1)});
    EXPECT_TRUE(serves(wide, narrow));
    EXPECT_FALSE(serves(narrow, wide));
    EXPECT_FALSE(serves(wide, index_on({ascending(2)})));
    EXPECT_TRUE(serves(wide, wide));
    EXPECT_FALSE(equivalent(wide, narrow));
}

TEST(IndexDefinition, OtherRelationOrMethodServesNothing) {
    auto a = index_on({ascending(1)});
    auto b = a;
    b.relation = 2;
    EXPECT_FALSE(serves(a, b));
    b = a;
    b.method = IndexMethod::Brin;
    EXPECT_FALSE(serves(a, b));
}

TEST(IndexDefinition, ReversedAsAWholeIsTheSame) {
    auto forward = index_on({ascending(1), descending(2)});
    auto backward = index_on({descending(1), ascending(2)});
    EXPECT_TRUE(equivalent(forward, backward));
    EXPECT_FALSE(serves(forward, index_on({ascending(1), ascending(2)})));
    // A single column, or a prefix, can always be read the other way.
    EXPECT_TRUE(serves(forward, index_on({descending(1)})));
}

TEST(IndexDefinition, PlaceOfNullsIsPartOfTheDirection) {
    auto plain = index_on({ascending(1)});
    auto nulls_first = index_on({{.key = {1, {}}, .nulls_first = true}});
    auto descending_nulls_last = index_on({{.key = {1, {}}, .descending = true}});
    EXPECT_FALSE(serves(plain, nulls_first));
    EXPECT_TRUE(equivalent(nulls_first, descending_nulls_last));
}

TEST(IndexDefinition, IncludeMayBeServedByAKey) {
    auto narrow = index_on({ascending(1)});
    narrow.include = {2};
    EXPECT_TRUE(serves(index_on({ascending(1), ascending(2)}), narrow));
    EXPECT_FALSE(serves(index_on({ascending(1), ascending(3)}), narrow));
    EXPECT_FALSE(serves(index_on({ascending(1)}), narrow));

    auto covering = index_on({ascending(1)});
    covering.include = {2, 3};
    EXPECT_TRUE(serves(covering, narrow));
    EXPECT_FALSE(serves(narrow, covering));
    // An INCLUDE column cannot be searched.
    EXPECT_FALSE(serves(narrow, index_on({ascending(1), ascending(2)})));
}

TEST(IndexDefinition, PredicateOfTheWiderIsASubset) {
    auto full = index_on({ascending(1)});
    auto open = full, open_urgent = full, urgent = full;
    open.predicate = {"status = 'open'"};
    urgent.predicate = {"urgent"};
    open_urgent.predicate = {"status = 'open'", "urgent"};
    EXPECT_TRUE(serves(full, open));
    EXPECT_FALSE(serves(open, full));
    EXPECT_TRUE(serves(open, open_urgent));
    EXPECT_TRUE(serves(urgent, open_urgent));
    EXPECT_FALSE(serves(open, urgent));
    EXPECT_FALSE(equivalent(open, open_urgent));
}

TEST(IndexDefinition, UniqueIsServedOnlyByTheSameUnique) {
    auto unique = index_on({ascending(1)});
    unique.unique = true;
    auto plain = index_on({ascending(1)});
    auto wider_unique = index_on({ascending(1), ascending(2)});
    wider_unique.unique = true;
    EXPECT_TRUE(serves(unique, plain));
    EXPECT_FALSE(serves(plain, unique));
    EXPECT_FALSE(serves(wider_unique, unique));
    EXPECT_TRUE(serves(wider_unique, plain));
    EXPECT_FALSE(equivalent(unique, plain));

    // Unique over all rows includes unique over some.
    auto unique_part = unique;
    unique_part.predicate = {"active"};
    EXPECT_TRUE(serves(unique, unique_part));
    EXPECT_FALSE(serves(unique_part, unique));
    auto covering = unique;
    covering.include = {5};
    EXPECT_TRUE(serves(covering, unique));
}

TEST(IndexDefinition, OperatorClassAndCollationMustBeTheSame) {
    auto plain = index_on({ascending(1)});
    auto pattern = index_on({{.key = {1, {}}, .opclass = "pg_catalog.text_pattern_ops"}});
    auto c_collation = index_on({{.key = {1, {}}, .collation = 950}});
    EXPECT_FALSE(serves(plain, pattern));
    EXPECT_FALSE(serves(pattern, plain));
    EXPECT_FALSE(serves(plain, c_collation));
    EXPECT_TRUE(serves(pattern, pattern));
}

TEST(IndexDefinition, ExpressionsCompareByTheirText) {
    auto lower = index_on({{.key = {0, "lower(name)"}}});
    auto upper = index_on({{.key = {0, "upper(name)"}}});
    EXPECT_TRUE(serves(lower, lower));
    EXPECT_FALSE(serves(lower, upper));
    // An expression key has attribute 0 and holds no INCLUDE column.
    auto covering = lower;
    covering.include = {1};
    EXPECT_FALSE(serves(lower, covering));
}

TEST(IndexDefinition, BrinColumnsHaveNoOrder) {
    auto wide = index_on({ascending(1), ascending(2)});
    wide.method = IndexMethod::Brin;
    auto narrow = index_on({descending(2)});
    narrow.method = IndexMethod::Brin;
    EXPECT_TRUE(serves(wide, narrow));
    EXPECT_FALSE(serves(narrow, wide));
}

} // namespace
