#include "core/plan_changes.h"

#include "core/latency_comparison.h"

#include <algorithm>

namespace triage {

namespace {

// A plan that is taken up again and again and leaves after fewer executions than this is one for
// other parameters, not a successor.
constexpr std::uint64_t often = 3, a_stretch = 10;

bool alternates(const PlanHistory &plan) {
    return plan.times_taken_up >= often &&
           plan.latency.executions() < a_stretch * plan.times_taken_up;
}

// Was the old plan still seen for more than a tenth of the new one's time? What came back later
// tells nothing about that.
bool side_by_side(const PlanHistory &before, const PlanHistory &after) {
    if (before.taken_up > after.taken_up)
        return false;
    return before.last_seen - after.taken_up > (after.last_seen - after.taken_up) / 10;
}

double mean_ms(const PlanHistory &plan) {
    return plan.latency.mean_ms();
}

PlanEffect effect_of(const PlanHistory &before, const PlanHistory &after) {
    const LatencyComparison comparison = compare({{before.latency, after.latency}});
    if (comparison.compared == 0)
        return PlanEffect::TooEarly;
    const double improvement = comparison.improvement();
    if (comparison.is_slower(LatencyComparison::significant) &&
        improvement < -LatencyComparison::noise)
        return PlanEffect::Slower;
    if (comparison.is_faster(LatencyComparison::significant) &&
        improvement > LatencyComparison::noise && comparison.saves_noticeably())
        return PlanEffect::Faster;
    return PlanEffect::AsFast;
}

} // namespace

std::vector<PlanChange> plan_changes(std::span<const PlanHistory> plans, std::uint64_t current) {
    std::vector<PlanChange> changes;
    for (std::size_t after = 0; after < plans.size(); after++) {
        const auto found = std::find_if(plans.begin(), plans.end(), [&](const PlanHistory &plan) {
            return plan.planid == plans[after].succeeded;
        });
        if (plans[after].succeeded == 0 || found == plans.end())
            continue;
        if (alternates(*found) || alternates(plans[after]) || side_by_side(*found, plans[after]))
            continue;
        PlanChange change;
        change.before = static_cast<std::size_t>(found - plans.begin());
        change.after = after;
        change.is_current = plans[after].planid == current;
        change.effect = effect_of(*found, plans[after]);
        if (change.effect == PlanEffect::Slower)
            change.severity = severity_of(mean_ms(*found), mean_ms(plans[after]));
        changes.push_back(change);
    }
    return changes;
}

// By what a user feels: how many times longer he waits, and whether that is long at all.
Severity severity_of(double before_ms, double after_ms) {
    const double factor = before_ms > 0 ? after_ms / before_ms : 1;
    const double more_ms = after_ms - before_ms;
    if (factor >= 10 && more_ms >= 100)
        return Severity::Critical;
    if ((factor >= 3 && more_ms >= 10) || more_ms >= 100)
        return Severity::High;
    if (factor >= 1.5 && more_ms >= 1)
        return Severity::Medium;
    return Severity::Low;
}

const char *name_of(PlanEffect effect) {
    switch (effect) {
    case PlanEffect::AsFast:
        return "as fast";
    case PlanEffect::Faster:
        return "faster";
    case PlanEffect::Slower:
        return "slower";
    case PlanEffect::TooEarly:
        break;
    }
    return "too early to tell";
}

const char *name_of(Severity severity) {
    switch (severity) {
    case Severity::Low:
        return "low";
    case Severity::Medium:
        return "medium";
    case Severity::High:
        return "high";
    case Severity::Critical:
        return "critical";
    case Severity::None:
        break;
    }
    return nullptr;
}

} // namespace triage
