#include "core/verdict.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace triage {

namespace {

// A statement is compared if it ran at least so often on either side, an index if its statements
// did so often afterwards.
constexpr std::uint64_t min_executions_a_statement = 10;
constexpr std::uint64_t min_executions = 30;
constexpr std::uint64_t min_executions_for_early_verdict = 200;
// An index that was not scanned once in so many executions serves none of them, and whatever made
// them faster, it was not the index.
constexpr std::uint64_t many_executions = 200;
// Changes of load and of caches move means by this much without any index.
constexpr double noise = 0.10;
// So do the processor's caches and clock; nobody notices this much, and no index is worth less for
// it.
constexpr double unnoticeable_ms = 0.05;
// Standard errors: of either test when time is up, and for a verdict before that.
constexpr double significant = 3;
constexpr double beyond_doubt = 5;

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

// Everything that the rules ask of the evidence.
struct Comparison {
    double before_ms = 0, after_ms = 0; // sums over the executions afterwards
    double before_p95_ms = 0, after_p95_ms = 0;
    double z_mean = 0, z_rank = 0; // positive: faster afterwards
    double compared = 0;           // executions afterwards of the statements compared
    std::uint64_t executions = 0;  // executions afterwards of all of them

    double improvement() const { return before_ms > 0 ? 1 - after_ms / before_ms : 0; }
    bool is_faster(double z) const { return z_mean > z && z_rank > z; }
    bool saves_noticeably() const { return before_ms - after_ms > unnoticeable_ms * compared; }
    bool is_slower(double z) const {
        return z_mean < -z && z_rank < -z && after_ms - before_ms > unnoticeable_ms * compared;
    }
};

Comparison compare(const std::vector<StatementEvidence> &statements) {
    Comparison result;
    Mix before_mix{}, after_mix{};
    double error = 0, rank_distance = 0, rank_variance = 0;
    for (const StatementEvidence &statement : statements) {
        const std::uint64_t after_count = statement.after.executions();
        result.executions += after_count;
        if (after_count < min_executions_a_statement ||
            statement.before.executions() < min_executions_a_statement)
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

std::string text(const char *format, auto... values) {
    char buffer[256];
    snprintf(buffer, sizeof(buffer), format, values...);
    return buffer;
}

std::string figures(const Verdict &verdict) {
    return text("mean %.3g ms before, %.3g ms after, over %llu executions", verdict.before_mean_ms,
                verdict.after_mean_ms, static_cast<unsigned long long>(verdict.executions));
}

std::string change_in(const Verdict &verdict) {
    const bool faster = verdict.improvement >= 0;
    return text("its statements got %.0f %% %s: ", 100 * std::abs(verdict.improvement),
                faster ? "faster" : "slower") +
           figures(verdict);
}

// Before time is up only what is beyond doubt counts: a clear success, or a disaster.
Decision decide_early(const Evidence &evidence, const VerdictRules &rules,
                      const Comparison &comparison, Verdict &verdict) {
    verdict.reason = "the evidence does not suffice yet";
    if (comparison.compared < double(min_executions_for_early_verdict))
        return Decision::NotEnoughEvidence;
    const bool success = evidence.index_scans > 0 && comparison.is_faster(beyond_doubt) &&
                         verdict.improvement >= std::max(rules.threshold, noise);
    const bool disaster = comparison.is_slower(beyond_doubt) && verdict.improvement < -1;
    if (!success && !disaster)
        return Decision::NotEnoughEvidence;
    verdict.reason = change_in(verdict);
    return success ? Decision::Keep : Decision::Revert;
}

Decision decide_finally(const Evidence &evidence, const VerdictRules &rules,
                        const Comparison &comparison, Verdict &verdict) {
    const bool unused = evidence.index_scans == 0;
    const bool enough = comparison.compared >= double(min_executions);
    const bool is_faster =
        enough && verdict.improvement >= rules.threshold && comparison.z_mean > significant;
    // A session reports its scans only between two statements: where the statements got clearly
    // faster, and no other index can have done that, a count of none is not believed.
    const bool somebody_helped =
        is_faster && comparison.saves_noticeably() && !evidence.overlapping_builds;
    if (unused && comparison.executions >= many_executions && !somebody_helped) {
        verdict.reason = text("it was not used once in %llu executions of its statements",
                              static_cast<unsigned long long>(comparison.executions));
        return Decision::Revert;
    }
    if (!enough) {
        verdict.reason = text("too little evidence to judge: its statements ran %llu times",
                              static_cast<unsigned long long>(comparison.executions));
        return Decision::NotEnoughEvidence;
    }
    if (comparison.is_slower(significant) && verdict.improvement < -noise) {
        verdict.reason = change_in(verdict);
        return Decision::Revert;
    }
    if (is_faster && unused) {
        verdict.reason = "no use of it was counted, but " + change_in(verdict);
        return Decision::NotEnoughEvidence;
    }
    if (is_faster) {
        verdict.reason = change_in(verdict);
        return Decision::Keep;
    }
    if (unused) {
        verdict.reason =
            "it was not used, and its statements did not get faster: " + figures(verdict);
        return Decision::Revert;
    }
    verdict.reason =
        text("it is used (%llu scans), though no improvement beyond noise was measured: ",
             static_cast<unsigned long long>(evidence.index_scans)) +
        figures(verdict);
    return Decision::Keep;
}

} // namespace

Verdict judge(const Evidence &evidence, const VerdictRules &rules) {
    const Comparison comparison = compare(evidence.statements);
    Verdict verdict;
    verdict.executions = comparison.executions;
    verdict.compared = comparison.compared > 0;
    if (verdict.compared) {
        verdict.before_mean_ms = comparison.before_ms / comparison.compared;
        verdict.after_mean_ms = comparison.after_ms / comparison.compared;
        verdict.before_p95_ms = comparison.before_p95_ms;
        verdict.after_p95_ms = comparison.after_p95_ms;
        verdict.improvement = comparison.improvement();
    }
    verdict.decision =
        (rules.time_is_up ? decide_finally : decide_early)(evidence, rules, comparison, verdict);
    if (evidence.overlapping_builds && verdict.compared)
        verdict.reason += "; another index for these statements was built in the same time, so the "
                          "effect is of both";
    return verdict;
}

} // namespace triage
