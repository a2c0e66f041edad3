// The steps, in order: price every statement with nothing and with everything; keep the candidates
// that some plan wants; search for the set with the greatest net benefit; take out what does not
// earn its keep; explain what is left.
#include "core/selection.h"
#include "core/plan_memory.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <queue>

namespace triage {
namespace {

// More candidates than this are offered to the planner in groups: its work grows with every index.
constexpr std::size_t largest_offer = 32;
// How often a statement's favourites are taken away to see what it would take instead.
constexpr int most_alternatives = 10;
constexpr int most_refinements = 100;
// How far a statement's measured time may count above or below what its planned cost says. Beyond
// it something other than the plan (a lock, a slow client) explains the time.
constexpr double largest_calibration = 100;
// Of two indexes of which one serves all that the other does, both stay only if the smaller one
// saves at least this share of its statements' cost beside the larger one.
constexpr double redundancy_threshold = 0.25;

// A statement that could be planned.
struct Case {
    std::size_t statement = 0;
    bool has_parameters = false;
    double generic_share = 0; // 0 without parameters
    double custom_before = 0, generic_before = 0;
    double before = 0; // both, by their shares
    double lowest = 0; // with every candidate offered
    double weight = 0;
    CandidateSet relevant; // candidates on its relations
    CandidateSet useful;   // those that the search considers for it
};

struct Priced {
    double cost = 0;
    CandidateSet used;
};

// A possible answer, with what it costs: all statements and the upkeep of what was chosen.
struct State {
    CandidateSet chosen;
    std::vector<double> case_cost;
    double total = 0;
    double bytes = 0;
};

bool has_parameters(const Statement &statement) {
    for (const RelationAccess &access : statement.accesses)
        for (const Clause &clause : access.clauses)
            if (clause.operand == Operand::Parameter)
                return true;
    return false;
}

// Planner units a millisecond: the median over the measured statements, each counting by its time.
double units_per_ms(const Workload &workload, const std::vector<Case> &cases) {
    std::vector<std::pair<double, double>> ratios; // units per ms, time
    double time = 0;
    for (const Case &c : cases) {
        const Statement &statement = workload.statements[c.statement];
        if (statement.mean_ms > 0 && statement.calls > 0 && c.before > 0) {
            ratios.emplace_back(c.before / statement.mean_ms, statement.calls * statement.mean_ms);
            time += ratios.back().second;
        }
    }
    std::sort(ratios.begin(), ratios.end());
    double seen = 0;
    for (auto [ratio, share] : ratios)
        if ((seen += share) >= time / 2)
            return ratio;
    return 0;
}

class Selector {
  public:
    Selector(const Workload &workload, const std::vector<Candidate> &candidates, WhatIf &what_if,
             const SelectionLimits &limits)
        : workload_(workload), candidates_(candidates), limits_(limits), memory_(what_if) {}

    Selection run() {
        plan_with_nothing();
        weigh_statements();
        price_upkeep();
        gather_candidates();
        State best = search();
        drop_what_does_not_pay(best);
        return explain(best);
    }

  private:
    using Change = std::vector<CandidateId>; // candidates to add together

    // ---- Pricing ------------------------------------------------------------------------------

    void plan_with_nothing() {
        for (std::size_t i = 0; i < workload_.statements.size(); i++) {
            const Statement &statement = workload_.statements[i];
            Case c;
            c.statement = i;
            auto custom = memory_.ask(i, PlanMode::Custom, {});
            if (!custom)
                continue;
            c.custom_before = custom->cost;
            if (has_parameters(statement)) {
                if (auto generic = memory_.ask(i, PlanMode::Generic, {})) {
                    c.has_parameters = true;
                    c.generic_before = generic->cost;
                    c.generic_share = std::clamp(statement.generic_share, 0.0, 1.0);
                }
            }
            c.before = c.lowest = mixed(c, c.custom_before, c.generic_before);
            for (CandidateId id = 0; id < candidates_.size(); id++)
                for (const RelationAccess &access : statement.accesses)
                    if (access.relation == candidates_[id].definition.relation)
                        c.relevant.insert(id);
            cases_.push_back(std::move(c));
        }
    }

    static double mixed(const Case &c, double custom, double generic) {
        return (1 - c.generic_share) * custom + c.generic_share * generic;
    }

    // A statement counts by its executions, and where its time was measured, by its time: its
    // weight makes its planned cost equal to calls x mean_ms on the scale common to all, so that
    // the planner's misjudgement of one statement does not decide what others get.
    void weigh_statements() {
        double scale = units_per_ms(workload_, cases_);
        for (Case &c : cases_) {
            const Statement &statement = workload_.statements[c.statement];
            double calibration = 1;
            if (scale > 0 && statement.mean_ms > 0 && c.before > 0)
                calibration = std::clamp(statement.mean_ms * scale / c.before,
                                         1 / largest_calibration, largest_calibration);
            c.weight = std::max(statement.calls, 0.0) * calibration;
        }
    }

    void price_upkeep() {
        for (const Candidate &candidate : candidates_) {
            const Relation *relation = workload_.find_relation(candidate.definition.relation);
            upkeep_.push_back(relation ? maintenance_cost(*relation, candidate) : 0);
        }
    }

    enum class Check { Remembered, Exact };

    Priced price(const Case &c, const CandidateSet &offered, Check check = Check::Remembered) {
        auto ask = [&](PlanMode mode, double before) {
            auto answer = check == Check::Exact ? memory_.ask_exactly(c.statement, mode, offered)
                                                : memory_.ask(c.statement, mode, offered);
            return answer.value_or(PlanMemory::Answer{before, {}});
        };
        Priced priced;
        double custom = 0, generic = 0;
        if (c.generic_share < 1) {
            PlanMemory::Answer answer = ask(PlanMode::Custom, c.custom_before);
            custom = answer.cost;
            priced.used |= answer.used;
        }
        if (c.generic_share > 0) {
            PlanMemory::Answer answer = ask(PlanMode::Generic, c.generic_before);
            generic = answer.cost;
            priced.used |= answer.used;
        }
        priced.cost = mixed(c, custom, generic);
        return priced;
    }

    // As price(), for any number of candidates: a knock-out in groups.
    Priced price_in_groups(const Case &c, CandidateSet offered) {
        while (offered.size() > largest_offer) {
            CandidateSet winners;
            std::vector<CandidateId> members = offered.members();
            for (std::size_t from = 0; from < members.size(); from += largest_offer) {
                std::size_t to = std::min(from + largest_offer, members.size());
                winners |= price(c, CandidateSet({members.begin() + static_cast<long>(from),
                                                  members.begin() + static_cast<long>(to)}))
                               .used;
            }
            if (winners.size() == offered.size())
                break;
            offered = winners;
        }
        return price(c, offered);
    }

    // ---- What is worth considering ------------------------------------------------------------

    // What a statement uses when it may choose freely, and what it uses when that is taken away,
    // and so on while it still gains: what is nobody's favourite may serve many.
    void gather_candidates() {
        CandidateSet pool;
        for (Case &c : cases_) {
            CandidateSet left = c.relevant;
            for (int round = 0; round < most_alternatives && !left.empty(); round++) {
                Priced priced = price_in_groups(c, left);
                c.lowest = std::min(c.lowest, priced.cost);
                if (priced.used.empty() || !is_gain(c.before, priced.cost))
                    break;
                c.useful |= priced.used;
                left -= priced.used;
                if (priced.used.size() > 1)
                    add_package(priced.used);
            }
            pool |= c.useful;
        }
        for (CandidateId id : pool.members())
            changes_.push_back({id});
        affected_.resize(candidates_.size());
        for (std::size_t i = 0; i < cases_.size(); i++)
            for (CandidateId id : cases_[i].useful.members())
                affected_[id].push_back(i);
    }

    // Below min_improvement lies the planner's noise.
    bool is_gain(double before, double after) const {
        return after < before && before - after >= limits_.min_improvement * before;
    }

    // Indexes that a plan uses together may be worth nothing one by one.
    void add_package(const CandidateSet &used) {
        Change package = used.members();
        if (std::find(changes_.begin(), changes_.end(), package) == changes_.end())
            changes_.push_back(std::move(package));
    }

    // ---- The search ---------------------------------------------------------------------------

    State search() {
        State best = refined(greedy(false));
        State other = refined(greedy(true));
        if (other.total < best.total - tolerance())
            best = std::move(other);
        return best;
    }

    double tolerance() const { return 1e-9 * (1 + initial_state().total); }

    State initial_state() const {
        State state;
        for (const Case &c : cases_) {
            state.case_cost.push_back(c.before);
            state.total += c.weight * c.before;
        }
        return state;
    }

    // The state with `chosen` instead, pricing only the statements that the difference can touch.
    State moved(const State &state, CandidateSet chosen) {
        State result = state;
        CandidateSet difference = (state.chosen - chosen) | (chosen - state.chosen);
        std::vector<bool> touched(cases_.size(), false);
        for (CandidateId id : difference.members()) {
            double sign = chosen.contains(id) ? 1 : -1;
            result.total += sign * upkeep_[id];
            result.bytes += sign * candidates_[id].size.bytes;
            for (std::size_t i : affected_[id])
                touched[i] = true;
        }
        for (std::size_t i = 0; i < cases_.size(); i++) {
            if (!touched[i])
                continue;
            const Case &c = cases_[i];
            result.case_cost[i] = price(c, chosen & c.useful).cost;
            result.total += c.weight * (result.case_cost[i] - state.case_cost[i]);
        }
        result.chosen = std::move(chosen);
        return result;
    }

    // Same rows, and one does all that the other does: the two are never both worth having.
    bool redundant_pair(CandidateId a, CandidateId b) const {
        const IndexDefinition &x = candidates_[a].definition, &y = candidates_[b].definition;
        return x.predicate == y.predicate && (serves(x, y) || serves(y, x));
    }

    // `chosen` and what is added, without what that makes redundant.
    CandidateSet with(const CandidateSet &chosen, const Change &added) const {
        CandidateSet result = chosen;
        for (CandidateId id : added) {
            if (result.contains(id))
                continue;
            for (CandidateId other : result.members())
                if (redundant_pair(id, other))
                    result.erase(other);
            result.insert(id);
        }
        return result;
    }

    bool fits(const State &state) const {
        return state.bytes <= limits_.budget_bytes && state.chosen.size() <= limits_.max_indexes;
    }

    bool may_fit(const CandidateSet &chosen) const {
        double bytes = 0;
        for (CandidateId id : chosen.members())
            bytes += candidates_[id].size.bytes;
        return bytes <= limits_.budget_bytes && chosen.size() <= limits_.max_indexes;
    }

    // Adds the best change again and again. A change's gain seldom grows as others are made, so an
    // old gain serves as a bound: only the changes that lead the queue are priced anew.
    State greedy(bool per_byte) {
        struct Entry {
            double score;
            std::size_t change;
            std::size_t round;
            bool operator<(const Entry &other) const {
                return score != other.score ? score < other.score : change > other.change;
            }
        };
        State state = initial_state();
        std::priority_queue<Entry> queue;
        for (std::size_t i = 0; i < changes_.size(); i++)
            queue.push({std::numeric_limits<double>::infinity(), i, 0});
        for (std::size_t round = 1; !queue.empty();) {
            Entry entry = queue.top();
            queue.pop();
            CandidateSet chosen = with(state.chosen, changes_[entry.change]);
            if (chosen == state.chosen || !may_fit(chosen))
                continue;
            State next = moved(state, chosen);
            if (entry.round == round) {
                state = std::move(next);
                round++;
                continue;
            }
            double gain = state.total - next.total;
            if (gain <= tolerance())
                continue;
            double bytes = std::max(next.bytes - state.bytes, 8192.0);
            queue.push({per_byte ? gain / bytes : gain, entry.change, round});
        }
        return state;
    }

    // Climbs by adding, dropping and exchanging until nothing helps. Exchanges stay on one relation
    // unless the limits make relations compete.
    State refined(State state) {
        for (int step = 0; step < most_refinements; step++) {
            State best = state;
            auto consider = [&](CandidateSet chosen) {
                if (chosen == state.chosen || !may_fit(chosen))
                    return;
                State next = moved(state, std::move(chosen));
                double difference = next.total - best.total;
                if (difference < -tolerance() ||
                    (difference <= tolerance() && next.bytes < best.bytes))
                    best = std::move(next);
            };
            bool competing = false;
            for (const Change &change : changes_) {
                CandidateSet chosen = with(state.chosen, change);
                competing |= !may_fit(chosen);
                consider(std::move(chosen));
            }
            for (CandidateId out : state.chosen.members()) {
                CandidateSet without = state.chosen;
                without.erase(out);
                consider(without);
                for (const Change &change : changes_)
                    if (competing || same_relation(out, change.front()))
                        consider(with(without, change));
            }
            if (best.chosen == state.chosen)
                break;
            state = std::move(best);
        }
        return state;
    }

    bool same_relation(CandidateId a, CandidateId b) const {
        return candidates_[a].definition.relation == candidates_[b].definition.relation;
    }

    // ---- What earns its keep ------------------------------------------------------------------

    // What one index of the final set is good for: the set with it against the set without it.
    struct Contribution {
        std::vector<std::pair<double, std::size_t>> statements; // saved, case
        double before = 0, after = 0;

        double saved() const { return before - after; }
        double share() const { return before > 0 ? saved() / before : 0; }
    };

    // Only the statements that it improves beyond the planner's noise count.
    Contribution contribution(const CandidateSet &chosen, CandidateId id) {
        Contribution result;
        for (std::size_t i = 0; i < cases_.size(); i++) {
            const Case &c = cases_[i];
            if (!c.relevant.contains(id))
                continue;
            Priced with_it = price(c, chosen & c.relevant, Check::Exact);
            if (!with_it.used.contains(id))
                continue;
            CandidateSet rest = chosen & c.relevant;
            rest.erase(id);
            double before = price(c, rest).cost;
            if (!is_gain(before, with_it.cost))
                continue;
            result.before += c.weight * before;
            result.after += c.weight * with_it.cost;
            result.statements.emplace_back(c.weight * (before - with_it.cost), i);
        }
        std::stable_sort(result.statements.begin(), result.statements.end(),
                         [](const auto &a, const auto &b) { return a.first > b.first; });
        return result;
    }

    bool pays(const CandidateSet &chosen, CandidateId id, const Contribution &contribution) const {
        if (contribution.saved() <= upkeep_[id] || contribution.saved() <= 0)
            return false;
        for (CandidateId other : chosen.members())
            if (other != id && serves(candidates_[other].definition, candidates_[id].definition) &&
                contribution.share() < redundancy_threshold)
                return false;
        return true;
    }

    // One at a time, the poorest first: what one gives up, another may earn.
    void drop_what_does_not_pay(State &state) {
        for (;;) {
            bool found = false;
            CandidateId poorest = 0;
            double least = 0;
            for (CandidateId id : state.chosen.members()) {
                Contribution c = contribution(state.chosen, id);
                if (pays(state.chosen, id, c))
                    continue;
                double net = c.saved() - upkeep_[id];
                if (!found || net < least) {
                    found = true;
                    poorest = id;
                    least = net;
                }
            }
            if (!found)
                return;
            state.chosen.erase(poorest);
        }
    }

    // ---- The answer ---------------------------------------------------------------------------

    Selection explain(const State &state) {
        Selection selection;
        for (const Case &c : cases_) {
            selection.effects.push_back(effect(c, state.chosen));
            const StatementEffect &e = selection.effects.back();
            double after = mixed(c, e.cost_after, e.generic_cost_after);
            selection.workload_cost_before += c.weight * c.before;
            selection.workload_cost_after += c.weight * after;
            selection.lower_bound += c.weight * std::min(c.lowest, after);
        }
        for (CandidateId id : state.chosen.members())
            selection.indexes.push_back(
                chosen_index(state.chosen, id, selection.workload_cost_before));
        std::stable_sort(selection.indexes.begin(), selection.indexes.end(),
                         [](const ChosenIndex &a, const ChosenIndex &b) {
                             return a.cost_before - a.cost_after > b.cost_before - b.cost_after;
                         });
        selection.planner_calls = memory_.planner_calls();
        selection.reused_answers = memory_.reused_answers();
        return selection;
    }

    StatementEffect effect(const Case &c, const CandidateSet &chosen) {
        StatementEffect effect;
        effect.statement = c.statement;
        CandidateSet offered = chosen & c.relevant;
        auto custom = memory_.ask_exactly(c.statement, PlanMode::Custom, offered);
        effect.cost_before = c.custom_before;
        effect.cost_after = custom ? custom->cost : c.custom_before;
        CandidateSet used = custom ? custom->used : CandidateSet();
        if (c.has_parameters) {
            auto generic = memory_.ask_exactly(c.statement, PlanMode::Generic, offered);
            effect.generic_cost_before = c.generic_before;
            effect.generic_cost_after = generic ? generic->cost : c.generic_before;
            if (generic && c.generic_share > 0)
                used |= generic->used;
        }
        effect.used = used.members();
        return effect;
    }

    ChosenIndex chosen_index(const CandidateSet &chosen, CandidateId id, double workload_cost) {
        Contribution c = contribution(chosen, id);
        ChosenIndex index;
        index.candidate = id;
        index.cost_before = c.before;
        index.cost_after = c.after;
        index.improvement = workload_cost > 0 ? c.saved() / workload_cost : 0;
        index.write_cost = upkeep_[id];
        for (auto [saved, i] : c.statements) {
            index.statements.push_back(cases_[i].statement);
            index.generic_plan_ok &= usable_by_generic_plan(cases_[i], chosen, id);
        }
        return index;
    }

    // Another chosen index may win the generic plan; that does not make this one unusable in it.
    bool usable_by_generic_plan(const Case &c, const CandidateSet &chosen, CandidateId id) {
        if (!c.has_parameters)
            return true;
        for (const CandidateSet &offered : {chosen & c.relevant, CandidateSet({id})}) {
            auto answer = memory_.ask(c.statement, PlanMode::Generic, offered);
            if (answer && answer->used.contains(id))
                return true;
        }
        return false;
    }

    const Workload &workload_;
    const std::vector<Candidate> &candidates_;
    const SelectionLimits limits_;
    PlanMemory memory_;
    std::vector<Case> cases_;
    std::vector<double> upkeep_;
    std::vector<Change> changes_;
    std::vector<std::vector<std::size_t>> affected_; // by candidate: cases that may use it
};

} // namespace

Selection select_indexes(const Workload &workload, const std::vector<Candidate> &candidates,
                         WhatIf &what_if, const SelectionLimits &limits) {
    return Selector(workload, candidates, what_if, limits).run();
}

} // namespace triage
