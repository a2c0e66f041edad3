#include "core/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace triage {

// The octave is the position of the highest bit of the microseconds; the three bits below it choose
// the bucket within. Computed on nanoseconds/1000 with the fraction kept by a shift, so that the first
// octaves have their eight buckets as well.
int LatencyBuckets::bucket_of(std::uint64_t nanoseconds) {
    // In units of 1/8 us every octave from 1 us on has three bits below its highest one.
    const std::uint64_t eighths = nanoseconds / 125;
    if (eighths < per_octave)
        return 0;
    const int highest = std::bit_width(eighths) - 1; // 3 for [1 us, 2 us)
    const int within = static_cast<int>(eighths >> (highest - 3)) & (per_octave - 1);
    return std::min((highest - 3) * per_octave + within, count - 1);
}

double LatencyBuckets::lower_ms(int bucket) {
    if (bucket <= 0)
        return 0;
    return std::ldexp(1.0 + double(bucket % per_octave) / per_octave, bucket / per_octave) / 1000;
}

double LatencyBuckets::upper_ms(int bucket) {
    return std::ldexp(1.0 + double(bucket % per_octave + 1) / per_octave, bucket / per_octave) / 1000;
}

std::uint64_t LatencyHistogram::executions() const {
    std::uint64_t sum = 0;
    for (std::uint64_t count : counts)
        sum += count;
    return sum;
}

double LatencyHistogram::mean_ms() const {
    const std::uint64_t all = executions();
    return all ? total_ms / static_cast<double>(all) : 0;
}

double LatencyHistogram::percentile_ms(double p) const {
    const std::uint64_t all = executions();
    if (all == 0)
        return 0;
    const double wanted = std::clamp(p, 0.0, 1.0) * static_cast<double>(all);
    double below = 0;
    for (int bucket = 0; bucket < LatencyBuckets::count; bucket++) {
        const auto here = static_cast<double>(counts[bucket]);
        if (here > 0 && below + here >= wanted) {
            const double lower = LatencyBuckets::lower_ms(bucket);
            return lower + (LatencyBuckets::upper_ms(bucket) - lower) * (wanted - below) / here;
        }
        below += here;
    }
    return LatencyBuckets::upper_ms(LatencyBuckets::count - 1);
}

LatencyHistogram &LatencyHistogram::operator+=(const LatencyHistogram &other) {
    for (std::size_t i = 0; i < counts.size(); i++)
        counts[i] += other.counts[i];
    total_ms += other.total_ms;
    return *this;
}

LatencyHistogram LatencyHistogram::since(const LatencyHistogram &earlier) const {
    for (std::size_t i = 0; i < counts.size(); i++)
        if (counts[i] < earlier.counts[i])
            return *this;
    LatencyHistogram result = *this;
    for (std::size_t i = 0; i < counts.size(); i++)
        result.counts[i] -= earlier.counts[i];
    result.total_ms = std::max(0.0, total_ms - earlier.total_ms);
    return result;
}

} // namespace triage
