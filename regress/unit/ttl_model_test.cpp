#include "core/ttl_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace triage {
namespace {

// Plays reads and writes against a real cache with a time to live, in event order.
TtlOutcome simulate(const TtlWorkload &workload, double ttl_s, int events) {
    struct Key {
        double filled = -INFINITY, overtaken = INFINITY;
    };
    const auto weights = [&](double skew) {
        std::vector<double> result;
        for (int rank = 1; rank <= int(workload.keys); rank++)
            result.push_back(std::pow(rank, -skew));
        return std::discrete_distribution<std::size_t>(result.begin(), result.end());
    };
    auto read_key = weights(workload.read_skew), write_key = weights(workload.write_skew);
    std::mt19937_64 random(11);
    const double rate = workload.reads_per_s + workload.writes_per_s;
    std::exponential_distribution<> gap(rate);
    std::bernoulli_distribution is_read(workload.reads_per_s / rate);

    std::vector<Key> keys(std::size_t(workload.keys));
    double now = 0, reads = 0, hits = 0, stale = 0, behind = 0;
    for (int event = 0; event < events; event++) {
        now += gap(random);
        if (!is_read(random)) {
            Key &key = keys[write_key(random)];
            key.overtaken = std::min(key.overtaken, now);
            continue;
        }
        Key &key = keys[read_key(random)];
        const bool settled = now > 3 * ttl_s;
        reads += settled;
        if (now - key.filled >= ttl_s) {
            key = {now, INFINITY};
            continue;
        }
        hits += settled;
        if (key.overtaken <= now && settled) {
            stale++;
            behind += now - key.overtaken;
        }
    }
    return {hits / reads, stale / reads, behind / hits, 0};
}

void expect_agrees(const TtlWorkload &workload, double ttl_s) {
    const TtlOutcome model = ttl_outcome(workload, ttl_s);
    const TtlOutcome real = simulate(workload, ttl_s, 2'000'000);
    EXPECT_NEAR(model.hit_rate, real.hit_rate, 0.01);
    EXPECT_NEAR(model.stale_share, real.stale_share, 0.01);
    EXPECT_NEAR(model.behind_s, real.behind_s, 0.05 * real.behind_s + 0.01);
}

TEST(TtlModel, AgreesWithASimulationUnderSkew) {
    expect_agrees({.reads_per_s = 200, .writes_per_s = 20, .keys = 5000, .read_skew = 0.9}, 60);
}

TEST(TtlModel, AgreesWithASimulationOfFewHitsAndManyWrites) {
    expect_agrees({.reads_per_s = 50, .writes_per_s = 100, .keys = 2000, .read_skew = 0}, 20);
}

TEST(TtlModel, AgreesWithASimulationWhereReadKeysAreWritten) {
    expect_agrees(
        {.reads_per_s = 500, .writes_per_s = 50, .keys = 1000, .read_skew = 1.1, .write_skew = 1.1},
        30);
}

TEST(TtlModel, RisesWithTheTimeToLive) {
    const TtlWorkload workload{.reads_per_s = 100, .writes_per_s = 5, .keys = 10000};
    TtlOutcome last;
    for (double ttl = 1; ttl < 10000; ttl *= 2) {
        const TtlOutcome outcome = ttl_outcome(workload, ttl);
        EXPECT_GT(outcome.hit_rate, last.hit_rate);
        EXPECT_GT(outcome.stale_share, last.stale_share);
        EXPECT_GT(outcome.entries, last.entries);
        last = outcome;
    }
    EXPECT_LT(last.entries, 10000);
}

TEST(TtlModel, FindsTheTimeToLiveForAStaleness) {
    const TtlWorkload workload{.reads_per_s = 100, .writes_per_s = 20, .keys = 3000};
    const double ttl = ttl_for_staleness(workload, 0.01);
    EXPECT_NEAR(ttl_outcome(workload, ttl).stale_share, 0.01, 1e-6);
    EXPECT_GT(ttl, 0.1);
}

TEST(TtlModel, DataThatIsNeverWrittenMayStay) {
    EXPECT_EQ(ttl_for_staleness({.reads_per_s = 10, .keys = 100}, 0.001, 7200), 7200);
}

TEST(TtlModel, FindsTheTimeToLiveForAHitRate) {
    const TtlWorkload workload{.reads_per_s = 100, .keys = 3000};
    EXPECT_NEAR(ttl_outcome(workload, ttl_for_hit_rate(workload, 0.85)).hit_rate, 0.85, 1e-6);
    EXPECT_TRUE(std::isinf(ttl_for_hit_rate({.reads_per_s = 0.001, .keys = 1e6}, 0.85)));
}

TEST(TtlModel, NothingReadHitsNothing) {
    EXPECT_EQ(ttl_outcome({}, 300).hit_rate, 0);
    EXPECT_EQ(ttl_outcome({.reads_per_s = 10, .keys = 10}, 0).hit_rate, 0);
}

} // namespace
} // namespace triage
