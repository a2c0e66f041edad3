#include "core/time_slices.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <utility>

namespace triage {
namespace {

std::vector<std::size_t> begun(TimeSlicedProcessors &processors) {
    return std::exchange(processors.begun(), {});
}

// When each job ended, by number; runs until nobody does.
std::map<std::size_t, double> ends_of(TimeSlicedProcessors &processors) {
    std::map<std::size_t, double> ends;
    for (double now = processors.next_event(); std::isfinite(now); now = processors.next_event())
        if (auto event = processors.handle(now); event.finished)
            ends[event.job] = now;
    return ends;
}

TEST(TimeSlices, EachHasAProcessorWhileTheyLast) {
    TimeSlicedProcessors processors(2, 3);
    processors.add(0, 1, 10);
    processors.add(0, 2, 4);
    EXPECT_EQ(begun(processors), (std::vector<std::size_t>{1, 2}));
    EXPECT_EQ(ends_of(processors), (std::map<std::size_t, double>{{1, 10}, {2, 4}}));
}

TEST(TimeSlices, LongOnesTakeTurns) {
    TimeSlicedProcessors processors(1, 3);
    processors.add(0, 1, 6);
    processors.add(0, 2, 6);
    EXPECT_EQ(begun(processors), std::vector<std::size_t>{1});
    EXPECT_EQ(processors.next_event(), 3);
    EXPECT_FALSE(processors.handle(3).finished);
    EXPECT_EQ(begun(processors), std::vector<std::size_t>{2});
    EXPECT_EQ(ends_of(processors), (std::map<std::size_t, double>{{1, 9}, {2, 12}}));
}

TEST(TimeSlices, WhoHasNotHadASliceGoesFirst) {
    TimeSlicedProcessors processors(1, 3);
    processors.add(0, 1, 100); // has had its slice at 3
    processors.add(4, 2, 1);
    EXPECT_EQ(begun(processors), (std::vector<std::size_t>{1, 2}));
    processors.add(4.5, 3, 1); // waits: 2 has not
    EXPECT_TRUE(begun(processors).empty());
    EXPECT_EQ(ends_of(processors), (std::map<std::size_t, double>{{2, 5}, {3, 6}, {1, 102}}));
}

TEST(TimeSlices, SomeWaitForTheirProcessorBesideAnIdleOne) {
    TimeSlicedProcessors processors(2, 3);
    ASSERT_EQ(processors.count(), 2u);
    processors.add(0, 1, 2, 1);
    processors.add(0, 2, 2, 1); // though the other is idle
    EXPECT_EQ(begun(processors), std::vector<std::size_t>{1});
    processors.add(1, 3, 2); // takes the other
    EXPECT_EQ(begun(processors), std::vector<std::size_t>{3});
    EXPECT_EQ(ends_of(processors), (std::map<std::size_t, double>{{1, 2}, {3, 3}, {2, 4}}));
}

TEST(TimeSlices, OnlyWhoMayHaveItEndsASlice) {
    TimeSlicedProcessors processors(2, 3);
    processors.add(0, 1, 10, 0);
    processors.add(0, 2, 10, 1);
    processors.add(1, 3, 1, 1);
    EXPECT_FALSE(processors.handle(3).finished); // of 2, and 1 goes on
    EXPECT_EQ(processors.next_event(), 4);
    EXPECT_EQ(ends_of(processors), (std::map<std::size_t, double>{{3, 4}, {1, 10}, {2, 11}}));
}

TEST(TimeSlices, PartsOfAProcessorAreSlowerOnes) {
    TimeSlicedProcessors processors(1.5, 3);
    processors.add(0, 1, 3);
    processors.add(0, 2, 3);
    EXPECT_EQ(ends_of(processors), (std::map<std::size_t, double>{{1, 4}, {2, 4}}));
}

} // namespace
} // namespace triage
