#include "emit/pooler_config.h"

#include <gtest/gtest.h>

namespace triage::advisor {
namespace {

EmittedPools two_lanes() {
    EmittedPools pools;
    pools.program = "pg_triage";
    pools.host = "/run/postgresql";
    LanePlan emergency{"emergency", LaneClass::Emergency, 6, 3, 2000, 10000, 10000, "Because."};
    LanePlan reports{
        "monthly \"reports\"", LaneClass::Reporting, 1, 0, 60000, 60000, 600000, "So."};
    pools.pools = {{emergency, "hospital", "er_app", 900, 1.5, "high"},
                   {reports, "hos'pital", "Report User", 3, 100, "low"}};
    return pools;
}

bool has(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

TEST(PoolerConfig, QuotesNames) {
    std::string text = pgbouncer_fragment(two_lanes());
    EXPECT_TRUE(
        has(text, "\nemergency = host=/run/postgresql port=5432 dbname=hospital user=er_app "));
    EXPECT_TRUE(has(text, "\n\"monthly \"\"reports\"\"\" = "));
    EXPECT_TRUE(has(text, "dbname='hos''pital' user='Report User' "));
    EXPECT_TRUE(has(server_settings(two_lanes()),
                    "ALTER ROLE \"Report User\" IN DATABASE \"hos'pital\" SET"));
}

TEST(PoolerConfig, SaysWhyAboveEachNumber) {
    std::string text = pgbouncer_fragment(two_lanes());
    EXPECT_TRUE(has(text, "; Because. Predicted: 900 transactions a second; p99 wait 1.5 ms"));
    EXPECT_TRUE(has(text, "pool_size=6 reserve_pool=3\n"));
    EXPECT_TRUE(has(text, "query_wait_timeout = 600\n"));
}

TEST(PoolerConfig, SaysForWhichStateItIs) {
    EmittedPools pools = two_lanes();
    for (const Saturation saturation :
         {Saturation::Normal, Saturation::Busy, Saturation::Saturated}) {
        pools.saturation = saturation;
        EXPECT_EQ(saturation_of_fragment(pgbouncer_fragment(pools)), saturation);
    }
    EXPECT_FALSE(saturation_of_fragment(""));
    EXPECT_FALSE(saturation_of_fragment("; Saturation of the ward\n[databases]\n"));
}

TEST(PoolerConfig, LimitsOnlyBulkRoles) {
    EmittedPools pools = two_lanes();
    pools.poolers = 2;
    pools.max_connections = 240;
    std::string text = server_settings(pools);
    EXPECT_TRUE(has(text, "ALTER ROLE \"Report User\" CONNECTION LIMIT 4;"));
    EXPECT_FALSE(has(text, "ALTER ROLE \"er_app\" CONNECTION"));
    EXPECT_TRUE(
        has(text,
            "ALTER ROLE \"Report User\" IN DATABASE \"hos'pital\" SET pg_triage.priority = idle;"));
    EXPECT_FALSE(
        has(text, "ALTER ROLE \"er_app\" IN DATABASE \"hospital\" SET pg_triage.priority"));
    EXPECT_TRUE(has(text, "\n-- ALTER SYSTEM SET max_connections = 240;"));
    pools.fits = false;
    EXPECT_TRUE(has(server_settings(pools), "\nALTER SYSTEM SET max_connections = 240;"));
}

TEST(PoolerConfig, SharesALaneAmongProcesses) {
    EmittedPools pools = two_lanes();
    EXPECT_TRUE(
        has(client_pool(ClientPool::Hikari, pools, pools.pools[0], 1), "\nmaximumPoolSize=6\n"));
    EXPECT_TRUE(
        has(client_pool(ClientPool::Hikari, pools, pools.pools[0], 4), "\nmaximumPoolSize=1\n"));
    EXPECT_TRUE(has(client_pool(ClientPool::SqlAlchemy, pools, pools.pools[0], 2), "pool_size=3,"));
    EXPECT_TRUE(has(client_pool(ClientPool::Pgx, pools, pools.pools[0], 2), "MaxConns = 3\n"));
    EXPECT_TRUE(has(client_pool(ClientPool::NodePostgres, pools, pools.pools[0], 9), "max: 1,"));
    pools.poolers = 2; // a lane is what all poolers have of it
    EXPECT_TRUE(has(client_pool(ClientPool::Pgx, pools, pools.pools[0], 2), "MaxConns = 6\n"));
}

} // namespace
} // namespace triage::advisor
