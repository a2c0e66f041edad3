#include "core/range_spread.h"

#include <gtest/gtest.h>

namespace triage {
namespace {

RangeTotals totals_of(std::initializer_list<std::pair<double, int>> shares) {
    RangeTotals totals;
    for (auto [share, times] : shares)
        for (int i = 0; i < times; i++)
            totals.add(share);
    return totals;
}

TEST(RangeSpread, TwoSharesAreFoundAgain) {
    const auto spread = spread_of(totals_of({{0.001, 90}, {0.6, 10}}));
    ASSERT_TRUE(spread);
    EXPECT_NEAR(spread->narrow, 0.001, 1e-9);
    EXPECT_NEAR(spread->wide, 0.6, 1e-9);
    EXPECT_NEAR(spread->wide_weight, 0.1, 1e-9);
}

TEST(RangeSpread, KeepsTheFirstThreeMoments) {
    const auto totals = totals_of({{0.01, 5}, {0.1, 3}, {0.4, 2}, {0.9, 1}});
    const auto spread = spread_of(totals);
    ASSERT_TRUE(spread);
    const double wide = spread->wide_weight, narrow = 1 - wide;
    auto moment = [&](double (*power)(double)) {
        return 11 * (narrow * power(spread->narrow) + wide * power(spread->wide));
    };
    EXPECT_NEAR(moment([](double x) { return x; }), totals.first, 1e-9);
    EXPECT_NEAR(moment([](double x) { return x * x; }), totals.second, 1e-9);
    EXPECT_NEAR(moment([](double x) { return x * x * x; }), totals.third, 1e-9);
}

TEST(RangeSpread, OfAllWidthsAlikeIsGausssRule) {
    RangeTotals totals;
    for (int i = 0; i < 1000; i++)
        totals.add((i + 0.5) / 1000);
    const auto spread = spread_of(totals);
    ASSERT_TRUE(spread);
    EXPECT_NEAR(spread->narrow, 0.2113, 1e-3);
    EXPECT_NEAR(spread->wide, 0.7887, 1e-3);
    EXPECT_NEAR(spread->wide_weight, 0.5, 1e-6);
}

TEST(RangeSpread, OnePlanServesWhatIsAlike) {
    EXPECT_FALSE(spread_of({}));
    EXPECT_FALSE(spread_of(totals_of({{0.3, 100}})));
    EXPECT_FALSE(spread_of(totals_of({{0.3, 50}, {0.4, 50}})));
    EXPECT_FALSE(spread_of(totals_of({{0.00001, 50}, {0.005, 50}}))) << "an index serves both";
    EXPECT_FALSE(spread_of(totals_of({{0.001, 999}, {0.9, 1}}))) << "one of a thousand";
    EXPECT_FALSE(spread_of(totals_of({{0.001, 2}, {0.9, 2}}))) << "too few to tell";
}

TEST(RangeSpread, TotalsThatCannotBeGiveNoNonsense) {
    RangeTotals totals;
    totals.executions = 10;
    totals.first = 1;
    totals.second = 0.5;
    totals.third = 1e300;
    if (const auto spread = spread_of(totals)) {
        EXPECT_GE(spread->narrow, 0);
        EXPECT_LE(spread->wide, 1);
        EXPECT_GE(spread->wide_weight, 0);
        EXPECT_LE(spread->wide_weight, 1);
    }
}

} // namespace
} // namespace triage
