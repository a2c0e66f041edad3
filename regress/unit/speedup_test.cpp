#include "core/speedup.h"

#include <gtest/gtest.h>

namespace triage {

TEST(Speedup, EqualServersAreAsManyTimesAsFast) {
    const Speedup two_and_a_half(2.5);
    EXPECT_DOUBLE_EQ(two_and_a_half.at(1), 1);
    EXPECT_DOUBLE_EQ(two_and_a_half.at(2), 2);
    EXPECT_DOUBLE_EQ(two_and_a_half.at(3), 2.5);
    EXPECT_DOUBLE_EQ(two_and_a_half.most(), 2.5);
}

TEST(Speedup, ServersWithQueuesOfTheirOwnAreNotAllBusy) {
    const Speedup apart(2, 1), half(2, 0.5);
    EXPECT_DOUBLE_EQ(apart.at(1), 1);
    EXPECT_DOUBLE_EQ(apart.at(2), 4.0 / 3); // two of four times they meet
    EXPECT_DOUBLE_EQ(apart.at(9), 1.8);
    EXPECT_DOUBLE_EQ(half.at(2), (2 + 4.0 / 3) / 2);
    EXPECT_DOUBLE_EQ(apart.most(), 2);
    EXPECT_DOUBLE_EQ(apart.at(10'000), 2);
    EXPECT_DOUBLE_EQ(Speedup(0.5, 1).at(1), 0.5); // one has one queue
}

TEST(Speedup, FollowsWhatWasMeasured) {
    const Speedup disk({{16, 40'000}, {1, 10'000}, {4, 25'000}});
    EXPECT_DOUBLE_EQ(disk.at(1), 1);
    EXPECT_DOUBLE_EQ(disk.at(4), 2.5);
    EXPECT_DOUBLE_EQ(disk.at(10), 3.25);
    EXPECT_DOUBLE_EQ(disk.at(16), 4);
    EXPECT_DOUBLE_EQ(disk.at(1000), 4);
    EXPECT_DOUBLE_EQ(disk.saturation(), 16);
}

TEST(Speedup, IsNeverSlowerWithMoreRequests) {
    const Speedup disk({{1, 100}, {4, 300}, {8, 280}, {16, 290}});
    EXPECT_DOUBLE_EQ(disk.at(8), 3);
    EXPECT_DOUBLE_EQ(disk.most(), 3);
    EXPECT_DOUBLE_EQ(disk.saturation(), 4);

    const Speedup on_the_way({{1, 100}, {2, 200}, {4, 150}, {8, 400}});
    EXPECT_DOUBLE_EQ(on_the_way.at(3), 2);
    EXPECT_DOUBLE_EQ(on_the_way.at(4), 2);
    EXPECT_DOUBLE_EQ(on_the_way.at(6), 3);
}

TEST(Speedup, WhatOneAloneGetsFollowsFromSeveralWhereItWasNotMeasured) {
    EXPECT_DOUBLE_EQ(Speedup({{4, 400}, {8, 600}}).at(1), 1);
    EXPECT_DOUBLE_EQ(Speedup({{4, 400}, {8, 600}}).most(), 6);
}

TEST(Speedup, WithoutAPointIsOneServer) {
    EXPECT_DOUBLE_EQ(Speedup({{0, 5}, {3, -1}}).most(), 1);
    EXPECT_DOUBLE_EQ(Speedup(std::vector<Speedup::Measured>{}).at(7), 1);
}

} // namespace triage
