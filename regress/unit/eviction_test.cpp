#include "core/eviction.h"

#include <gtest/gtest.h>

namespace triage {
namespace {

TEST(HeatCensus, OrdersByHeat) {
    EXPECT_EQ(HeatCensus::level_of(0), 0);
    EXPECT_EQ(HeatCensus::level_of(-1), 0);
    EXPECT_LT(HeatCensus::level_of(1), HeatCensus::level_of(1.1));
    EXPECT_EQ(HeatCensus::level_of(1e-30), 0);
    EXPECT_EQ(HeatCensus::level_of(1e30), HeatCensus::levels - 1);
}

TEST(HeatCensus, TakesTheColdestFirst) {
    HeatCensus census;
    for (int i = 0; i < 10; i++)
        census.count(1, false);
    for (int i = 0; i < 20; i++)
        census.count(100, false);
    EXPECT_EQ(census.slots(), 30u);
    EXPECT_EQ(census.coldest(10).level, HeatCensus::level_of(1));
    EXPECT_EQ(census.coldest(11).level, HeatCensus::level_of(100));
    EXPECT_EQ(census.coldest(11).slots, 11u);
    EXPECT_EQ(census.coldest(100).slots, 30u) << "no more than there are";
    EXPECT_EQ(HeatCensus().coldest(5).slots, 0u);
}

TEST(HeatCensus, KnowsHowManyOfThemAreNewcomers) {
    HeatCensus census;
    for (int i = 0; i < 10; i++)
        census.count(1, i < 4);
    for (int i = 0; i < 20; i++)
        census.count(100, i < 10);
    EXPECT_DOUBLE_EQ(census.coldest(5).newcomers, 2) << "of the level's own, in proportion";
    EXPECT_DOUBLE_EQ(census.coldest(10).newcomers, 4);
    EXPECT_DOUBLE_EQ(census.coldest(12).newcomers, 4 + 1);
}

TEST(HeatCensus, MedianIsAboveHalfOfThem) {
    EXPECT_EQ(HeatCensus().median(), 0);
    HeatCensus census;
    for (int i = 0; i < 10; i++)
        census.count(1000, false);
    for (int i = 0; i < 9; i++)
        census.count(1e9, false);
    EXPECT_GT(census.median(), 1000);
    EXPECT_LT(census.median(), 1100);
    for (int i = 0; i < 2; i++)
        census.count(1e9, false);
    EXPECT_GT(census.median(), 1e9);
}

TEST(EvictionPace, SlowsDownWhereNewcomersMakeRoomForEachOther) {
    EvictionPace pace;
    EXPECT_EQ(pace.wait_s(), EvictionPace::shortest_s);
    pace.note(100, 80);
    EXPECT_EQ(pace.wait_s(), 2 * EvictionPace::shortest_s);
    for (int i = 0; i < 10; i++)
        pace.note(100, 80);
    EXPECT_EQ(pace.wait_s(), EvictionPace::longest_s);
    pace.note(0, 0); // nothing was scarce: that says nothing
    EXPECT_EQ(pace.wait_s(), EvictionPace::longest_s);
    pace.note(100, 20);
    EXPECT_EQ(pace.wait_s(), EvictionPace::shortest_s);
}

} // namespace
} // namespace triage
