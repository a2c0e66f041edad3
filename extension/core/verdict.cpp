#include "core/verdict.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace triage {

namespace {

// An index is judged if its statements ran so often afterwards.
constexpr std::uint64_t min_executions = 30;
constexpr std::uint64_t min_executions_for_early_verdict = 200;
// An index that was not scanned once in so many executions serves none of them, and whatever made
// them faster, it was not the index.
constexpr std::uint64_t many_executions = 200;
constexpr double noise = LatencyComparison::noise;
// Standard errors: of either test when time is up, and for a verdict before that.
constexpr double significant = LatencyComparison::significant;
constexpr double beyond_doubt = 5;

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
                      const LatencyComparison &comparison, Verdict &verdict) {
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
                        const LatencyComparison &comparison, Verdict &verdict) {
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
    const LatencyComparison comparison = compare(evidence.statements);
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
