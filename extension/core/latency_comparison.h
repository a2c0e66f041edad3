// Did statements get faster or slower? Compares latencies before and after, statement by statement
// and by their whole distributions, so that neither a few stuck executions nor a change in what is
// asked for decides: Welch's distance of the means, with the slowest hundredth of the executions
// counted as the 99th percentile, and Mann and Whitney's rank sum, which knows no means at all.
// Pure.
#pragma once

#include "core/histogram.h"

#include <cstdint>
#include <vector>

namespace triage {

struct StatementEvidence {
    LatencyHistogram before, after;
};

struct LatencyComparison {
    // A statement is compared if it ran at least so often on either side.
    static constexpr std::uint64_t min_executions_a_statement = 10;
    // Standard errors by which both tests must differ from chance.
    static constexpr double significant = 3;
    // Changes of load and of caches move means by this much by themselves.
    static constexpr double noise = 0.10;
    // So do the processor's caches and clock; nobody notices this much.
    static constexpr double unnoticeable_ms = 0.05;

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

LatencyComparison compare(const std::vector<StatementEvidence> &statements);

} // namespace triage
