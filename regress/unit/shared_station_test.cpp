#include "core/shared_station.h"

#include <gtest/gtest.h>

#include <cmath>

namespace triage {

TEST(SharedStation, ServesItsJobsAtTheSameTime) {
    SharedStation disk(Speedup(1));
    EXPECT_EQ(disk.next_event(), INFINITY);
    disk.add(0, 7, 10);
    disk.add(2, 8, 2); // 8 left of the first; both at half the speed
    EXPECT_DOUBLE_EQ(disk.next_event(), 6);
    EXPECT_EQ(disk.leave(), 8u);
    EXPECT_DOUBLE_EQ(disk.next_event(), 12);
    EXPECT_EQ(disk.leave(), 7u);
    EXPECT_EQ(disk.next_event(), INFINITY);
}

TEST(SharedStation, IsAsFastAsForSoMany) {
    SharedStation disk(Speedup({{1, 100}, {2, 150}}));
    disk.add(0, 1, 3);
    disk.add(0, 2, 6);
    EXPECT_DOUBLE_EQ(disk.next_event(), 4);
    EXPECT_EQ(disk.leave(), 1u);
    disk.add(5, 3, 100);
    EXPECT_DOUBLE_EQ(disk.next_event(), 5 + 2 / 0.75);
    EXPECT_EQ(disk.leave(), 2u);
}

TEST(SharedStation, WhoComesAfterAPauseFindsItEmpty) {
    SharedStation disk(Speedup(4));
    disk.add(0, 1, 1);
    EXPECT_EQ(disk.leave(), 1u);
    disk.add(100, 2, 1);
    EXPECT_DOUBLE_EQ(disk.next_event(), 101);
}

} // namespace triage
