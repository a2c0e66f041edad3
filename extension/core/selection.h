// Which candidates to build: maximise the workload's saved time minus the price of keeping the
// indexes up to date, under a budget of bytes and of indexes.
#pragma once

#include "core/served_already.h"
#include "core/what_if.h"
#include "core/workload.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

namespace triage {

struct SelectionLimits {
    double budget_bytes = std::numeric_limits<double>::infinity();
    std::size_t max_indexes = std::numeric_limits<std::size_t>::max();
    // An index must improve its statements' cost by at least this share. 0: the planner is taken at
    // its word, and everything that gains is noticed.
    double min_improvement = usual_min_improvement;
};

// Looks at the data to see how large an index would be, which takes longer than the estimate that a
// candidate comes with.
class SizeByData {
  public:
    struct Answer {
        SizeEstimate size;
        double indexed_tuples = 0;
    };

    virtual ~SizeByData() = default;

    // Nothing if the data tells no more. May throw; is interruptible.
    virtual std::optional<Answer> look_at(CandidateId id) = 0;
};

struct StatementEffect {
    std::size_t statement = 0; // place in the workload
    double cost_before = 0;    // without any of the chosen, planner units
    double cost_after = 0;     // with all of the chosen
    // 0 when the statement has no parameters
    double generic_cost_before = 0, generic_cost_after = 0;
    std::vector<CandidateId> used;
};

struct ChosenIndex {
    CandidateId candidate = 0;
    SizeEstimate size; // by the data, where it was looked at
    double indexed_tuples = 0;
    // That use it in the final plan and gain by it beyond the planner's noise, most saved first.
    std::vector<std::size_t> statements;
    // Weighted cost of those statements without this index but with the rest (leave one out), and
    // with it.
    double cost_before = 0, cost_after = 0;
    double improvement = 0; // share of the whole workload's cost that it saves, 0..1
    double write_cost = 0;  // planner units in the observed time that keeping it costs
    // Used under generic plans too, wherever a statement has parameters.
    bool generic_plan_ok = true;
};

struct Selection {
    std::vector<ChosenIndex> indexes;     // most saved first
    std::vector<StatementEffect> effects; // one a statement of the workload that could be planned
    // Weighted, planner units.
    double workload_cost_before = 0, workload_cost_after = 0, lower_bound = 0;
    std::uint64_t planner_calls = 0;  // asked of the planner
    std::uint64_t reused_answers = 0; // answered from memory
};

Selection select_indexes(const Workload &workload, const std::vector<Candidate> &candidates,
                         WhatIf &what_if, const SelectionLimits &limits,
                         SizeByData *size_by_data = nullptr);

// Planner units that one new row version costs for one more index, averaged over the rows that its
// predicate takes in and leaves out.
double write_cost(const Relation &relation, const Candidate &candidate);

// Planner units that the candidate would have cost the writers in the observed time: insertions,
// updates (HOT ones as far as the index would end that), deletions by way of vacuum.
double maintenance_cost(const Workload &workload, const Candidate &candidate);

} // namespace triage
