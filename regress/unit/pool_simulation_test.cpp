#include "core/pool_simulation.h"

#include "core/queueing.h"

#include <gtest/gtest.h>

#include <cmath>

namespace triage {
namespace {

TransactionKind sleeping(double delay_ms, double variation = 1) {
    return {"sleeping", 1, 0, 0, delay_ms, variation};
}

TransactionKind computing(double cpu_ms, double variation = 1) {
    return {"computing", 1, cpu_ms, 0, 0, variation};
}

SimulatedOutcome simulate_one(const SimulatedServer &server, const SimulatedPool &pool,
                              double measured_ms = 400'000) {
    std::mt19937_64 random(42);
    SimulationLength length;
    length.measured_ms = measured_ms;
    return simulate_pools(server, {pool}, length, random).front();
}

TEST(PoolSimulation, AgreesWithErlang) {
    for (int size : {1, 3, 8}) {
        double service = 10, rate = 0.8 * size / service;
        auto outcome = simulate_one({1, 1, 0}, {"", size, rate, {sleeping(service)}}, 1'500'000);
        double waits = erlang_c(size, rate, service);
        EXPECT_NEAR(outcome.wait.mean_ms, waits * service / (size - rate * service),
                    0.08 * outcome.wait.mean_ms)
            << size;
        for (auto [p, simulated] :
             {std::pair{0.95, outcome.wait.p95_ms}, {0.99, outcome.wait.p99_ms}})
            EXPECT_NEAR(simulated, erlang_wait_ms(size, rate, service, p), 0.1 * simulated)
                << size << " " << p;
        EXPECT_NEAR(outcome.busy_connections, rate * service, 0.03 * rate * service);
    }
}

TEST(PoolSimulation, ConstantTimesHalveTheWait) {
    SimulatedPool random_pool{"", 1, 0.08, {sleeping(10)}};
    SimulatedPool constant_pool{"", 1, 0.08, {sleeping(10, 0)}};
    double random_wait = simulate_one({1, 1, 0}, random_pool, 1'500'000).wait.mean_ms;
    double constant_wait = simulate_one({1, 1, 0}, constant_pool, 1'500'000).wait.mean_ms;
    EXPECT_NEAR(constant_wait, 20, 1.5); // r S / (2 (1 - r)), by Pollaczek and Khinchine
    EXPECT_NEAR(random_wait, 40, 3);
}

TEST(PoolSimulation, VariableTimesWaitAsPollaczekAndKhinchineSay) {
    SimulatedPool pool{"", 1, 0.05, {sleeping(10, 2)}};
    EXPECT_NEAR(simulate_one({1, 1, 0}, pool, 4'000'000).wait.mean_ms, 25, 2.5); // (1+4)/2 of 10
}

TEST(PoolSimulation, SaturatedPoolIsTheClosedNetwork) {
    ClosedNetwork network{{{2.0, 2}, {0.3, 1}}, 3.0};
    auto expected = closed_throughput(network, 8);
    for (int size : {1, 3, 8}) {
        // Exponential pooler times are not simulated, so the disk stands for the single server.
        TransactionKind kind{"", 1, 2.0, 0.3, 3.0, 1};
        auto outcome = simulate_one({2, 1, 0}, {"", size, 2.0, {kind}}, 100'000);
        EXPECT_NEAR(outcome.throughput_per_ms, expected[size], 0.02 * expected[size]) << size;
        EXPECT_GT(outcome.turned_away, 0u);
    }
}

TEST(PoolSimulation, ProcessorsApartAreStationsApart) {
    SimulatedServer server{2, 1, 0};
    server.slice_ms = 1e9; // first come, first served
    server.apart = 1;
    for (int size : {2, 5}) {
        auto outcome = simulate_one(server, {"", size, 3.0, {computing(1)}}, 100'000);
        EXPECT_NEAR(outcome.throughput_per_ms, 2.0 * size / (size + 1), 0.03) << size;
    }
}

TEST(PoolSimulation, WhoReadsOftenLetsOthersBegin) {
    TransactionKind once{"", 1, 4, 4, 0, 0}, often = once;
    often.reads = 20;
    const SimulatedServer server{1, 1, 0};
    const auto waits_once = simulate_one(server, {"", 20, 0.15, {once}}),
               waits_often = simulate_one(server, {"", 20, 0.15, {often}});
    EXPECT_LT(waits_often.wait.p95_ms, 0.5 * waits_once.wait.p95_ms);
    // All of it takes what it took.
    EXPECT_NEAR(simulate_one(server, {"", 1, 1.0, {often}}, 100'000).throughput_per_ms, 1.0 / 8,
                1e-3);
    EXPECT_NEAR(simulate_one(server, {"", 20, 1.0, {often}}, 100'000).throughput_per_ms, 1.0 / 4,
                3e-3);
}

TEST(PoolSimulation, OneLongStatementKeepsOthersWaiting) {
    // They want a processor for a message, hold a lock meanwhile, and may not take the idle one.
    TransactionKind even{"", 1, 1.5, 0, 0, 0.2}, uneven = even;
    even.round_trips = uneven.round_trips = 4;
    even.locks = uneven.locks = 3;
    uneven.longest_trip = 0.94;
    SimulatedServer server{2, 1, 0.12};
    server.pooler_on_cores = true;
    server.apart = 0.2;
    const auto parts = simulate_one(server, {"", 4, 0.6, {even}}),
               at_once = simulate_one(server, {"", 4, 0.6, {uneven}});
    EXPECT_GT(at_once.response.mean_ms, 1.15 * parts.response.mean_ms);
    EXPECT_GT(at_once.wait.p99_ms, 1.3 * parts.wait.p99_ms);
    EXPECT_NEAR(at_once.throughput_per_ms, 0.6, 0.01); // it is the same work
}

TEST(PoolSimulation, LocksLetOneThroughAtATime) {
    TransactionKind kind = sleeping(1);
    for (int locks : {1, 3}) {
        kind.locks = locks;
        EXPECT_NEAR(simulate_one({64, 1, 0}, {"", 100, 9.0, {kind}}, 50'000).throughput_per_ms,
                    locks, 0.03 * locks);
    }
}

TEST(PoolSimulation, LocksAreHeldToTheEnd) {
    // Two of them, each a server whose time is the whole of a transaction's: 4 ms in two trips.
    TransactionKind kind = sleeping(4, 0);
    kind.round_trips = 2;
    kind.locks = 2;
    auto outcome = simulate_one({64, 1, 0}, {"", 1000, 0.4, {kind}}, 1'500'000);
    EXPECT_NEAR(outcome.response.mean_ms, 4 + 8, 0.8); // r S / (2 (1 - r)), r being 0.8
    EXPECT_NEAR(outcome.wait.mean_ms, 0, 1e-9);
}

TEST(PoolSimulation, PoolerHasOneThread) {
    auto outcome = simulate_one({64, 1, 0.2}, {"", 50, 20, {computing(0.1)}}, 20'000);
    EXPECT_NEAR(outcome.throughput_per_ms, 5, 0.05);
}

TEST(PoolSimulation, ThePoolerMayShareTheProcessors) {
    SimulatedServer server{2, 1, 0.1};
    SimulatedPool pool{"", 50, 20, {computing(0.4)}};
    EXPECT_NEAR(simulate_one(server, pool, 20'000).throughput_per_ms, 2 / 0.4, 0.1);
    server.pooler_on_cores = true;
    EXPECT_NEAR(simulate_one(server, pool, 20'000).throughput_per_ms, 2 / 0.5, 0.1);
    server.others_ms = 0.3; // but holds no connection
    EXPECT_NEAR(simulate_one(server, pool, 20'000).throughput_per_ms, 2 / 0.8, 0.1);
}

TEST(PoolSimulation, RoundTripsDivideTheWork) {
    TransactionKind once{"", 1, 1, 0, 6, 0}, often = once;
    often.round_trips = 4;
    SimulatedServer server{1, 1, 0.2};
    for (const TransactionKind &kind : {once, often}) {
        auto outcome = simulate_one(server, {"", 20, 0.5, {kind}}, 40'000);
        EXPECT_NEAR(outcome.throughput_per_ms, 0.5, 0.02);
        EXPECT_GT(outcome.response.p50_ms, 7.2);
        EXPECT_LT(outcome.response.p50_ms, 10);
    }
    // Between them others begin.
    EXPECT_LT(simulate_one(server, {"", 20, 0.5, {often}}, 40'000).wait.p99_ms,
              simulate_one(server, {"", 20, 0.5, {once}}, 40'000).wait.p99_ms);
}

TEST(PoolSimulation, SomeAreWokenLate) {
    SimulatedServer server{8, 1, 0};
    server.start_ms = 0.06; // one in 25, by 1.5 ms
    auto wait = simulate_one(server, {"", 50, 1, {computing(0.1)}}, 300'000).wait;
    EXPECT_NEAR(wait.mean_ms, 0.06, 0.01);
    EXPECT_EQ(wait.p95_ms, 0);
    EXPECT_NEAR(wait.p99_ms, 1.5 * std::log(4), 0.3);
}

TEST(PoolSimulation, ShortOnesPassLongOnesOnSharedProcessors) {
    TransactionKind lookup = computing(1), report = computing(500);
    lookup.share = 49;
    auto outcome = simulate_one({1, 1, 0}, {"", 100, 0.05, {lookup, report}}, 2'000'000);
    EXPECT_LT(outcome.response.p50_ms, 10);
    EXPECT_GT(outcome.response.p99_ms, 300);
}

TEST(PoolSimulation, LanesKeepAFloodFromOthers) {
    SimulatedPool emergency{"emergency", 4, 0.1, {computing(1)}};
    SimulatedPool flood{"reports", 1, 1.0, {computing(50)}};
    std::mt19937_64 random(7);
    auto lanes = simulate_pools({2, 1, 0}, {emergency, flood}, {}, random);
    SimulatedPool together{"all", 5, 1.1, {{"emergency", 1, 1}, {"report", 10, 50}}};
    auto shared = simulate_pools({2, 1, 0}, {together}, {}, random);
    EXPECT_LT(lanes[0].wait.p99_ms, 5);
    EXPECT_GT(shared[0].wait.p99_ms, 1000);
}

TEST(PoolSimulation, TheSameSeedGivesTheSameAnswer) {
    SimulatedPool pool{"", 3, 0.5, {computing(4, 0.7), sleeping(5, 1.5)}};
    auto a = simulate_one({2, 1, 0.1}, pool), b = simulate_one({2, 1, 0.1}, pool);
    EXPECT_EQ(a.wait.p99_ms, b.wait.p99_ms);
    EXPECT_EQ(a.transactions, b.transactions);
}

TEST(PoolSimulation, NobodyComesToAPoolWithoutWork) {
    auto outcome = simulate_one({1, 1, 0}, {"", 1, 1.0, {}});
    EXPECT_EQ(outcome.transactions, 0u);
    EXPECT_EQ(outcome.wait.p99_ms, 0);
}

} // namespace
} // namespace triage
