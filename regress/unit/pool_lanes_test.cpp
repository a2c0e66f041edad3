#include "core/pool_lanes.h"

#include <gtest/gtest.h>

#include <numeric>

namespace triage {
namespace {

LaneRequest lane(const char *name, LaneClass kind, int wanted, double cpu_ms, double delay_ms,
                 double rate, double p99_ms) {
    LaneRequest request{name, kind, wanted, {}, p99_ms, rate};
    request.demands.cpu_ms = cpu_ms;
    request.demands.delay_ms = delay_ms;
    return request;
}

std::vector<LaneRequest> hospital() {
    return {lane("emergency", LaneClass::Emergency, 4, 1, 1, 100, 12),
            lane("clinical", LaneClass::Clinical, 10, 1, 3, 200, 80),
            lane("ai", LaneClass::Ai, 8, 20, 20, 5, 700),
            lane("reports", LaneClass::Reporting, 12, 900, 100, 1, 40'000)};
}

TEST(PoolLanes, LeaveProcessorsToTheUrgent) {
    for (double cores : {2.0, 4.0, 8.0, 32.0}) {
        auto requests = hospital();
        auto plan = plan_lanes(requests, cores);
        double busy = 0;
        for (std::size_t i = 2; i < 4; ++i)
            busy += plan[i].size * requests[i].demands.cpu_ms / requests[i].demands.total_ms();
        EXPECT_LE(busy, cores / 2 + 1.5) << cores; // each lane keeps one connection
        EXPECT_EQ(plan[0].size, 4);
        EXPECT_GE(plan[0].reserve, 2);
    }
}

TEST(PoolLanes, GiveBulkLessWhenProcessorsAreShort) {
    auto size = [](Saturation saturation) {
        auto plan = plan_lanes(hospital(), 16, saturation);
        return plan[2].size + plan[3].size;
    };
    EXPECT_GT(size(Saturation::Normal), size(Saturation::Busy));
    EXPECT_GT(size(Saturation::Busy), size(Saturation::Saturated));
    EXPECT_EQ(size(Saturation::Saturated), 2);
    auto calm = plan_lanes(hospital(), 16, Saturation::Normal);
    auto busy = plan_lanes(hospital(), 16, Saturation::Saturated);
    EXPECT_EQ(calm[0].size, busy[0].size);
    EXPECT_EQ(calm[1].size, busy[1].size);
}

TEST(PoolLanes, CountTheProcessorsOfTheUrgent) {
    auto requests = hospital(); // 100 and 200 a second, 1 ms each
    for (LaneRequest &request : requests)
        request.demands.cores = 4;
    EXPECT_NEAR(urgent_share(requests), 0.3 / 4, 1e-9);
    requests[3].rate_per_s = 1e6; // reports do not count
    EXPECT_NEAR(urgent_share(requests), 0.3 / 4, 1e-9);
    // Half as much work again on an idle server: more than on a full one, less than half.
    requests[1].rate_per_s = 2000;
    const double full = urgent_share(requests);
    for (LaneRequest &request : requests)
        request.demands.extra_when_idle = 0.5;
    const double share = urgent_share(requests);
    EXPECT_NEAR(share, full * (1 + 0.5 * (1 - share)), 1e-9);
    EXPECT_EQ(urgent_share({}), 0);
}

TEST(PoolLanes, NarrowBulkAsUrgentLanesFillTheServer) {
    const auto after = [](double share, Saturation before) { return saturation_by(share, before); };
    EXPECT_EQ(after(0.34, Saturation::Normal), Saturation::Normal);
    EXPECT_EQ(after(0.36, Saturation::Normal), Saturation::Busy);
    EXPECT_EQ(after(0.61, Saturation::Normal), Saturation::Saturated);
    // Narrow until there is some room.
    EXPECT_EQ(after(0.34, Saturation::Busy), Saturation::Busy);
    EXPECT_EQ(after(0.29, Saturation::Busy), Saturation::Normal);
    EXPECT_EQ(after(0.59, Saturation::Saturated), Saturation::Saturated);
    EXPECT_EQ(after(0.54, Saturation::Saturated), Saturation::Busy);
    EXPECT_EQ(after(0.0, Saturation::Saturated), Saturation::Normal);
}

TEST(PoolLanes, TakeTimeoutsFromHistograms) {
    auto plan = plan_lanes(hospital(), 4);
    EXPECT_EQ(plan[0].statement_timeout_ms, 2000); // ten times 12 ms is less than anybody means
    EXPECT_EQ(plan[1].statement_timeout_ms, 5000);
    EXPECT_EQ(plan[3].statement_timeout_ms, 120'000); // three times 40 s
    for (std::size_t i = 1; i < plan.size(); ++i) {
        EXPECT_GE(plan[i].statement_timeout_ms, plan[i - 1].statement_timeout_ms);
        EXPECT_GE(plan[i].query_wait_timeout_ms, plan[i - 1].query_wait_timeout_ms);
    }
}

TEST(PoolLanes, AFloodOfReportsStopsAtItsLane) {
    auto requests = hospital();
    PoolMachine machine{4, 16, 1};
    std::mt19937_64 random(5);
    auto tests = test_flood(requests, plan_lanes(requests, machine.cores), machine, random);
    ASSERT_EQ(tests.size(), 2u);
    EXPECT_LE(tests[0].with_lanes_p99_ms, 1.2 * tests[0].alone_p99_ms);
    EXPECT_GT(tests[0].without_lanes_p99_ms, 20 * tests[0].alone_p99_ms);
}

} // namespace
} // namespace triage
