#include "core/plan_memory.h"

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
