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

    // What becomes of the chosen: some come, some go.
    struct Move {
        CandidateSet come, gone;
        double bytes = 0; // that the chosen grow by

        bool is_none() const { return come.empty() && gone.empty(); }
        CandidateSet changed() const { return come | gone; }
        bool operator==(const Move &) const = default;
    };

    void gather();
    template <class Adjust>
    void ask_in_rounds(std::vector<CandidateSet> offers, int rounds, Adjust adjust);
    void take_smaller(CandidateSet &left, const CandidateSet &used) const;
    bool gather_used(std::size_t i, const CandidateSet &offered, CandidateSet &used);
    void index_what_was_gathered();
    void find_redundant(const CandidateSet &pool);

    State initial() const;
    State greedy(State state, bool per_byte, const CandidateSet &banned = {});
    State refined(State state);
    class Differences;
    class Additions;
    bool improve(State &state, Differences &differences);
    bool leaves_out_what_gains(const State &state);
    State with_room_made(State state);

    Move adding(const State &state, const Change &added) const;
    Move removing(CandidateId id) const;
    bool fits(const State &state, const Move &move) const;
    template <class Visit> void for_each_touched(const State &state, const Move &move, Visit visit);
    double difference(const State &state, const Move &move);
    void make(State &state, const Move &move);
    bool is_gain(double before, double after) const;

    PricedWorkload &priced_;
    const std::vector<Candidate> &candidates_;
    const SelectionLimits limits_;

    bool gathered_ = false;
    std::vector<std::size_t> by_cost_;            // statements, the costliest first
    std::vector<double> lowest_;                  // by statement
    std::vector<CandidateSet> useful_;            // by statement: what the search considers for it
    std::vector<bool> cut_short_;                 // by statement: more could have been asked of it
    std::vector<Change> changes_;                 // what greedy and refinement may add
    std::vector<std::vector<std::size_t>> users_; // by candidate: statements that may use it
    std::vector<CandidateSet> neighbours_;        // by candidate: those that share a user with it
    std::vector<CandidateSet> redundant_;         // by candidate: those that it makes redundant
    std::vector<std::size_t> touched_at_;         // by statement: visit number of for_each_touched
    std::size_t visit_ = 0;
    double tolerance_ = 0; // differences below it are rounding
};

} // namespace triage
