// Latency histogram: logarithmic buckets, eight an octave, so that a percentile read from it is
// right within 5 %. The store keeps the same buckets as atomic counters; everything else works on
// copies.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace triage {

struct LatencyBuckets {
    static constexpr int per_octave = 8;
    static constexpr int octaves =
        28; // 1 us to 268 s; the first and the last bucket are open-ended
    static constexpr int count = per_octave * octaves;

    // The octave is the position of the highest bit of the microseconds; the three bits below it
    // choose the bucket within. In units of 1/8 us every octave from 1 us on has three such bits.
    static constexpr int bucket_of(std::uint64_t nanoseconds) {
        const std::uint64_t eighths = nanoseconds / 125;
        if (eighths < per_octave)
            return 0;
        const int highest = std::bit_width(eighths) - 1; // 3 for [1 us, 2 us)
        const int within = static_cast<int>(eighths >> (highest - 3)) & (per_octave - 1);
        return std::min((highest - 3) * per_octave + within, count - 1);
    }
    // Bounds of a bucket in milliseconds.
    static double lower_ms(int bucket);
    static double upper_ms(int bucket);
};

// Half octaves, for where the room for all buckets is too dear: percentiles right within 20 %.
struct CoarseBuckets {
    static constexpr int fine_a_bucket = LatencyBuckets::per_octave / 2;
    static constexpr int count = LatencyBuckets::count / fine_a_bucket;

    static int bucket_of(int fine) { return fine / fine_a_bucket; }
    // The fine bucket in the middle of a coarse one, to stand for all of it.
    static int middle(int coarse) { return coarse * fine_a_bucket + fine_a_bucket / 2; }
};

struct LatencyHistogram {
    std::array<std::uint64_t, LatencyBuckets::count> counts{};
    double total_ms = 0; // exact sum of the latencies

    std::uint64_t executions() const;
    double mean_ms() const;               // 0 if empty
    double percentile_ms(double p) const; // p in 0..1, interpolated within the bucket; 0 if empty

    LatencyHistogram &operator+=(const LatencyHistogram &other);
    // What came after `earlier`, a reading of the same counters; a counter that was reset in
    // between counts from zero.
    LatencyHistogram since(const LatencyHistogram &earlier) const;
};

} // namespace triage
