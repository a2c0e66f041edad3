#include "core/pool_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace triage {
namespace {

// At 200 transactions a second, so that two cores are a fifth to two fifths busy.
PoolObservation observed(double cpu_ms, double sleep_ms, double think_ms) {
    PoolObservation observation;
    observation.pool = "app";
    observation.seconds = 1000;
    observation.transactions = 200'000;
    observation.clients = 200;
    observation.active_ms = cpu_ms + sleep_ms;
    observation.idle_in_transaction_ms = think_ms;
    observation.hold_ms = cpu_ms + sleep_ms + think_ms;
    observation.cpu_ms = cpu_ms;
    observation.run_queue_ms = 0;
    observation.sleep_ms = sleep_ms;
    return observation;
}

PoolAdvice advise(const PoolObservation &observation, const PoolMachine &machine = {2, 16, 1}) {
    std::mt19937_64 random(1);
    return advise_pool(observation, machine, random);
}

TEST(PoolModel, ComputingNeedsAsManyConnectionsAsCores) {
    PoolAdvice advice = advise(observed(2, 0, 0));
    EXPECT_EQ(advice.bottleneck, "cpu");
    EXPECT_EQ(advice.knee, 2);
    EXPECT_EQ(advice.size, 3); // with room
    EXPECT_NEAR(advice.best_per_s, 2000 / advice.demands.cpu_ms, 1);
}

TEST(PoolModel, WorkShrinksAsTheServerFills) {
    PoolObservation observation = observed(2, 0, 0);
    PoolDemands seen_calm = demands_of(observation, {2, 16, 1});
    EXPECT_LT(seen_calm.cpu_ms, 2);
    EXPECT_NEAR(seen_calm.at_utilisation(0.2).cpu_ms, 2, 1e-9); // as it was seen
    observation.transactions *= 4.9;
    EXPECT_NEAR(demands_of(observation, {2, 16, 1}).cpu_ms, 2, 0.02);
}

TEST(PoolModel, LongStatementsDoNotShrink) {
    // A processor's caches are full within a fraction of a millisecond.
    PoolObservation observation = observed(50, 0, 0);
    observation.transactions = 4'000;
    PoolDemands demands = demands_of(observation, {2, 16, 1});
    EXPECT_GT(demands.cpu_ms, 49);
    EXPECT_LT(demands_of(observed(0.5, 0, 0), {2, 16, 1}).cpu_ms, 0.4);
    // Nor where few of a transaction's statements are long.
    observation = observed(1.5, 0, 0);
    observation.statements = {{0.97, 0.03, 0.01, 1, 0, 0}, {0.03, 50, 10, 1, 0, 0}};
    EXPECT_GT(demands_of(observation, {2, 16, 1}).cpu_ms, 1.4);
}

TEST(PoolModel, WhoComputesDoesNotWaitForTheDisk) {
    // Reads from the page cache look like waits, and are the processor's work.
    PoolObservation observation = observed(5, 0, 0);
    observation.io_wait_ms = 2;
    EXPECT_NEAR(demands_of(observation, {2, 16, 1}).io_ms, 0, 1e-9);
    observation.active_ms = *observation.hold_ms = 7;
    EXPECT_NEAR(demands_of(observation, {2, 16, 1}).io_ms, 2, 0.01);
}

TEST(PoolModel, ThinkingInsideTransactionsNeedsMany) {
    PoolAdvice advice = advise(observed(1, 0, 20));
    double knee = 2 * (20 + advice.demands.cpu_ms) / advice.demands.cpu_ms;
    EXPECT_EQ(advice.knee, std::ceil(knee));
    EXPECT_GT(advice.size, knee);
    EXPECT_LT(advice.size, 1.5 * knee);
    EXPECT_GE(advice.size_per_s, 0.99 * advice.best_per_s);
    EXPECT_GE(advice.size, advice.smallest_for_95);
    EXPECT_EQ(advise(observed(1, 20, 0)).size, advice.size); // sleeping is as good
}

TEST(PoolModel, WaitingForAProcessorIsNoReasonForConnections) {
    PoolObservation busy = observed(2, 0, 0);
    busy.transactions *= 4; // four fifths of the processors' time
    busy.run_queue_ms = 3;
    busy.active_ms = *busy.hold_ms = 5;
    EXPECT_EQ(advise(busy).size, advise(observed(2, 0, 0)).size);
    busy.transactions /= 4; // at a fifth, that was neighbours; that is no reason either
    EXPECT_EQ(advise(busy).size, advise(observed(2, 0, 0)).size);
    EXPECT_NEAR(demands_of(busy, {2, 16, 1}).start_ms, 0.02, 1e-9); // but for being woken
    busy.wake_ups = 20;
    EXPECT_NEAR(demands_of(busy, {2, 16, 1}).start_ms, 0.02, 1e-9); // each time
}

TEST(PoolModel, WhoSleepsAfterAMomentMayQueueBesideAnIdleProcessor) {
    // Two processors, 40 % busy: 2 ms take 2.38 where they are shared, 3.33 in queues of their own.
    PoolObservation observation = observed(2, 0, 0);
    observation.transactions = 400'000;
    observation.wake_ups = 40;
    auto waiting = [&](double run_queue_ms) {
        observation.run_queue_ms = run_queue_ms;
        observation.active_ms = *observation.hold_ms = 2 + run_queue_ms;
        return demands_of(observation, {2, 16, 1});
    };
    constexpr double woken = 40 * 0.02, shared = 2 / (1 - 0.16) - 2, apart = 2 / 0.6 - 2;
    EXPECT_EQ(waiting(0).apart, 0);
    EXPECT_NEAR(waiting(shared + woken).apart, 0, 1e-9);
    EXPECT_NEAR(waiting((shared + apart) / 2 + woken).apart, 0.5, 1e-9);
    EXPECT_NEAR(waiting(apart + woken).apart, 1, 1e-9);
    EXPECT_NEAR(waiting(apart + 10).apart, 1, 1e-9); // neighbours, then

    // Then it takes more connections to keep all of them busy.
    const PoolDemands beside = waiting(apart + woken);
    PoolDemands together = beside;
    together.apart = 0;
    EXPECT_GT(advised_size(beside, 200), 2 * advised_size(together, 200));
    EXPECT_NEAR(throughput_by_size(beside, 400).back(), throughput_by_size(together, 400).back(),
                0.01 * throughput_by_size(together, 400).back());
    auto waits = [&](const PoolDemands &demands) {
        std::mt19937_64 random(1);
        return waits_at_size(observation, demands, 20, 800, {0.5}, random).front().wait.p99_ms;
    };
    EXPECT_GT(waits(beside), 1.1 * waits(together));

    // One processor has one queue.
    EXPECT_EQ(demands_of(observation, {1, 16, 1}).apart, 0);
    observation.cpu_ms = 0; // nothing known
    EXPECT_EQ(waiting(0).apart, 0);
}

TEST(PoolModel, WhoComputesForLongIsMoved) {
    // All of it at once; in ten pieces; and where one of fifty statements has most of the time.
    PoolObservation observation = observed(2, 0, 0);
    observation.transactions = 400'000;
    observation.run_queue_ms = 2;
    observation.active_ms = *observation.hold_ms = 4;
    EXPECT_EQ(demands_of(observation, {2, 16, 1}).apart, 0); // nobody counted wake-ups
    observation.wake_ups = 1;
    PoolDemands demands = demands_of(observation, {2, 16, 1});
    EXPECT_EQ(demands.moved, 1);
    EXPECT_GT(demands.apart, 0.9); // and has waited
    PoolDemands together = demands;
    together.apart = 0;
    EXPECT_EQ(advised_size(demands, 200), advised_size(together, 200));

    observation.wake_ups = 10;
    EXPECT_NEAR(demands_of(observation, {2, 16, 1}).moved, 0.1, 1e-9);
    observation.wake_ups = 1;
    observation.statements = {{0.98, 0.1, 0, 1, 0, 0}, {0.02, 90, 0, 1, 0, 0}};
    EXPECT_EQ(demands_of(observation, {2, 16, 1}).moved, 1);
    observation.statements = {{1, 0.1, 0, 1, 0, 0}};
    EXPECT_NEAR(demands_of(observation, {2, 16, 1}).moved, 0.05, 1e-9);
}

TEST(PoolModel, EachReadWakesItUp) {
    PoolObservation observation = observed(1, 0, 0);
    observation.io_wait_ms = 2;
    observation.active_ms = *observation.hold_ms = 3;
    observation.round_trips = 2;
    auto reads = [&] {
        const PoolDemands demands = demands_of(observation, {2, 16, 1});
        return kinds_of(observation, demands).front().reads;
    };
    EXPECT_EQ(reads(), 1);
    observation.wake_ups = 14; // two by messages
    EXPECT_EQ(reads(), 6);
    observation.wake_ups = 1'000'000; // simulated as fewer
    EXPECT_EQ(reads(), 20);
}

TEST(PoolModel, WaitingForLocksIsNoReasonForConnections) {
    PoolObservation locked = observed(2, 0, 0);
    locked.lock_wait_ms = 15;
    locked.active_ms = *locked.hold_ms = 17;
    PoolAdvice advice = advise(locked);
    EXPECT_EQ(advice.bottleneck, "lock");
    EXPECT_LE(advice.size, 4);
    EXPECT_NEAR(advice.best_per_s, 1000 / advice.demands.serial_ms(), 1);
    EXPECT_TRUE(std::any_of(advice.doubts.begin(), advice.doubts.end(), [](const auto &doubt) {
        return doubt.find("locks") != std::string::npos;
    }));
}

TEST(PoolModel, LocksAreCounted) {
    // 0.3 a millisecond for 2 ms each: of three locks each is busy for a fifth, of one for three.
    for (auto [locks, wait] : {std::pair{3.0, 0.5}, {1.0, 3.0}}) {
        PoolObservation observation = observed(2, 0, 0);
        observation.transactions = 300'000;
        observation.lock_wait_ms = wait;
        observation.active_ms = *observation.hold_ms = 2 + wait;
        PoolDemands demands = demands_of(observation, {8, 16, 1});
        EXPECT_NEAR(demands.locks, locks, 0.01);
        EXPECT_NEAR(throughput_by_size(demands, 400).back(), 1000 * locks / demands.total_ms(), 10);
        // Holds that do not vary wait half as much behind as many locks.
        observation.lock_wait_ms = wait / 2;
        observation.active_ms = *observation.hold_ms = 2 + wait / 2;
        observation.statements = {{1, 2, 0, 1, 0, 0}};
        EXPECT_NEAR(demands_of(observation, {8, 16, 1}).locks, locks, 0.02);
    }
}

TEST(PoolModel, LocksNeverAskForMoreThanWithoutThem) {
    std::mt19937_64 random(3);
    for (int i = 0; i < 200; ++i) {
        auto up_to = [&](double most) {
            return most * static_cast<double>(random() % 1000) / 1000;
        };
        PoolObservation free = observed(0.1 + up_to(3), up_to(5), up_to(5)), locked = free;
        locked.lock_wait_ms = up_to(20);
        locked.active_ms += locked.lock_wait_ms;
        *locked.hold_ms += locked.lock_wait_ms;
        int without = advised_size(demands_of(free, {2, 16, 1}), 200);
        int with = advised_size(demands_of(locked, {2, 16, 1}), 200);
        EXPECT_LE(with, without) << locked.lock_wait_ms;
    }
}

TEST(PoolModel, OthersOnTheMachineTakeTheirShare) {
    PoolObservation alone = observed(1, 0, 10), beside = alone;
    beside.other_cpu_ms = 1;
    EXPECT_NEAR(demands_of(beside, {2, 16, 1}).cores_for_transactions(), 1, 1e-9);
    EXPECT_LT(advise(beside).best_per_s, 0.6 * advise(alone).best_per_s);
    EXPECT_LT(advise(beside).size, advise(alone).size);
}

TEST(PoolModel, ThePoolersWorkIsDoneOnce) {
    // On the server's own processors: one connection is held for work and hand-over, no longer.
    PoolObservation observation = observed(0.5, 0, 0);
    observation.pooler_ms = 0.1;
    *observation.hold_ms = 0.8;
    PoolDemands elsewhere = demands_of(observation, {2, 16, 1});
    observation.other_cpu_ms = 0.1;
    PoolDemands here = demands_of(observation, {2, 16, 1});
    EXPECT_NEAR(here.pooler_cpu_ms, here.pooler_ms, 1e-9);
    EXPECT_EQ(elsewhere.pooler_cpu_ms, 0);
    EXPECT_NEAR(throughput_by_size(here, 1).back(), 1000 / here.total_ms(), 1);
    EXPECT_NEAR(throughput_by_size(here, 100).back(), 2000 / (here.cpu_ms + here.pooler_ms), 1);
    EXPECT_GT(throughput_by_size(elsewhere, 100).back(), 2000 / (here.cpu_ms + here.pooler_ms));
}

TEST(PoolModel, ThePoolersThreadIsABound) {
    PoolObservation observation = observed(0.05, 0, 0);
    observation.pooler_ms = 0.1;
    *observation.hold_ms = 0.2;
    PoolAdvice advice = advise(observation, {16, 16, 1});
    EXPECT_EQ(advice.bottleneck, "pooler");
    EXPECT_NEAR(advice.best_per_s, 1000 / advice.demands.pooler_ms, 200);
}

TEST(PoolModel, TheDiskSaturates) {
    PoolObservation observation = observed(0.5, 0, 0);
    observation.io_wait_ms = 8;
    observation.active_ms = *observation.hold_ms = 8.5;
    PoolAdvice advice = advise(observation, {4, 4, 1});
    EXPECT_EQ(advice.bottleneck, "io");
    EXPECT_LT(advice.best_per_s, 700);
    EXPECT_GT(advise(observation, {4, 8, 1}).best_per_s, 1.4 * advice.best_per_s);
}

TEST(PoolModel, FewClientsAreThemselvesTheBound) {
    PoolObservation observation = observed(0.1, 0, 50);
    observation.clients = 10;
    PoolAdvice advice = advise(observation);
    EXPECT_EQ(advice.bottleneck, "clients");
    EXPECT_EQ(advice.size, 10);
}

TEST(PoolModel, WithoutSchedstatActiveTimeStandsIn) {
    PoolObservation observation = observed(2, 3, 0);
    observation.cpu_ms.reset();
    observation.run_queue_ms.reset();
    PoolAdvice advice = advise(observation);
    EXPECT_NEAR(advice.demands.cpu_ms, advise(observed(2, 3, 0)).demands.cpu_ms, 0.1);
    EXPECT_NEAR(advice.demands.delay_ms, 3, 0.01);
    EXPECT_LT(advice.confidence, Confidence::High);
}

TEST(PoolModel, WaitsGrowWithTheLoadAndShrinkWithTheSize) {
    PoolObservation observation = observed(1, 5, 0);
    PoolAdvice advice = advise(observation);
    ASSERT_EQ(advice.waits.size(), 3u);
    EXPECT_LE(advice.waits[0].wait.p99_ms, advice.waits[2].wait.p99_ms);
    std::mt19937_64 random(1);
    auto tight = waits_at_size(observation, advice.demands, advice.size / 2, advice.size_per_s,
                               {0.5}, random);
    EXPECT_GT(tight.front().wait.p99_ms, advice.waits[0].wait.p99_ms);
}

TEST(PoolModel, KindsKeepTheMean) {
    PoolObservation observation = observed(1, 4, 0);
    observation.statements = {{0.7, 0.5, 0.1, 1, 0, 0}, {0.3, 12, 2, 0.1, 0, 0.9}};
    PoolDemands demands = demands_of(observation, {2, 16, 1});
    double cpu = 0, delay = 0;
    auto kinds = kinds_of(observation, demands);
    ASSERT_EQ(kinds.size(), 2u);
    for (const TransactionKind &kind : kinds) {
        cpu += kind.share * kind.cpu_ms;
        delay += kind.share * kind.delay_ms;
    }
    EXPECT_NEAR(cpu, demands.cpu_ms, 1e-9);
    EXPECT_NEAR(delay, demands.delay_ms, 1e-9);
    EXPECT_GT(kinds[1].delay_ms, 10 * kinds[0].delay_ms);

    for (ObservedStatement &statement : observation.statements)
        statement.calls_per_transaction = 3; // one kind of transaction, of six statements
    EXPECT_EQ(kinds_of(observation, demands).size(), 1u);
}

TEST(PoolModel, WhatSurroundsAStatementDoesNotVary) {
    PoolObservation observation = observed(1, 0, 3); // of which the statement takes a tenth
    observation.statements = {{1, 0.1, 0.2, 1, 0, 0}};
    PoolDemands demands = demands_of(observation, {2, 16, 1});
    auto kinds = kinds_of(observation, demands);
    ASSERT_EQ(kinds.size(), 1u);
    EXPECT_NEAR(kinds[0].variation, 0.2 / (demands.cpu_ms + demands.delay_ms), 1e-9);

    // Nor is what it waited for locks its own spread.
    observation.statements = {{4, 10, 50, 0.01, 0, 0}};
    observation.round_trips = 4;
    kinds = kinds_of(observation, demands);
    ASSERT_EQ(kinds.size(), 1u);
    EXPECT_LT(kinds[0].variation, 0.5);
    EXPECT_EQ(kinds[0].round_trips, 4);
}

// Who queues for half of its time needs half of it, but does not differ twice as much.
TEST(PoolModel, QueueingStretchesAStatementsSpreadWithItsTime) {
    PoolObservation observation = observed(5, 0, 10);
    observation.cpu_ms = 5;
    observation.run_queue_ms = 5;
    for (int calls : {1, 4}) {
        observation.round_trips = calls;
        observation.statements = {
            {static_cast<double>(calls), 10.0 / calls, 6 / std::sqrt(calls) / 2, 1, 0, 0}};
        PoolDemands demands = demands_of(observation, {2, 16, 1});
        ASSERT_LT(demands.cpu_ms, 6);
        EXPECT_NEAR(kinds_of(observation, demands)[0].variation, 0.3, 1e-9) << calls;
    }
}

TEST(PoolModel, TheLongestStatementHasItsShare) {
    PoolObservation observation = observed(3, 0, 0);
    observation.round_trips = 4;
    auto longest = [&](std::vector<ObservedStatement> statements) {
        observation.statements = std::move(statements);
        const PoolDemands demands = demands_of(observation, {2, 16, 1});
        const double surrounding = demands.cpu_ms - 1.9;
        EXPECT_GT(surrounding, 0);
        return kinds_of(observation, demands).front().longest_trip * demands.cpu_ms -
               surrounding / 4;
    };
    EXPECT_NEAR(longest({{3, 0.1, 0, 1, 0, 0}, {1, 1.6, 0, 1, 0, 0}}), 1.6, 1e-9);
    EXPECT_NEAR(longest({{3.8, 0.25, 0, 1, 0, 0}, {0.019, 50, 0, 1, 0, 0}}), 0.25, 1e-9); // rare

    // Where statements measured more than the demand, in proportion.
    observation.statements = {{3, 1, 0, 1, 0, 0}, {1, 3, 0, 1, 0, 0}};
    const PoolDemands demands = demands_of(observation, {2, 16, 1});
    EXPECT_NEAR(kinds_of(observation, demands).front().longest_trip, 0.5, 1e-9);
}

TEST(PoolModel, RivalsByTheirFormulas) {
    PoolObservation observation = observed(1, 0, 4);
    RivalSizes rivals = rival_sizes(observation, {8, 16, 1});
    EXPECT_EQ(rivals.hikari, 17);
    EXPECT_EQ(rivals.cybertec, 40); // 8 cores, a fifth of the time active
    EXPECT_EQ(rivals.pgbouncer_default, 20);
}

TEST(PoolModel, LittleEvidenceIsSaid) {
    PoolObservation observation = observed(1, 0, 4);
    EXPECT_EQ(advise(observation).confidence, Confidence::High);
    observation.seconds = 2;
    observation.transactions = 400;
    EXPECT_LT(advise(observation).confidence, Confidence::High);
    observation.cpu_ms.reset();
    observation.hold_ms.reset();
    EXPECT_EQ(advise(observation).confidence, Confidence::Low);
}

} // namespace
} // namespace triage
