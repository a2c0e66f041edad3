// Was the index worth it? Decides by the latencies of the statements that it is for, before and
// after (core/latency_comparison.h), and by whether it was used at all. Pure.
#pragma once

#include "core/latency_comparison.h"

#include <cstdint>
#include <string>
#include <vector>

namespace triage {

struct Evidence {
    std::vector<StatementEvidence> statements;
    std::uint64_t index_scans = 0;
    // Another index for some of these statements was built in the same time.
    bool overlapping_builds = false;
};

struct VerdictRules {
    double threshold = 0.05; // smallest improvement that counts, 0..1
    bool time_is_up = false; // no more evidence will come
};

enum class Decision {
    Keep,
    Revert,
    NotEnoughEvidence // go on watching; when time is up: keep, nothing speaks against the index
};

struct Verdict {
    Decision decision = Decision::NotEnoughEvidence;
    std::string reason; // one sentence, without a full stop
    // Over the statements that were seen before and after, each with its share of the executions
    // after; none of them if no statement was, which `compared` tells. The slowest hundredth of
    // each statement's executions counts as its 99th percentile.
    bool compared = false;
    double before_mean_ms = 0, after_mean_ms = 0;
    double before_p95_ms = 0, after_p95_ms = 0;
    double improvement = 0;       // 1 - after / before of the means
    std::uint64_t executions = 0; // after, of all statements
};

Verdict judge(const Evidence &evidence, const VerdictRules &rules);

} // namespace triage
