#include "core/plan_changes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace triage {
namespace {

constexpr std::int64_t second = 1'000'000;

// As the store has them: half octaves, log-normal around a median.
LatencyHistogram latencies(int executions, double median_ms, unsigned seed = 1) {
    std::mt19937 random(seed);
    std::lognormal_distribution<double> latency(std::log(median_ms), 0.4);
    LatencyHistogram histogram;
    for (int i = 0; i < executions; i++) {
        const double ms = latency(random);
        const int fine = LatencyBuckets::bucket_of(static_cast<std::uint64_t>(ms * 1e6));
        histogram.counts[CoarseBuckets::middle(CoarseBuckets::bucket_of(fine))]++;
        histogram.total_ms += ms;
    }
    return histogram;
}

// Plan 1, in use from second 0 to 1000, and plan 2, which took over then and is still in use.
std::vector<PlanHistory> taken_over(LatencyHistogram before, LatencyHistogram after) {
    PlanHistory one{1, 0, 1, 0, 1000 * second, before};
    PlanHistory two{2, 1, 1, 1000 * second, 2000 * second, after};
    return {one, two};
}

TEST(PlanChanges, ASlowerPlanIsNamedWithItsSeverity) {
    const auto plans = taken_over(latencies(500, 2), latencies(50, 400));
    const auto changes = plan_changes(plans, 2);
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(changes[0].before, 0u);
    EXPECT_EQ(changes[0].after, 1u);
    EXPECT_TRUE(changes[0].is_current);
    EXPECT_EQ(changes[0].effect, PlanEffect::Slower);
    EXPECT_EQ(changes[0].severity, Severity::Critical);
}

TEST(PlanChanges, AFasterOneHasNoSeverity) {
    const auto changes = plan_changes(taken_over(latencies(500, 40), latencies(500, 2)), 2);
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(changes[0].effect, PlanEffect::Faster);
    EXPECT_EQ(changes[0].severity, Severity::None);
}

TEST(PlanChanges, SoHasOneThatIsAsFast) {
    const auto changes = plan_changes(taken_over(latencies(500, 5, 1), latencies(500, 5, 2)), 2);
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(changes[0].effect, PlanEffect::AsFast);
    EXPECT_EQ(changes[0].severity, Severity::None);
}

TEST(PlanChanges, AFewExecutionsTellNothing) {
    const auto changes = plan_changes(taken_over(latencies(500, 5), latencies(9, 5000)), 2);
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(changes[0].effect, PlanEffect::TooEarly);
}

TEST(PlanChanges, OneStuckExecutionMakesNoPlanSlower) {
    auto plans = taken_over(latencies(500, 5, 1), latencies(500, 5, 2));
    plans[1].latency.counts[LatencyBuckets::bucket_of(60'000'000'000)]++;
    plans[1].latency.total_ms += 60000;
    EXPECT_EQ(plan_changes(plans, 2).at(0).effect, PlanEffect::AsFast);
}

TEST(PlanChanges, WhatNobodyNoticesIsNoChange) {
    const auto changes = plan_changes(taken_over(latencies(5000, 0.01), latencies(5000, 0.03)), 2);
    EXPECT_EQ(changes.at(0).effect, PlanEffect::AsFast);
}

TEST(PlanChanges, PlansSideBySideAreNoChange) {
    auto plans = taken_over(latencies(500, 2), latencies(500, 40));
    plans[0].last_seen = 1900 * second;
    EXPECT_TRUE(plan_changes(plans, 2).empty());
    plans[0].last_seen = 1050 * second; // sessions that kept the old one for a while
    EXPECT_EQ(plan_changes(plans, 2).size(), 1u);
}

TEST(PlanChanges, PlansForDifferentParametersAreNoChange) {
    auto plans = taken_over(latencies(500, 2), latencies(500, 40));
    plans[0].times_taken_up = plans[1].times_taken_up = 100;
    plans[0].succeeded = 2;
    plans[0].taken_up = 1999 * second;
    EXPECT_TRUE(plan_changes(plans, 1).empty());
}

TEST(PlanChanges, APlanThatComesBackIsAChangeOfItsOwn) {
    auto plans = taken_over(latencies(500, 2), latencies(500, 40));
    plans[1].last_seen = 1500 * second;
    plans[0].succeeded = 2;
    plans[0].times_taken_up = 2;
    plans[0].taken_up = 1500 * second;
    plans[0].last_seen = 3000 * second;
    const auto changes = plan_changes(plans, 1);
    ASSERT_EQ(changes.size(), 2u);
    EXPECT_EQ(changes[0].after, 0u);
    EXPECT_TRUE(changes[0].is_current);
    EXPECT_EQ(changes[0].effect, PlanEffect::Faster);
    EXPECT_EQ(changes[1].after, 1u);
    EXPECT_FALSE(changes[1].is_current);
    EXPECT_EQ(changes[1].effect, PlanEffect::Slower);
}

TEST(PlanChanges, WithoutItsPredecessorThereIsNothingToCompare) {
    auto plans = taken_over(latencies(500, 2), latencies(500, 40));
    plans.erase(plans.begin()); // evicted
    EXPECT_TRUE(plan_changes(plans, 2).empty());
    EXPECT_TRUE(plan_changes({}, 0).empty());
}

TEST(PlanChanges, SeverityIsWhatAUserFeels) {
    EXPECT_EQ(severity_of(10, 200), Severity::Critical);
    EXPECT_EQ(severity_of(100, 400), Severity::High);
    EXPECT_EQ(severity_of(1000, 1200), Severity::High);
    EXPECT_EQ(severity_of(1, 20), Severity::High);
    EXPECT_EQ(severity_of(4, 8), Severity::Medium);
    EXPECT_EQ(severity_of(0.1, 0.9), Severity::Low);
    EXPECT_EQ(severity_of(0, 5), Severity::Low);
}

} // namespace
} // namespace triage
