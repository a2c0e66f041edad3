#include "core/latency_comparison.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace triage {

namespace {

// Mean and variance of one side of a statement.
struct Moments {
    double mean = 0, variance = 0, count = 0;
};

double middle_ms(int bucket) {
    return std::sqrt(std::max(LatencyBuckets::lower_ms(bucket), 0.0005) *
                     LatencyBuckets::upper_ms(bucket));
}

Moments moments_of(const LatencyHistogram &histogram) {
    const double ceiling = histogram.percentile_ms(0.99);
    Moments moments;
    for (int bucket = 0; bucket < LatencyBuckets::count; bucket++) {
        const auto count = static_cast<double>(histogram.counts[bucket]);
        moments.count += count;
        moments.mean += count * std::min(middle_ms(bucket), ceiling);
    }
    if (moments.count > 0)
        moments.mean /= moments.count;
    for (int bucket = 0; bucket < LatencyBuckets::count; bucket++) {
        const auto count = static_cast<double>(histogram.counts[bucket]);
        const double distance = std::min(middle_ms(bucket), ceiling) - moments.mean;
        moments.variance += count * distance * distance;
    }
    if (moments.count > 1)
        moments.variance /= moments.count - 1;
    return moments;
}

// Mann and Whitney's U of one statement, as its distance from what chance would give (positive:
// faster afterwards), with ties.
struct RankSum {
    double distance = 0, variance = 0, total = 0;
};

RankSum rank_sum_of(const StatementEvidence &statement) {
    double before_below = 0, wins = 0, before = 0, after = 0, ties = 0;
    for (int bucket = 0; bucket < LatencyBuckets::count; bucket++) {
        before += static_cast<double>(statement.before.counts[bucket]);
        after += static_cast<double>(statement.after.counts[bucket]);
    }
    for (int bucket = 0; bucket < LatencyBuckets::count; bucket++) {
        const auto b = static_cast<double>(statement.before.counts[bucket]);
        const auto a = static_cast<double>(statement.after.counts[bucket]);
        // Pairs in which this bucket's executions afterwards were faster than one before.
        wins += a * (before - before_below - b) + a * b / 2;
        before_below += b;
        const double tied = a + b;
        ties += tied * tied * tied - tied;
    }
    const double total = before + after;
    RankSum sum;
    sum.total = total;
    sum.distance = wins - before * after / 2;
    if (total > 1)
        sum.variance = before * after / 12 * (total + 1 - ties / (total * (total - 1)));
    return sum;
}

using Mix = std::array<double, LatencyBuckets::count>;

void add_share(Mix &mix, const LatencyHistogram &histogram, double weight) {
    const auto all = static_cast<double>(histogram.executions());
    for (int bucket = 0; bucket < LatencyBuckets::count; bucket++)
        mix[bucket] += weight * static_cast<double>(histogram.counts[bucket]) / all;
}

double percentile_ms(const Mix &mix, double p) {
    double all = 0;
    for (double share : mix)
        all += share;
    double below = 0;
    for (int bucket = 0; bucket < LatencyBuckets::count; bucket++) {
        if (mix[bucket] > 0 && below + mix[bucket] >= p * all) {
            const double lower = LatencyBuckets::lower_ms(bucket);
            return lower +
                   (LatencyBuckets::upper_ms(bucket) - lower) * (p * all - below) / mix[bucket];
        }
        below += mix[bucket];
    }
    return 0;
}

} // namespace

LatencyComparison compare(const std::vector<StatementEvidence> &statements) {
    LatencyComparison result;
    Mix before_mix{}, after_mix{};
    double error = 0, rank_distance = 0, rank_variance = 0;
    for (const StatementEvidence &statement : statements) {
        const std::uint64_t after_count = statement.after.executions();
        result.executions += after_count;
        if (after_count < LatencyComparison::min_executions_a_statement ||
            statement.before.executions() < LatencyComparison::min_executions_a_statement)
            continue;
        const Moments before = moments_of(statement.before), after = moments_of(statement.after);
        const double weight = after.count;
        result.compared += weight;
        result.before_ms += weight * before.mean;
        result.after_ms += weight * after.mean;
        error += weight * weight * (before.variance / before.count + after.variance / after.count);
        add_share(before_mix, statement.before, weight);
        add_share(after_mix, statement.after, weight);
        // Van Elteren's weights, with which one statement of many executions does not drown the
        // others.
        const RankSum ranks = rank_sum_of(statement);
        const double rank_weight = 1 / (ranks.total + 1);
        rank_distance += rank_weight * ranks.distance;
        rank_variance += rank_weight * rank_weight * ranks.variance;
    }
    result.before_p95_ms = percentile_ms(before_mix, 0.95);
    result.after_p95_ms = percentile_ms(after_mix, 0.95);
    const double saved = result.before_ms - result.after_ms;
    // No variance at all: every execution in one bucket on either side, so any difference is
    // certain.
    result.z_mean = error > 0 ? saved / std::sqrt(error) : saved * INFINITY;
    result.z_rank = rank_variance > 0 ? rank_distance / std::sqrt(rank_variance) : 0;
    if (std::isnan(result.z_mean))
        result.z_mean = 0;
    return result;
}

} // namespace triage
