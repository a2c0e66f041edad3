#include "core/column_profile.h"

#include <gtest/gtest.h>

namespace triage {
namespace {

ColumnValue integer(std::int64_t value) {
    ColumnValue result;
    result.kind = ValueKind::Integer;
    result.integer = value;
    return result;
}

ColumnValue text(std::string_view value) {
    ColumnValue result;
    result.kind = ValueKind::Bytes;
    result.bytes = value;
    return result;
}

// 1000 rows: a tenth null, 7 in 30 %, 8 in 20 %, the rest even over 100..199.
class IntegerColumn : public testing::Test {
  protected:
    IntegerColumn() {
        profile.analyzed = true;
        profile.kind = ValueKind::Integer;
        profile.ordered = true;
        profile.rows = 1000;
        profile.null_fraction = 0.1;
        profile.distinct = 102;
        profile.common_total = 0.5;
        profile.common = common;
        profile.histogram = bounds;
    }
    CommonValue common[2] = {{integer(7), 0.3f, "7"}, {integer(8), 0.2f, nullptr}};
    ColumnValue bounds[5] = {integer(100), integer(125), integer(150), integer(175), integer(200)};
    ColumnProfile profile;
};

TEST_F(IntegerColumn, FindsMostCommonValues) {
    ASSERT_NE(profile.find_common(integer(7)), nullptr);
    EXPECT_STREQ(profile.find_common(integer(7))->printed, "7");
    EXPECT_EQ(profile.find_common(integer(9)), nullptr);
    EXPECT_EQ(profile.find_common(text("7")), nullptr) << "another kind is never equal";
}

TEST_F(IntegerColumn, EqualityIsTheFrequencyOrAShareOfTheRest) {
    EXPECT_FLOAT_EQ(*profile.equal_selectivity(integer(7)), 0.3f);
    EXPECT_NEAR(*profile.equal_selectivity(integer(150)), 0.4 / 100, 1e-9);
    EXPECT_NEAR(*profile.equal_selectivity({}), 0.9 / 102, 1e-9) << "an unknown value";
}

TEST_F(IntegerColumn, RangesAddCommonValuesAndInterpolate) {
    EXPECT_NEAR(*profile.range_selectivity(Comparison::Less, integer(150)), 0.5 + 0.2, 1e-6);
    EXPECT_NEAR(*profile.range_selectivity(Comparison::GreaterEqual, integer(150)), 0.2, 1e-6);
    EXPECT_NEAR(*profile.range_selectivity(Comparison::LessEqual, integer(7)), 0.3, 0.002);
    EXPECT_NEAR(*profile.range_selectivity(Comparison::Less, integer(7)), 0, 0.002);
    EXPECT_NEAR(*profile.range_selectivity(Comparison::Greater, integer(187)), 0.052, 1e-3);
}

TEST_F(IntegerColumn, NothingIsEverImpossible) {
    EXPECT_GT(*profile.range_selectivity(Comparison::Greater, integer(100000)), 0);
    EXPECT_LT(*profile.range_selectivity(Comparison::Greater, integer(100000)), 0.01);
}

TEST_F(IntegerColumn, SaysNothingWithoutStatistics) {
    profile.analyzed = false;
    EXPECT_FALSE(profile.equal_selectivity(integer(7)));
    EXPECT_FALSE(profile.range_selectivity(Comparison::Less, integer(7)));
}

TEST_F(IntegerColumn, SaysNothingOfAnOrderItDoesNotKnow) {
    profile.ordered = false;
    EXPECT_FALSE(profile.range_selectivity(Comparison::Less, integer(7)));
    EXPECT_TRUE(profile.equal_selectivity(integer(7)));
}

TEST(TextColumn, PrefixesCountCommonValuesAndBounds) {
    CommonValue common[] = {{text("open"), 0.4f, "open"}, {text("opened"), 0.1f, nullptr}};
    ColumnValue bounds[] = {text("a"), text("b1"), text("b2"), text("c")};
    ColumnProfile profile;
    profile.analyzed = true;
    profile.kind = ValueKind::Bytes;
    profile.rows = 1000;
    profile.distinct = 50;
    profile.common_total = 0.5;
    profile.common = common;
    profile.histogram = bounds;
    EXPECT_NEAR(*profile.prefix_selectivity("b"), 0.5 * 0.5, 1e-6);
    EXPECT_GE(*profile.prefix_selectivity("op"), 0.5);
    EXPECT_LT(*profile.prefix_selectivity("zzz"), 0.01);
    EXPECT_FALSE(profile.range_selectivity(Comparison::Less, text("b"))) << "not in C order";
}

} // namespace
} // namespace triage
