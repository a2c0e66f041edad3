#include "exit_status.h"
#include "pool_observations.h"

#include <gtest/gtest.h>

namespace triage::advisor {
namespace {

std::string file_with(const std::string &disk) {
    return R"({"machine": {"cores": 2, )" + disk + R"(},
        "pools": [{"pool": "web", "seconds": 60, "transactions": 6000, "active_ms": 2,
                   "idle_in_transaction_ms": 0.5, "io_wait_ms": 1, "wake_ups": 7}]})";
}

TEST(PoolObservations, WhatIsWrittenIsReadAgain) {
    for (const char *disk :
         {R"("io_servers": 7)",
          R"("io_rates": [{"requests": 1, "per_s": 9000}, {"requests": 16, "per_s": 30000}])"}) {
        const PoolObservations seen = parse_pool_observations(file_with(disk));
        const PoolObservations again = parse_pool_observations(text_of_observations(seen));
        EXPECT_EQ(text_of_observations(again), text_of_observations(seen));
        EXPECT_EQ(again.pools.at(0).observation.wake_ups, 7);
        EXPECT_DOUBLE_EQ(again.machine.disk().most(), seen.machine.disk().most());
    }
}

TEST(PoolObservations, TheDiskIsWhatWasSeenOfIt) {
    const auto disk_of = [](const char *disk) {
        return parse_pool_observations(file_with(disk)).machine.disk();
    };
    EXPECT_DOUBLE_EQ(disk_of(R"("spindles": 1)").most(), 16);
    EXPECT_DOUBLE_EQ(disk_of(R"("io_servers": 7)").most(), 7);
    EXPECT_DOUBLE_EQ(disk_of(R"("io_servers": 7, "io_rates": [{"requests": 1, "per_s": 9000},
                                {"requests": 16, "per_s": 27000}])")
                         .most(),
                     3);
    EXPECT_THROW(disk_of(R"("io_rates": [{"requests": 1, "per_s": 0}])"), Failure);
    EXPECT_THROW(disk_of(R"("io_rates": [{"per_s": 5}])"), Failure);
}

} // namespace
} // namespace triage::advisor
