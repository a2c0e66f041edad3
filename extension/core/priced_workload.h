// The statements of a workload with what they cost under any set of candidates, each by its weight,
// and what the candidates cost the writers. All of it in one currency, planner units.
#pragma once

#include "core/candidate_set.h"
#include "core/plan_memory.h"
#include "core/served_already.h"
#include "core/what_if.h"
#include "core/workload.h"

#include <vector>

namespace triage {

// A statement that could be planned.
struct PricedStatement {
    std::size_t statement = 0; // place in the workload
    bool has_parameters = false;
    double generic_share = 0; // of its executions; 0 without parameters
    // With none of the candidates: custom plan, generic plan, and both by their shares.
    double custom_before = 0, generic_before = 0, before = 0;
    double weight = 0;
    // Of the variants of one statement, by the values that it is run with: the place of the one
    // that costs most, by its weight. Its own where there is no other.
    std::size_t heaviest_variant = 0;
    // Candidates on its relations that may be worth something beside the indexes that exist.
    CandidateSet relevant;
    std::vector<CandidateSet> groups; // `relevant` in parts that the planner is offered at once
};

struct Price {
    double cost = 0; // one execution, custom and generic plans by their shares; not weighted
    CandidateSet used;
};

// Each may spend planner calls up to a limit of its own; what is asked about the finalists comes on
// top.
enum class Phase {
    Searching, // for what is worth considering, and the best set of that
    Settling,  // what that leaves much in doubt
    Explaining // what each of the chosen saves
};

enum class Check {
    Estimated, // what is remembered, unless the doubt is worth a call of the planner
    Explained, // the same, of the calls that are kept for that; what is much in doubt is asked
    Inferred,  // what follows from the memory of plans; the planner is asked where nothing does
    Exact      // this very question put to the planner
};

class PricedWorkload {
  public:
    // Plans every statement once with nothing.
    PricedWorkload(const Workload &workload, const std::vector<Candidate> &candidates,
                   WhatIf &what_if, double min_improvement);

    const std::vector<PricedStatement> &statements() const { return statements_; }

    // Places of the statements that the candidate is relevant to.
    const std::vector<std::size_t> &users(CandidateId id) const { return users_[id]; }

    Price price(const PricedStatement &statement, const CandidateSet &offered,
                Check check = Check::Inferred);

    // As price(), for any number of the relevant candidates: a knock-out in the statement's groups,
    // since the planner's work grows with every index. That the groups stay the same lets one that
    // lost none of its winners answer from memory. The lowest cost it finds is the lowest possible
    // while the indexes that win together would also win apart.
    Price price_in_groups(const PricedStatement &statement, CandidateSet offered);

    // The candidate turned out to be of another size.
    void resize(const Workload &workload, CandidateId id, const Candidate &candidate);

    // Planner units that a candidate costs the writers in the observed time.
    double upkeep(CandidateId id) const { return upkeep_[id]; }

    // Null if nothing is known of the candidate's relation.
    const WorthSaving *worth_saving(CandidateId id) const {
        return worth_saving_[id] ? &*worth_saving_[id] : nullptr;
    }

    PlanMemory &memory() { return memory_; }

    // False once the phase has had its planner calls: the rest is for what comes after it.
    bool may_ask(Phase phase) const;

    static double mixed(const PricedStatement &statement, double custom, double generic) {
        return (1 - statement.generic_share) * custom + statement.generic_share * generic;
    }

  private:
    void plan_with_nothing(const Workload &workload, const std::vector<Candidate> &candidates);
    void weigh_statements(const Workload &workload);
    void find_heaviest_variants(const Workload &workload);
    PlanMemory::Answer answer(const PricedStatement &statement, PlanMode mode,
                              const CandidateSet &offered, Check check);

    PlanMemory memory_;
    const double least_doubt_;        // that is worth a call; share of a statement's cost
    const double most_calls_;         // times as many as usual
    double different_statements_ = 0; // variants of one count once
    double even_share_ = 0;           // of the whole workload's cost, were all statements alike
    std::vector<PricedStatement> statements_;
    std::vector<std::vector<std::size_t>> users_;          // by candidate
    std::vector<double> upkeep_;                           // by candidate
    std::vector<std::optional<WorthSaving>> worth_saving_; // by candidate
};

} // namespace triage
