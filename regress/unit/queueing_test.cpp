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

TEST(Queueing, ServersApartAreAsManyStations) {
    const auto as_one = closed_throughput({{{3, Speedup(3, 1)}, {0.4, 1}}, 2.0}, 12);
    const auto as_three = closed_throughput({{{1, 1}, {1, 1}, {1, 1}, {0.4, 1}}, 2.0}, 12);
    for (std::size_t n = 1; n < as_one.size(); ++n)
        EXPECT_NEAR(as_one[n], as_three[n], 1e-9) << n;
    // Open: each has half of the arrivals, S / (1 - r).
    EXPECT_NEAR(open_residence_ms({2, Speedup(2, 1)}, 0.6), 2 / (1 - 0.6), 0.02);
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

TEST(OpenResidence, IsErlangsForEqualServers) {
    for (int servers : {1, 2, 5, 40})
        for (double load : {0.1, 0.5, 0.95}) {
            const double rate = load * servers / 3;
            const double waits = erlang_c(servers, rate, 3) * 3 / (servers * (1 - load));
            EXPECT_NEAR(open_residence_ms({3, servers}, rate), 3 + waits, 1e-9) << servers;
        }
    EXPECT_EQ(open_residence_ms({3, 2}, 0), 3);
    EXPECT_TRUE(std::isinf(open_residence_ms({3, 2}, 0.7)));
    EXPECT_EQ(open_residence_ms({1, 1e9}, 1e6), 1) << "at once, however many servers";
}

TEST(OpenResidence, GrowsWhereMoreAreServedSlower) {
    // Two at a time, at 0.75 of the speed each: p1 = r p0, p(k+1) = r / 1.5 p(k).
    const Speedup disk({{1, 100}, {2, 150}});
    const double r = 0.6, q = r / 1.5, states = 1 + r / (1 - q), jobs = r / ((1 - q) * (1 - q));
    EXPECT_NEAR(open_residence_ms({1, disk}, r), jobs / states / r, 1e-12);
    for (double demand : {0.2, 1.0, 1.4})
        EXPECT_NEAR(demand_of_residence(open_residence_ms({demand, disk}, r), r, disk), demand,
                    1e-9);
}

TEST(UtilisationBehindWait, InvertsTheSingleServer) {
    for (double utilisation : {0.1, 0.5, 0.9}) {
        double held = 3, wait = held * utilisation / (1 - utilisation);
        EXPECT_NEAR(utilisation_behind_wait(wait, held, 1), utilisation, 1e-12);
        EXPECT_NEAR(utilisation_behind_wait(wait / 2, held, 0), utilisation, 1e-12);
    }
    EXPECT_EQ(utilisation_behind_wait(0, 3, 1), 0);
    EXPECT_EQ(utilisation_behind_wait(2, 0, 1), 1);
}

TEST(BehindLocks, ExponentialTimesAreThoseOfAsManySingleServers) {
    // 2 ms on nothing else: as a closed network of three servers, each wanted a third of the time.
    std::vector<double> free;
    for (int jobs = 0; jobs <= 50; ++jobs)
        free.push_back(jobs / 2.0);
    const Station lock{2.0 / 3, 1};
    const auto wanted = closed_throughput({{lock, lock, lock}, 0}, 50);
    const auto found = throughput_behind_locks(free, 3, 1);
    for (std::size_t jobs = 0; jobs <= 50; ++jobs)
        EXPECT_NEAR(found[jobs], wanted[jobs], 1e-9) << jobs;
}

TEST(BehindLocks, OneLockLetsOneThrough) {
    const std::vector<double> free = {0, 0.4, 0.7, 0.9, 1.0};
    for (double variation : {0.0, 1.0}) {
        const auto found = throughput_behind_locks(free, 1, variation);
        EXPECT_EQ(found.size(), free.size());
        EXPECT_NEAR(found[1], 0.4, 1e-12);
        EXPECT_NEAR(found[4], 0.4, 0.04) << variation;
    }
}

TEST(BehindLocks, EvenTimesWaitLess) {
    std::vector<double> free;
    for (int jobs = 0; jobs <= 20; ++jobs)
        free.push_back(jobs);
    const auto even = throughput_behind_locks(free, 5, 0),
               uneven = throughput_behind_locks(free, 5, 1);
    EXPECT_GT(even[5], uneven[5]);
    EXPECT_LT(even[20], 5.5);
}

} // namespace
} // namespace triage
