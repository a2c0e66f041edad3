// When a statement's plan gave way to another one: is the statement faster or slower by it, and how
// bad is that? Plans that are in use side by side, for different parameters or in different
// sessions, are no change. Pure.
#pragma once

#include "core/histogram.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace triage {

// What is known of one of a statement's plans. Times in microseconds.
struct PlanHistory {
    std::uint64_t planid = 0;
    std::uint64_t succeeded = 0; // the plan that was in use when it was last taken up; 0: unknown
    std::uint64_t times_taken_up = 0;
    std::int64_t taken_up = 0; // last
    std::int64_t last_seen = 0;
    LatencyHistogram latency; // of all of its executions
};

enum class PlanEffect { TooEarly, AsFast, Faster, Slower };
enum class Severity { None, Low, Medium, High, Critical };

struct PlanChange {
    std::size_t before = 0, after = 0; // places of the plans
    bool is_current = false;           // no other plan has taken over since
    PlanEffect effect = PlanEffect::TooEarly;
    Severity severity = Severity::None; // of a change to the worse
};

// The changes among the plans of one statement, at most one a plan; `current` is the plan in use.
std::vector<PlanChange> plan_changes(std::span<const PlanHistory> plans, std::uint64_t current);

// Of a mean time that grew to `after_ms`.
Severity severity_of(double before_ms, double after_ms);

const char *name_of(PlanEffect effect);
const char *name_of(Severity severity); // null for none

} // namespace triage
