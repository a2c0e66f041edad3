// Remembers what the planner answered, by the candidates a plan used and not by those it was
// offered: if the best plan under C uses only U, it is still there, and still the best, under every
// C' with U <= C' <= C. Most of selection's questions are answered this way.
#pragma once

#include "core/candidate_set.h"
#include "core/what_if.h"

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace triage {

class PlanMemory {
  public:
    explicit PlanMemory(WhatIf &what_if) : what_if_(what_if) {}

    struct Answer {
        double cost = 0;
        CandidateSet used;
    };

    // What earlier answers say of a question without putting it.
    struct Estimate {
        Answer answer;     // the cheapest remembered plan that `offered` makes possible
        double lowest = 0; // no plan under `offered` is cheaper
    };

    // Nothing if nothing is known of the statement in this mode.
    std::optional<Estimate> estimate(std::size_t statement, PlanMode mode,
                                     const CandidateSet &offered);

    // Nothing if the statement cannot be planned in this mode (WhatIf throws std::domain_error);
    // every other exception goes through and leaves the memory as it was.
    std::optional<Answer> ask(std::size_t statement, PlanMode mode, const CandidateSet &offered);

    // As ask(), but only an answer to exactly this question counts as remembered. Heuristics of the
    // planner (GEQO, fuzzy path comparison) can break the rule above, so finalists are checked.
    std::optional<Answer> ask_exactly(std::size_t statement, PlanMode mode,
                                      const CandidateSet &offered);

    std::uint64_t planner_calls() const { return planner_calls_; }
    std::uint64_t reused_answers() const { return reused_answers_; }

  private:
    struct Entry {
        CandidateSet offered;
        Answer answer;
    };
    struct Plans {
        bool plannable = true;
        std::vector<Entry> entries;
    };

    template <class Matches>
    std::optional<Answer> answer(std::size_t statement, PlanMode mode, const CandidateSet &offered,
                                 Matches matches);

    WhatIf &what_if_;
    std::map<std::pair<std::size_t, PlanMode>, Plans> plans_;
    std::uint64_t planner_calls_ = 0, reused_answers_ = 0;
};

} // namespace triage
