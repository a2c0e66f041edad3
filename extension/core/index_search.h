// The search for the set of candidates with the greatest net benefit that fits the limits: greedy
// by benefit and by benefit per byte, each climbed further by adding, dropping and exchanging.
// Where the limits keep something useful out, room is made for it, too.
#pragma once

#include "core/priced_workload.h"
#include "core/selection.h"

#include <vector>

namespace triage {

class IndexSearch {
  public:
    IndexSearch(PricedWorkload &priced, const std::vector<Candidate> &candidates,
                const SelectionLimits &limits);

    // Once more after sizes have changed, it considers what it did before.
    CandidateSet run();

    // Of one execution of statement number `i` of the priced workload, whatever is chosen.
    double lowest_cost(std::size_t i) const { return lowest_[i]; }

  private:
    using Change = std::vector<CandidateId>; // candidates to add together

    // A possible answer; `total` is the weighted cost of all statements and the upkeep of the
    // chosen.
    struct State {
        CandidateSet chosen;
        std::vector<double> cost; // one execution, by statement
        double total = 0, bytes = 0;
    };

    void gather();
    template <class Adjust>
    void ask_in_rounds(std::vector<CandidateSet> offers, int rounds, Adjust adjust);
    void take_smaller(CandidateSet &left, const CandidateSet &used) const;
    bool gather_used(std::size_t i, const CandidateSet &offered, CandidateSet &used);
    void index_what_was_gathered();

    State initial() const;
    State greedy(State state, bool per_byte, const CandidateSet &banned = {});
    State refined(State state);
    class Differences;
    bool improve(State &state, Differences &differences);
    bool leaves_out_what_gains(const State &state);
    State with_room_made(State state);

    double difference(const State &state, const CandidateSet &chosen);
    void move(State &state, const CandidateSet &chosen);
    template <class Visit> void for_each_touched(const CandidateSet &changed, Visit visit);
    CandidateSet with(const CandidateSet &chosen, const Change &added) const;
    bool redundant_pair(CandidateId a, CandidateId b) const;
    double bytes_of(const CandidateSet &chosen) const;
    bool fits(const CandidateSet &chosen) const;
    bool is_gain(double before, double after) const;

    PricedWorkload &priced_;
    const std::vector<Candidate> &candidates_;
    const SelectionLimits limits_;

    bool gathered_ = false;
    std::vector<std::size_t> by_cost_;            // statements, the costliest first
    std::vector<double> lowest_;                  // by statement
    std::vector<CandidateSet> useful_;            // by statement: what the search considers for it
    std::vector<Change> changes_;                 // what greedy and refinement may add
    std::vector<std::vector<std::size_t>> users_; // by candidate: statements that may use it
    std::vector<CandidateSet> neighbours_;        // by candidate: those that share a user with it
    std::vector<std::size_t> touched_at_;         // by statement: visit number of for_each_touched
    std::size_t visit_ = 0;
    double tolerance_ = 0; // differences below it are rounding
};

} // namespace triage
