#include "core/queueing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace triage {
namespace {

// Reiser and Lavenberg's recursion for stations of one server: another way to the same answer.
std::vector<double> by_mean_value_analysis(const ClosedNetwork &network, int population) {
    std::vector<double> queue(network.stations.size(), 0), throughput = {0};
    for (int n = 1; n <= population; ++n) {
        double cycle = network.delay_ms;
        for (std::size_t i = 0; i < queue.size(); ++i)
            cycle += network.stations[i].demand_ms * (1 + queue[i]);
        throughput.push_back(n / cycle);
        for (std::size_t i = 0; i < queue.size(); ++i)
            queue[i] = throughput.back() * network.stations[i].demand_ms * (1 + queue[i]);
    }
    return throughput;
}

TEST(ClosedNetwork, AgreesWithMeanValueAnalysis) {
    ClosedNetwork network{{{2.0, 1}, {0.7, 1}, {1.1, 1}}, 5.0};
    auto ours = closed_throughput(network, 50), theirs = by_mean_value_analysis(network, 50);
    ASSERT_EQ(ours.size(), theirs.size());
    for (std::size_t n = 0; n < ours.size(); ++n)
        EXPECT_NEAR(ours[n], theirs[n], 1e-12) << n;
}

TEST(ClosedNetwork, ServersWorkSideBySide) {
    auto throughput = closed_throughput({{{2.0, 4}}, 0}, 10);
    for (int n = 1; n <= 10; ++n)
        EXPECT_NEAR(throughput[n], std::min(n, 4) / 2.0, 1e-12) << n;
}

TEST(ClosedNetwork, DelayKeepsNobodyWaiting) {
    auto throughput = closed_throughput({{}, 4.0}, 100);
    EXPECT_NEAR(throughput[100], 25.0, 1e-9);
}

TEST(ClosedNetwork, BalancedStationsSaturateSlowly) {
    auto throughput = closed_throughput({{{1.0, 1}, {1.0, 1}}, 0}, 20);
    for (int n = 1; n <= 20; ++n)
        EXPECT_NEAR(throughput[n], n / (n + 1.0), 1e-12) << n;
}

TEST(ClosedNetwork, KeepsItsDigitsWithManyJobsAndServers) {
    ClosedNetwork network{{{3.0, 64}, {0.05, 1}, {0.5, 12}}, 40.0};
    auto throughput = closed_throughput(network, 1000);
    for (std::size_t n = 1; n < throughput.size(); ++n) {
        EXPECT_TRUE(std::isfinite(throughput[n])) << n;
        EXPECT_GE(throughput[n], throughput[n - 1] * (1 - 1e-12)) << n;
        EXPECT_LE(throughput[n], throughput_bound(network) * (1 + 1e-12)) << n;
    }
    EXPECT_NEAR(throughput.back(), throughput_bound(network), 2e-3);
}

TEST(ClosedNetwork, TakesHalfServersAndNothingAtAll) {
    EXPECT_NEAR(closed_throughput({{{1.0, 1.5}}, 0}, 5)[5], 1.5, 1e-12);
    EXPECT_EQ(closed_throughput({}, 3), (std::vector<double>{0, 0, 0, 0}));
    EXPECT_EQ(closed_throughput({{{1.0, 1}}, 0}, -1), (std::vector<double>{0}));
    EXPECT_TRUE(std::isinf(throughput_bound({})));
}

TEST(Erlang, GivesTextbookValues) {
    EXPECT_NEAR(erlang_c(1, 0.7, 1), 0.7, 1e-12);
    EXPECT_NEAR(erlang_c(2, 1.0, 1), 1.0 / 3, 1e-12);
    EXPECT_NEAR(erlang_c(10, 8.0, 1), 0.4092, 1e-4);
    EXPECT_EQ(erlang_c(4, 5, 1), 1);
    // M/M/1: the wait beyond which a share of 1 - p comes is S/(1 - r) ln(r/(1 - p)).
    EXPECT_NEAR(erlang_wait_ms(1, 0.5, 1, 0.99), 2 * std::log(50), 1e-12);
    EXPECT_EQ(erlang_wait_ms(1, 0.5, 1, 0.3), 0);
    EXPECT_TRUE(std::isinf(erlang_wait_ms(2, 3, 1, 0.5)));
}

TEST(UtilisationBehindWait, InvertsTheSingleServer) {
    for (double utilisation : {0.1, 0.5, 0.9}) {
        double held = 3, wait = held * utilisation / (1 - utilisation);
        EXPECT_NEAR(utilisation_behind_wait(wait, held), utilisation, 1e-12);
    }
    EXPECT_EQ(utilisation_behind_wait(0, 3), 0);
    EXPECT_EQ(utilisation_behind_wait(2, 0), 1);
}

} // namespace
} // namespace triage
