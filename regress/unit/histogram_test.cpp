#include "core/histogram.h"

#include <gtest/gtest.h>

namespace triage {
namespace {

LatencyHistogram histogram_of(std::initializer_list<double> latencies_ms) {
    LatencyHistogram histogram;
    for (double ms : latencies_ms) {
        histogram.counts[LatencyBuckets::bucket_of(static_cast<std::uint64_t>(ms * 1e6))]++;
        histogram.total_ms += ms;
    }
    return histogram;
}

TEST(Histogram, BucketsCoverTheirBounds) {
    for (int bucket = 1; bucket < LatencyBuckets::count - 1; bucket++) {
        const double middle =
            (LatencyBuckets::lower_ms(bucket) + LatencyBuckets::upper_ms(bucket)) / 2;
        EXPECT_EQ(LatencyBuckets::bucket_of(static_cast<std::uint64_t>(middle * 1e6)), bucket);
        EXPECT_DOUBLE_EQ(LatencyBuckets::upper_ms(bucket), LatencyBuckets::lower_ms(bucket + 1));
    }
}

TEST(Histogram, EndsAreOpen) {
    EXPECT_EQ(LatencyBuckets::bucket_of(0), 0);
    EXPECT_EQ(LatencyBuckets::bucket_of(UINT64_MAX), LatencyBuckets::count - 1);
}

TEST(Histogram, PercentilesAreRightWithinABucket) {
    LatencyHistogram histogram;
    for (int ms = 1; ms <= 1000; ms++)
        histogram += histogram_of({double(ms)});
    EXPECT_NEAR(histogram.percentile_ms(0.50), 500, 500 * 0.05);
    EXPECT_NEAR(histogram.percentile_ms(0.99), 990, 990 * 0.05);
    EXPECT_DOUBLE_EQ(histogram.mean_ms(), 500.5);
}

TEST(Histogram, AnEmptyOneIsZero) {
    EXPECT_EQ(LatencyHistogram{}.mean_ms(), 0);
    EXPECT_EQ(LatencyHistogram{}.percentile_ms(0.5), 0);
}

TEST(Histogram, SinceGivesWhatCameLater) {
    LatencyHistogram earlier = histogram_of({1, 2}), later = earlier;
    later += histogram_of({30});
    LatencyHistogram difference = later.since(earlier);
    EXPECT_EQ(difference.executions(), 1u);
    EXPECT_DOUBLE_EQ(difference.mean_ms(), 30);
}

TEST(Histogram, SinceSurvivesAReset) {
    LatencyHistogram earlier = histogram_of({1, 2, 3}), after_reset = histogram_of({7});
    EXPECT_EQ(after_reset.since(earlier).executions(), 1u);
}

} // namespace
} // namespace triage
