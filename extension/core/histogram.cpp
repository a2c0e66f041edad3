#include "core/histogram.h"

#include <cmath>

namespace triage {

double LatencyBuckets::lower_ms(int bucket) {
    if (bucket <= 0)
        return 0;
    return std::ldexp(1.0 + double(bucket % per_octave) / per_octave, bucket / per_octave) / 1000;
}

double LatencyBuckets::upper_ms(int bucket) {
    return std::ldexp(1.0 + double(bucket % per_octave + 1) / per_octave, bucket / per_octave) /
           1000;
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
