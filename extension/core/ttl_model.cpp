#include "core/ttl_model.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace triage {
namespace {

// Keys of about the same rank, taken as alike.
struct KeyGroup {
    double keys = 0;
    double read_weight = 0, write_weight = 0; // of one key; unscaled
};

// The first ranks one by one, then groups that grow by a twentieth.
std::vector<KeyGroup> groups_of(const TtlWorkload &workload) {
    std::vector<KeyGroup> groups;
    const double keys = std::max(1.0, std::floor(workload.keys));
    for (double first = 1; first <= keys;) {
        const double size = std::min(std::max(1.0, std::floor(first / 20)), keys - first + 1);
        const double rank = first + (size - 1) / 2;
        groups.push_back(
            {size, std::pow(rank, -workload.read_skew), std::pow(rank, -workload.write_skew)});
        first += size;
    }
    return groups;
}

// Share of the moments in [0, T] that come after the first write: 1 - (1 - e^-x) / x with x = rate
// * T.
double overtaken(double x) {
    return x < 1e-4 ? x / 2 : 1 + std::expm1(-x) / x;
}

// Mean over the ages in [0, T] of the time since the first write: T/2 - 1/w + (1 - e^-wT) / (w^2
// T).
double mean_behind(double writes_per_s, double ttl_s) {
    const double x = writes_per_s * ttl_s;
    if (x < 1e-3)
        return ttl_s * x / 6;
    return ttl_s * (0.5 - 1 / x - std::expm1(-x) / (x * x));
}

// Smallest x in [0, longest] for which the rising `reached` holds, `longest` if none does.
double bisect(double longest, const std::function<bool(double)> &reached) {
    double low = 0, high = longest;
    for (int step = 0; step < 60; step++) {
        const double middle = (low + high) / 2;
        (reached(middle) ? high : low) = middle;
    }
    return high;
}

} // namespace

TtlOutcome ttl_outcome(const TtlWorkload &workload, double ttl_s) {
    TtlOutcome outcome;
    if (workload.reads_per_s <= 0 || ttl_s <= 0)
        return outcome;
    const auto groups = groups_of(workload);
    double read_sum = 0, write_sum = 0;
    for (const KeyGroup &group : groups) {
        read_sum += group.keys * group.read_weight;
        write_sum += group.keys * group.write_weight;
    }
    double hits = 0, stale = 0, behind = 0;
    for (const KeyGroup &group : groups) {
        const double reads = workload.reads_per_s * group.read_weight / read_sum;
        const double writes = workload.writes_per_s * group.write_weight / write_sum;
        // One miss fills the entry, then reads * T hits on average until it is dropped.
        const double hit_rate = reads * ttl_s / (1 + reads * ttl_s);
        const double group_hits = group.keys * reads * hit_rate;
        hits += group_hits;
        stale += group_hits * overtaken(writes * ttl_s);
        behind += group_hits * mean_behind(writes, ttl_s);
        outcome.entries += group.keys * hit_rate;
    }
    outcome.hit_rate = hits / workload.reads_per_s;
    outcome.stale_share = stale / workload.reads_per_s;
    outcome.behind_s = hits > 0 ? behind / hits : 0;
    return outcome;
}

double ttl_for_staleness(const TtlWorkload &workload, double stale_share, double longest_s) {
    if (ttl_outcome(workload, longest_s).stale_share <= stale_share)
        return longest_s;
    return bisect(longest_s, [&](double ttl_s) {
        return ttl_outcome(workload, ttl_s).stale_share > stale_share;
    });
}

double ttl_for_hit_rate(const TtlWorkload &workload, double hit_rate, double longest_s) {
    const auto reached = [&](double ttl_s) {
        return ttl_outcome(workload, ttl_s).hit_rate >= hit_rate;
    };
    return reached(longest_s) ? bisect(longest_s, reached)
                              : std::numeric_limits<double>::infinity();
}

} // namespace triage
