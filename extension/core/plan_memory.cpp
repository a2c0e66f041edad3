#include "core/plan_memory.h"

#include <algorithm>
#include <stdexcept>

namespace triage {

template <class Matches>
std::optional<PlanMemory::Answer> PlanMemory::answer(std::size_t statement, PlanMode mode,
                                                     const CandidateSet &offered, Matches matches) {
    Plans &plans = plans_[{statement, mode}];
    if (!plans.plannable)
        return std::nullopt;
    // The latest first: an answer that was checked replaces one that was inferred.
    for (auto entry = plans.entries.rbegin(); entry != plans.entries.rend(); ++entry) {
        if (matches(*entry)) {
            reused_answers_++;
            return entry->answer;
        }
    }
    planner_calls_++;
    try {
        WhatIf::Answer planned = what_if_.plan(statement, mode, offered.members());
        Answer result{planned.cost, CandidateSet(planned.used) & offered};
        plans.entries.push_back({offered, result});
        return result;
    } catch (const std::domain_error &) {
        plans.plannable = false;
        return std::nullopt;
    }
}

// More indexes never make a plan dearer, and a plan is possible wherever all that it uses is there.
std::optional<PlanMemory::Estimate> PlanMemory::estimate(std::size_t statement, PlanMode mode,
                                                         const CandidateSet &offered) {
    const auto plans = plans_.find({statement, mode});
    if (plans == plans_.end() || !plans->second.plannable)
        return std::nullopt;
    const Entry *cheapest = nullptr;
    double lowest = 0;
    for (auto entry = plans->second.entries.rbegin(); entry != plans->second.entries.rend();
         ++entry) {
        bool possible = entry->answer.used.is_subset_of(offered);
        bool is_bound = offered.is_subset_of(entry->offered);
        if (possible && is_bound) {
            reused_answers_++;
            return Estimate{entry->answer, entry->answer.cost};
        }
        if (possible && (!cheapest || entry->answer.cost < cheapest->answer.cost))
            cheapest = &*entry;
        if (is_bound)
            lowest = std::max(lowest, entry->answer.cost);
    }
    if (!cheapest)
        return std::nullopt;
    return Estimate{cheapest->answer, lowest};
}

std::optional<PlanMemory::Answer> PlanMemory::ask(std::size_t statement, PlanMode mode,
                                                  const CandidateSet &offered) {
    return answer(statement, mode, offered, [&](const Entry &entry) {
        return entry.answer.used.is_subset_of(offered) && offered.is_subset_of(entry.offered);
    });
}

std::optional<PlanMemory::Answer> PlanMemory::ask_exactly(std::size_t statement, PlanMode mode,
                                                          const CandidateSet &offered) {
    return answer(statement, mode, offered,
                  [&](const Entry &entry) { return entry.offered == offered; });
}

} // namespace triage
