#include "core/connection_budget.h"

#include <gtest/gtest.h>

#include <random>

namespace triage {
namespace {

// The sum that must fit, written out once more.
long connected(const Fleet &fleet, const ConnectionBudget &budget) {
    long total = fleet.superuser_reserved + fleet.replication;
    for (const FittedApplication &fitted : budget.applications) {
        const Application &a = fitted.application;
        if (!a.through_pooler)
            total += long(a.max_replicas + a.surge + a.terminating) * a.pool;
    }
    for (const FittedAlias &fitted : budget.aliases)
        total += long(fleet.poolers) * (fitted.alias.size + fitted.alias.reserve);
    return total;
}

TEST(ConnectionBudget, LeavesAloneWhatFits) {
    Fleet fleet{200, 3, 2, 0.8, {{"web", LaneClass::Clinical, 3, 10, 2, 1, 10}}};
    ConnectionBudget budget = fit_connections(fleet);
    EXPECT_TRUE(budget.fits);
    EXPECT_EQ(budget.used, 135); // (10 + 2 + 1) x 10 + 3 + 2
    EXPECT_EQ(budget.limit, 160);
    EXPECT_FALSE(budget.applications[0].cut);
    EXPECT_EQ(budget.added_memory_bytes, 0);
}

TEST(ConnectionBudget, FifteenPodsOfFiftyDoNotFitTwoHundred) {
    Fleet fleet{200, 3, 0, 0.8, {{"web", LaneClass::Clinical, 3, 15, 0, 0, 50}}};
    ConnectionBudget budget = fit_connections(fleet);
    EXPECT_TRUE(budget.fits);
    EXPECT_EQ(budget.wanted, 753);
    EXPECT_EQ(budget.applications[0].application.pool, 10);
    EXPECT_EQ(budget.applications[0].application.max_replicas, 15);
    EXPECT_TRUE(budget.applications[0].cut);
    EXPECT_EQ(budget.needed_max_connections, 942);
    EXPECT_GT(budget.added_memory_bytes, 4LL << 30);
}

TEST(ConnectionBudget, ARolloutCountsOldAndNew) {
    Fleet fleet{100, 3, 0, 0.8, {{"web", LaneClass::Clinical, 1, 7, 0, 0, 11}}};
    EXPECT_FALSE(fit_connections(fleet).applications[0].cut);
    fleet.applications[0].surge = 7; // all replaced at once
    EXPECT_TRUE(fit_connections(fleet).applications[0].cut);
}

TEST(ConnectionBudget, CutsReportsBeforeEmergency) {
    Fleet fleet{100,
                3,
                0,
                0.8,
                {{"er", LaneClass::Emergency, 2, 4, 1, 0, 10},
                 {"reports", LaneClass::Reporting, 1, 10, 0, 0, 10}}};
    ConnectionBudget budget = fit_connections(fleet);
    EXPECT_TRUE(budget.fits);
    EXPECT_FALSE(budget.applications[0].cut);
    EXPECT_EQ(budget.applications[1].application.pool, 2);
}

TEST(ConnectionBudget, PodsBehindThePoolerAreItsClients) {
    Fleet fleet{100,
                3,
                0,
                0.8,
                {{"web", LaneClass::Clinical, 3, 100, 25, 0, 10, true}},
                2,
                {{"clinical", LaneClass::Clinical, 30, 5}}};
    ConnectionBudget budget = fit_connections(fleet);
    EXPECT_TRUE(budget.fits);
    EXPECT_EQ(budget.pooler_clients, 1250);
    EXPECT_GE(budget.max_client_conn, 1250);
    EXPECT_EQ(budget.used, 73);
    EXPECT_EQ(budget.aliases[0].connections, 70);
}

TEST(ConnectionBudget, SaysWhenNothingHelps) {
    Fleet fleet{20, 3, 0, 0.8, {{"web", LaneClass::Clinical, 50, 50, 0, 0, 5}}};
    ConnectionBudget budget = fit_connections(fleet);
    EXPECT_FALSE(budget.fits);
    EXPECT_EQ(budget.needed_max_connections, 317);
}

TEST(ConnectionBudget, IsNeverExceededByRandomFleets) {
    std::mt19937_64 random(20260101);
    auto any = [&](int low, int high) { return low + int(random() % (high - low + 1)); };
    int fitted = 0, cut = 0;
    for (int i = 0; i < 1000; ++i) {
        Fleet fleet;
        fleet.max_connections = any(20, 1000);
        fleet.superuser_reserved = any(1, 8);
        fleet.replication = any(0, 6);
        for (int n = any(0, 8); n > 0; --n) {
            Application application;
            application.name = "app" + std::to_string(n);
            application.lane = LaneClass(any(0, 3));
            application.min_replicas = any(1, 5);
            application.max_replicas = any(application.min_replicas, 100);
            application.surge = any(0, 25);
            application.terminating = any(0, 10);
            application.pool = any(1, 50);
            application.through_pooler = any(0, 2) == 0;
            fleet.applications.push_back(application);
        }
        fleet.poolers = any(0, 3);
        for (int n = any(0, 5); n > 0; --n)
            fleet.aliases.push_back(
                {"alias" + std::to_string(n), LaneClass(any(0, 3)), any(1, 60), any(0, 5)});

        ConnectionBudget budget = fit_connections(fleet);
        EXPECT_EQ(budget.used, connected(fleet, budget));
        if (budget.fits) {
            EXPECT_LE(budget.used * 10, fleet.max_connections * 8) << i;
            ++fitted;
        }
        for (std::size_t a = 0; a < fleet.applications.size(); ++a) {
            const Application &now = budget.applications[a].application;
            EXPECT_GE(now.pool, 1);
            EXPECT_LE(now.pool, fleet.applications[a].pool);
            EXPECT_GE(now.max_replicas, now.min_replicas);
            EXPECT_LE(now.max_replicas, fleet.applications[a].max_replicas);
            cut += budget.applications[a].cut;
        }
        // Raising max_connections as advised lets all in, uncut; nothing less does.
        fleet.max_connections = budget.needed_max_connections;
        EXPECT_EQ(fit_connections(fleet).used, budget.wanted) << i;
        if (budget.wanted > 10) {
            fleet.max_connections -= 2;
            EXPECT_TRUE(fit_connections(fleet).used < budget.wanted ||
                        !fit_connections(fleet).fits);
        }
    }
    EXPECT_GT(fitted, 300);
    EXPECT_GT(cut, 300);
}

} // namespace
} // namespace triage
