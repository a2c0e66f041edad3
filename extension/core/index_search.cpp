#include "core/index_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <queue>

namespace triage {
namespace {

// How often a statement is asked, once its favourites are known, what it would take instead: of
// what others use, and of the rest.
constexpr int most_shared = 3;
constexpr int most_alternatives = 8;
constexpr int most_refinements = 200;
// How often smaller ones are asked for than those that a plan used, and from which size on an index
// counts as smaller.
constexpr int most_smaller = 8;
constexpr double smaller = 0.9;
// How often room is made by taking an index out and filling up anew.
constexpr int most_refills = 200;
constexpr double page_size = 8192;

} // namespace

IndexSearch::IndexSearch(PricedWorkload &priced, const std::vector<Candidate> &candidates,
                         const SelectionLimits &limits)
    : priced_(priced), candidates_(candidates), limits_(limits),
      useful_(priced.statements().size()), cut_short_(priced.statements().size(), false),
      users_(candidates.size()), neighbours_(candidates.size()), redundant_(candidates.size()),
      touched_at_(priced.statements().size(), 0) {
    for (const PricedStatement &statement : priced.statements())
        lowest_.push_back(statement.before);
    by_cost_.resize(useful_.size());
    std::iota(by_cost_.begin(), by_cost_.end(), std::size_t{0});
    std::stable_sort(by_cost_.begin(), by_cost_.end(), [&](std::size_t a, std::size_t b) {
        const PricedStatement &x = priced.statements()[a], &y = priced.statements()[b];
        return x.weight * x.before > y.weight * y.before;
    });
    tolerance_ = 1e-9 * (1 + initial().total);
}

CandidateSet IndexSearch::run() {
    if (!gathered_) {
        gather();
        gathered_ = true;
    }
    State best = refined(greedy(initial(), false));
    State other = refined(greedy(initial(), true));
    if (other.total < best.total - tolerance_)
        best = std::move(other);
    if (leaves_out_what_gains(best))
        best = with_room_made(std::move(best));
    return best.chosen;
}

// ---- What is worth considering ------------------------------------------------------------------

// What each statement uses when it may choose freely; then, as far as planner calls go, what else
// might do: smaller ones, what others would have anyway, and what it uses when its favourites are
// taken away.
void IndexSearch::gather() {
    std::vector<CandidateSet> all;
    for (const PricedStatement &statement : priced_.statements())
        all.push_back(statement.relevant);
    auto without = [](CandidateSet &left, const CandidateSet &used) { left -= used; };
    std::vector<CandidateSet> favourites(all.size());
    for (std::size_t i : by_cost_)
        gather_used(i, all[i], favourites[i]);
    if (std::isfinite(limits_.budget_bytes))
        ask_in_rounds(all, most_smaller, [&](CandidateSet &left, const CandidateSet &used) {
            take_smaller(left, used);
        });
    CandidateSet pool;
    for (const CandidateSet &useful : useful_)
        pool |= useful;
    std::vector<CandidateSet> shared, rest;
    for (std::size_t i = 0; i < all.size(); i++)
        shared.push_back((pool & all[i]) - useful_[i]);
    ask_in_rounds(shared, most_shared, without);
    for (std::size_t i = 0; i < all.size(); i++)
        rest.push_back(all[i] - favourites[i]);
    ask_in_rounds(rest, most_alternatives, without);
    index_what_was_gathered();
}

// Asks about every statement what it would use of its offer, again and again while it gains, with
// an offer changed by what it used. The costliest statements come first; what their heaviest
// variant answers is worth considering for the others, too.
template <class Adjust>
void IndexSearch::ask_in_rounds(std::vector<CandidateSet> offers, int rounds, Adjust adjust) {
    for (int round = 0; round < rounds; round++)
        for (std::size_t i : by_cost_) {
            CandidateSet &offered = offers[i], used;
            if (offered.empty() || priced_.statements()[i].heaviest_variant != i)
                continue;
            if (!priced_.may_ask(Phase::Searching)) {
                cut_short_[i] = true;
                continue;
            }
            if (gather_used(i, offered, used))
                adjust(offered, used);
            else
                offered = {};
        }
}

// Where space is scarce, what is smaller than the favourites counts, too: of each relation that a
// plan used an index of, only smaller ones are left.
void IndexSearch::take_smaller(CandidateSet &left, const CandidateSet &used) const {
    std::map<RelationId, double> largest;
    for (CandidateId id : used.members()) {
        double &bytes = largest[candidates_[id].definition.relation];
        bytes = std::max(bytes, candidates_[id].size.bytes);
    }
    for (CandidateId id : left.members()) {
        auto found = largest.find(candidates_[id].definition.relation);
        if (found != largest.end() && candidates_[id].size.bytes >= smaller * found->second)
            left.erase(id);
    }
}

// Notes what the statement uses of what is offered; false if that is nothing worth while.
bool IndexSearch::gather_used(std::size_t i, const CandidateSet &offered, CandidateSet &used) {
    if (offered.empty())
        return false;
    const PricedStatement &statement = priced_.statements()[i];
    Price price = priced_.price_in_groups(statement, offered);
    lowest_[i] = std::min(lowest_[i], price.cost);
    if (price.used.empty() || !is_gain(statement.before, price.cost))
        return false;
    used = price.used;
    useful_[i] |= used;
    // Indexes that a plan uses together may be worth nothing one by one.
    if (used.size() > 1)
        changes_.push_back(used.members());
    return true;
}

void IndexSearch::index_what_was_gathered() {
    for (std::size_t i = 0; i < useful_.size(); i++) {
        const PricedStatement &statement = priced_.statements()[i];
        useful_[i] |= useful_[statement.heaviest_variant] & statement.relevant;
    }
    CandidateSet pool;
    for (const CandidateSet &useful : useful_)
        pool |= useful;
    // What others would have anyway may do for this one, too: that was not asked to the end.
    for (std::size_t i = 0; i < useful_.size(); i++)
        if (cut_short_[priced_.statements()[i].heaviest_variant])
            useful_[i] |= pool & priced_.statements()[i].relevant;
    for (std::size_t i = 0; i < useful_.size(); i++) {
        for (CandidateId id : useful_[i].members()) {
            users_[id].push_back(i);
            neighbours_[id] |= useful_[i];
        }
    }
    for (CandidateId id : pool.members())
        changes_.push_back({id});
    std::sort(changes_.begin(), changes_.end());
    changes_.erase(std::unique(changes_.begin(), changes_.end()), changes_.end());
    find_redundant(pool);
}

// Same rows, and one does all that the other does: the two are never both worth having.
void IndexSearch::find_redundant(const CandidateSet &pool) {
    std::map<RelationId, std::vector<CandidateId>> by_relation;
    for (CandidateId id : pool.members())
        by_relation[candidates_[id].definition.relation].push_back(id);
    for (const auto &[relation, ids] : by_relation)
        for (CandidateId id : ids)
            for (CandidateId other : ids) {
                const IndexDefinition &x = candidates_[id].definition;
                const IndexDefinition &y = candidates_[other].definition;
                if (id != other && x.predicate == y.predicate && (serves(x, y) || serves(y, x)))
                    redundant_[id].insert(other);
            }
}

// Below min_improvement lies the planner's noise.
bool IndexSearch::is_gain(double before, double after) const {
    return after < before && before - after >= limits_.min_improvement * before;
}

// ---- States and moves ---------------------------------------------------------------------------

IndexSearch::State IndexSearch::initial() const {
    State state;
    for (const PricedStatement &statement : priced_.statements()) {
        state.cost.push_back(statement.before);
        state.total += statement.weight * statement.before;
    }
    return state;
}

// The change is added, and what it makes redundant goes.
IndexSearch::Move IndexSearch::adding(const State &state, const Change &added) const {
    Move move;
    for (CandidateId id : added) {
        const bool chosen = state.chosen.contains(id);
        if (chosen ? !move.gone.contains(id) : move.come.contains(id))
            continue;
        move.come -= redundant_[id];
        move.gone |= redundant_[id] & state.chosen;
        if (chosen)
            move.gone.erase(id);
        else
            move.come.insert(id);
    }
    for (CandidateId id : move.come.members())
        move.bytes += candidates_[id].size.bytes;
    for (CandidateId id : move.gone.members())
        move.bytes -= candidates_[id].size.bytes;
    return move;
}

IndexSearch::Move IndexSearch::removing(CandidateId id) const {
    return {{}, CandidateSet({id}), -candidates_[id].size.bytes};
}

bool IndexSearch::fits(const State &state, const Move &move) const {
    return state.chosen.size() + move.come.size() - move.gone.size() <= limits_.max_indexes &&
           state.bytes + move.bytes <= limits_.budget_bytes;
}

// Every statement that the move may change, with what it may choose from afterwards.
template <class Visit>
void IndexSearch::for_each_touched(const State &state, const Move &move, Visit visit) {
    visit_++;
    for (CandidateId id : move.changed().members())
        for (std::size_t i : users_[id])
            if (touched_at_[i] != visit_) {
                touched_at_[i] = visit_;
                CandidateSet offered = state.chosen & useful_[i];
                offered -= move.gone;
                offered |= move.come & useful_[i];
                visit(i, offered);
            }
}

// What `total` would grow by.
double IndexSearch::difference(const State &state, const Move &move) {
    double sum = 0;
    for (CandidateId id : move.gone.members())
        sum -= priced_.upkeep(id);
    for (CandidateId id : move.come.members())
        sum += priced_.upkeep(id);
    for_each_touched(state, move, [&](std::size_t i, const CandidateSet &offered) {
        const PricedStatement &statement = priced_.statements()[i];
        sum += statement.weight *
               (priced_.price(statement, offered, Check::Estimated).cost - state.cost[i]);
    });
    return sum;
}

void IndexSearch::make(State &state, const Move &move) {
    state.total += difference(state, move);
    for_each_touched(state, move, [&](std::size_t i, const CandidateSet &offered) {
        state.cost[i] = priced_.price(priced_.statements()[i], offered, Check::Estimated).cost;
    });
    state.chosen -= move.gone;
    state.chosen |= move.come;
    state.bytes += move.bytes;
}

// ---- The search ---------------------------------------------------------------------------------

// Makes the best change again and again, none of the banned. A change's gain seldom grows as others
// are made, so an old gain serves as a bound: only the changes that lead the queue are priced anew.
IndexSearch::State IndexSearch::greedy(State state, bool per_byte, const CandidateSet &banned) {
    struct Entry {
        double score;
        std::size_t change;
        std::size_t round; // in which it was priced
        bool operator<(const Entry &other) const {
            return score != other.score ? score < other.score : change > other.change;
        }
    };
    std::priority_queue<Entry> queue;
    for (std::size_t i = 0; i < changes_.size(); i++)
        if (std::none_of(changes_[i].begin(), changes_[i].end(),
                         [&](CandidateId id) { return banned.contains(id); }))
            queue.push({std::numeric_limits<double>::infinity(), i, 0});
    std::size_t round = 1;
    while (!queue.empty()) {
        Entry entry = queue.top();
        queue.pop();
        const Move move = adding(state, changes_[entry.change]);
        if (move.is_none() || !fits(state, move))
            continue;
        if (entry.round == round) {
            make(state, move);
            round++;
            continue;
        }
        double gain = -difference(state, move);
        if (gain <= tolerance_)
            continue;
        double bytes = std::max(move.bytes, page_size);
        queue.push({per_byte ? gain / bytes : gain, entry.change, round});
    }
    return state;
}

// What a move makes of the total, kept from one step to the next while no statement that it touches
// has changed.
class IndexSearch::Differences {
  public:
    explicit Differences(IndexSearch &search)
        : search_(search), moved_at_(search.candidates_.size(), 0) {}

    // `key` tells the moves apart that are asked about.
    double of(std::pair<std::size_t, std::size_t> key, const State &state, const Move &move) {
        Known &known = known_[key];
        if (known.step == 0 || known.move != move || was_touched(move, known.step))
            known = {move, search_.difference(state, move), step_};
        return known.difference;
    }

    void made(const Move &move) {
        step_++;
        for (CandidateId id : move.changed().members())
            for (CandidateId neighbour : search_.neighbours_[id].members())
                moved_at_[neighbour] = step_;
    }

  private:
    struct Known {
        Move move;
        double difference = 0;
        std::size_t step = 0;
    };

    bool was_touched(const Move &move, std::size_t since) const {
        std::vector<CandidateId> ids = move.changed().members();
        return std::any_of(ids.begin(), ids.end(),
                           [&](CandidateId id) { return moved_at_[id] > since; });
    }

    IndexSearch &search_;
    std::map<std::pair<std::size_t, std::size_t>, Known> known_;
    std::vector<std::size_t> moved_at_; // by candidate: step at which a neighbour last moved
    std::size_t step_ = 1;
};

IndexSearch::State IndexSearch::refined(State state) {
    Differences differences(*this);
    for (int step = 0; step < most_refinements && improve(state, differences); step++)
        ;
    return state;
}

// Additions as improve() looks for them: with what they share a statement, and where room is short.
class IndexSearch::Additions {
  public:
    struct Addition {
        std::size_t change;
        Move move;
        double difference;
    };

    explicit Additions(const IndexSearch &search)
        : search_(search), by_candidate_(search.candidates_.size()) {}

    void add(Addition addition, bool fits) {
        const std::size_t place = all_.size();
        for (CandidateId id : addition.move.changed().members())
            by_candidate_[id].push_back(place);
        if (!fits)
            too_large_.emplace(addition.difference, place);
        all_.push_back(std::move(addition));
    }

    // Those that some statement may use together with the candidate, in their order.
    std::vector<std::size_t> beside(CandidateId id) const {
        std::vector<std::size_t> places;
        for (CandidateId neighbour : search_.neighbours_[id].members())
            places.insert(places.end(), by_candidate_[neighbour].begin(),
                          by_candidate_[neighbour].end());
        std::sort(places.begin(), places.end());
        places.erase(std::unique(places.begin(), places.end()), places.end());
        return places;
    }

    // Those that do not fit, the greatest gain first.
    const std::multimap<double, std::size_t> &too_large() const { return too_large_; }

    const Addition &operator[](std::size_t place) const { return all_[place]; }

  private:
    const IndexSearch &search_;
    std::vector<Addition> all_;
    std::vector<std::vector<std::size_t>> by_candidate_;
    std::multimap<double, std::size_t> too_large_;
};

// Makes the best of all single changes, removals and exchanges; false if none is better. Of two
// equally good ones the smaller wins.
bool IndexSearch::improve(State &state, Differences &differences) {
    Move best;
    double best_difference = 0;
    auto consider = [&](const Move &move, double difference) {
        if (difference > best_difference + tolerance_ || move.is_none() || !fits(state, move))
            return;
        if (difference < best_difference - tolerance_ || move.bytes < best.bytes) {
            best = move;
            best_difference = difference;
        }
    };

    constexpr std::size_t nothing = std::numeric_limits<std::size_t>::max();
    Additions additions(*this);
    for (std::size_t change = 0; change < changes_.size(); change++) {
        Move move = adding(state, changes_[change]);
        if (move.is_none())
            continue;
        double price = differences.of({nothing, change}, state, move);
        consider(move, price);
        const bool has_room = fits(state, move);
        additions.add({change, std::move(move), price}, has_room);
    }
    for (CandidateId out : state.chosen.members()) {
        const Move removal = removing(out);
        const double removed = differences.of({out, nothing}, state, removal);
        consider(removal, removed);
        auto exchanged = [&](const Move &addition) {
            Move exchange = addition;
            if (!exchange.gone.contains(out)) {
                exchange.gone.insert(out);
                exchange.bytes += removal.bytes;
            }
            return exchange;
        };
        for (std::size_t place : additions.beside(out)) {
            const auto &[change, move, price] = additions[place];
            const Move exchange = exchanged(move);
            consider(exchange, differences.of({out, change}, state, exchange));
        }
        // Where no statement may use both, the two differences just add up: then the removal is
        // worth trying with the addition only if it makes room for it.
        for (auto [price, place] : additions.too_large()) {
            if (removed + price >= best_difference - tolerance_)
                break;
            const Move &move = additions[place].move;
            if (!neighbours_[out].intersects(move.changed()))
                consider(exchanged(move), removed + price);
        }
    }
    if (best.is_none())
        return false;
    make(state, best);
    differences.made(best);
    return true;
}

bool IndexSearch::leaves_out_what_gains(const State &state) {
    return std::any_of(changes_.begin(), changes_.end(), [&](const Change &change) {
        const Move move = adding(state, change);
        return !fits(state, move) && difference(state, move) < -tolerance_;
    });
}

// Two indexes may be worth more than the one that takes their place: each of the chosen is taken
// out for a try, and the room filled with others. The best of these tries, and again.
IndexSearch::State IndexSearch::with_room_made(State state) {
    for (int tries = 0; tries < most_refills;) {
        State best = state;
        for (CandidateId out : state.chosen.members()) {
            const CandidateSet banned({out});
            State with_room = state;
            make(with_room, removing(out));
            for (bool per_byte : {false, true}) {
                State filled = greedy(with_room, per_byte, banned);
                if (filled.total < best.total - tolerance_)
                    best = std::move(filled);
            }
            tries++;
        }
        if (best.chosen == state.chosen)
            break;
        state = refined(std::move(best));
    }
    return state;
}

} // namespace triage
