// The steps, in order: price every statement; search for the set with the greatest net benefit;
// exchange indexes for smaller ones that do as well; leave out keys that do nothing; take out
// what does not earn its keep; look at how large the rest would really be, and search again with
// these sizes; recheck and explain what is left.
#include "core/selection.h"
#include "core/index_search.h"
#include "core/priced_workload.h"
#include "core/served_already.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <set>

namespace triage {
namespace {

// Of two indexes of which one serves all that the other does, both stay only if the smaller one
// saves at least this share of its statements' cost beside the larger one.
constexpr double redundancy_threshold = 0.25;

// A partial index takes the place of one with fewer conditions if it has at most this share of its
// size, and none of the statements costs more than so many times as much. The planner's costs of
// two indexes that find the same rows differ that much by the correlation of their leading columns
// alone.
constexpr double much_smaller = 0.5;
constexpr double about_as_good = 2;
// What is left of a statement's cost is small change beside what it was without any index.
constexpr double hardly_noticed = 0.02;
// INCLUDE columns stay only for statements that they save at least min_improvement of their cost:
// next to what the keys save, the fetch of a few rows from the table is nothing, and the planner
// counts it dearer than it is where the table's pages are cached. Not asked for less space than
// this share.
constexpr double somewhat_smaller = 0.9;
// Costs that differ by this share are the same.
constexpr double rounding = 1e-9;

// Beyond what it costs the writers, an index must save this share of what the workload costs with
// the rest of the set: the next refresh, which finds the rest built, would propose it otherwise.
// Less is neither felt by the server nor worth a definition that somebody has to own, nor is less
// than the second share of what the workload costs today. Where many statements share the load
// evenly, half of what each of them has is enough.
constexpr double noticed_by_the_server = 0.01;
constexpr double noticed_at_all = 0.001;
constexpr double half_a_fair_share = 0.5;
// Or it must cut a statement that somebody notices waiting for to a tenth, however seldom that is
// asked for. 100 ms is about the limit below which an answer feels instantaneous (Nielsen,
// Usability Engineering, 1993).
constexpr double noticed_by_a_user = 100;
constexpr double large_improvement = 0.9;

// How often the search begins anew because the data show other sizes than the statistics, and by
// how much they must differ.
constexpr int most_size_rounds = 8;
constexpr double other_size = 0.02;

// What one index of the final set is good for: the set with it against the set without it.
struct Contribution {
    std::vector<std::pair<double, const PricedStatement *>> statements; // saved, by whom
    double before = 0, after = 0;                                       // weighted

    double saved() const { return before - after; }
    double share() const { return before > 0 ? saved() / before : 0; }
};

using RelationKey = std::pair<RelationId, KeyExpression>;

// What no statement compares with a value of its own nor orders by.
std::set<RelationKey> keys_only_joined(const Workload &workload) {
    std::set<RelationKey> joined, others;
    for (const Statement &statement : workload.statements)
        for (const RelationAccess &access : statement.accesses) {
            for (const Clause &clause : access.clauses)
                (clause.operand == Operand::Join ? joined : others)
                    .emplace(access.relation, clause.key);
            for (const SortColumn &column : access.order_by)
                others.emplace(access.relation, column.key);
            for (const KeyExpression &key : access.group_by)
                others.emplace(access.relation, key);
        }
    std::erase_if(joined, [&](const RelationKey &key) { return others.contains(key); });
    return joined;
}

class Selector {
  public:
    Selector(const Workload &workload, const std::vector<Candidate> &candidates, WhatIf &what_if,
             const SelectionLimits &limits, SizeByData *size_by_data)
        : workload_(workload), candidates_(candidates), limits_(limits),
          size_by_data_(size_by_data), only_joined_(keys_only_joined(workload)),
          priced_(workload, candidates, what_if, limits.min_improvement),
          search_(priced_, candidates_, limits) {
        for (const PricedStatement &statement : priced_.statements())
            workload_cost_ += statement.weight * statement.before;
    }

    Selection run() {
        choose();
        for (int round = 0; round < most_size_rounds && sizes_are_others(); round++)
            choose();
        fit();
        recheck();
        return explain();
    }

  private:
    void choose() {
        chosen_ = search_.run();
        prefer_smaller_indexes();
        leave_out_idle_keys();
        drop_what_does_not_pay();
    }

    // Looks at the data of what is chosen and was not looked at before; true if that makes another
    // choice possible.
    bool sizes_are_others() {
        bool others = false;
        for (CandidateId id : chosen_.members()) {
            if (!size_by_data_ || looked_at_.contains(id))
                continue;
            looked_at_.insert(id);
            std::optional<SizeByData::Answer> seen = size_by_data_->look_at(id);
            if (!seen)
                continue;
            Candidate &candidate = candidates_[id];
            others |= std::abs(seen->size.bytes - candidate.size.bytes) >
                      other_size * candidate.size.bytes;
            candidate.size = seen->size;
            candidate.indexed_tuples = seen->indexed_tuples;
            priced_.resize(workload_, id, candidate);
        }
        return others && std::isfinite(limits_.budget_bytes);
    }

    // Where the last sizes are too large after all, what is least useful for its size goes.
    void fit() {
        while (bytes_of_chosen() > limits_.budget_bytes) {
            auto worth = [&](CandidateId id) {
                return (contribution(id).saved() - priced_.upkeep(id)) / candidates_[id].size.bytes;
            };
            std::vector<std::pair<double, CandidateId>> worths;
            for (CandidateId id : chosen_.members())
                worths.emplace_back(worth(id), id);
            chosen_.erase(std::min_element(worths.begin(), worths.end())->second);
        }
    }

    double bytes_of_chosen() const {
        double bytes = 0;
        for (CandidateId id : chosen_.members())
            bytes += candidates_[id].size.bytes;
        return bytes;
    }

    // The planner's heuristics can break what was inferred. What it does not confirm may go.
    void recheck() {
        for (;;) {
            bool confirmed = true;
            for (const PricedStatement &statement : priced_.statements()) {
                CandidateSet offered = chosen_ & statement.relevant;
                if (offered.empty())
                    continue;
                Price inferred = priced_.price(statement, offered);
                Price exact = priced_.price(statement, offered, Check::Exact);
                confirmed &= exact.used == inferred.used && exact.cost == inferred.cost;
            }
            std::size_t before = chosen_.size();
            if (!confirmed)
                drop_what_does_not_pay();
            if (chosen_.size() == before)
                return;
        }
    }

    // Only the statements that it improves beyond the planner's noise count.
    Contribution contribution(CandidateId id, Check check = Check::Estimated) {
        Contribution result;
        const WorthSaving *worth_saving = priced_.worth_saving(id);
        for (std::size_t i : priced_.users(id)) {
            const PricedStatement &statement = priced_.statements()[i];
            // Of a statement's variants only the heaviest is worth a call.
            const Check this_check =
                statement.heaviest_variant == i ? check : std::min(check, Check::Estimated);
            CandidateSet offered = chosen_ & statement.relevant;
            Price with_it = priced_.price(statement, offered, this_check);
            if (!with_it.used.contains(id))
                continue;
            offered.erase(id);
            double before = priced_.price(statement, offered, this_check).cost;
            double saved = before - with_it.cost;
            if (worth_saving ? !(*worth_saving)(statement.before, before, saved)
                             : saved <= 0 || saved < limits_.min_improvement * before)
                continue;
            result.before += statement.weight * before;
            result.after += statement.weight * with_it.cost;
            result.statements.emplace_back(statement.weight * saved, &statement);
        }
        std::stable_sort(result.statements.begin(), result.statements.end(),
                         [](const auto &a, const auto &b) { return a.first > b.first; });
        return result;
    }

    // The largest first, each for the one of the smaller ones with most keys that filter or order,
    // which is worth more than the planner's costs, that are within noise of each other, can tell.
    // Among those the one that costs the statements least.
    void prefer_smaller_indexes() {
        std::vector<CandidateId> by_size(candidates_.size());
        std::iota(by_size.begin(), by_size.end(), CandidateId{0});
        std::stable_sort(by_size.begin(), by_size.end(), [&](CandidateId a, CandidateId b) {
            return std::pair(candidates_[a].size.bytes, column_count(a)) <
                   std::pair(candidates_[b].size.bytes, column_count(b));
        });
        std::map<RelationId, std::vector<CandidateId>> by_keys;
        for (CandidateId id : by_size)
            by_keys[relation_of(id)].push_back(id);
        for (auto &[relation, ids] : by_keys)
            std::stable_sort(ids.begin(), ids.end(), [&](CandidateId a, CandidateId b) {
                return telling_keys(a) > telling_keys(b);
            });
        for (auto id = by_size.rbegin(); id != by_size.rend(); ++id) {
            std::optional<double> least_loss;
            CandidateId best = *id;
            if (!chosen_.contains(*id))
                continue;
            for (CandidateId other : by_keys[relation_of(*id)]) {
                if (least_loss && telling_keys(other) < telling_keys(best))
                    break;
                std::optional<double> loss = loss_by_exchange(other, *id);
                if (loss && (!least_loss || *loss < *least_loss)) {
                    least_loss = loss;
                    best = other;
                }
            }
            chosen_.erase(*id);
            chosen_.insert(best);
        }
    }

    RelationId relation_of(CandidateId id) const { return candidates_[id].definition.relation; }

    bool tells(RelationId relation, const KeyColumn &key) const {
        return !only_joined_.contains({relation, key.key});
    }

    std::size_t telling_keys(CandidateId id) const {
        const std::vector<KeyColumn> &keys = candidates_[id].definition.keys;
        return std::count_if(keys.begin(), keys.end(),
                             [&](const KeyColumn &key) { return tells(relation_of(id), key); });
    }

    std::size_t column_count(CandidateId id) const {
        const IndexDefinition &definition = candidates_[id].definition;
        return definition.keys.size() + definition.include.size();
    }

    std::optional<double> loss_by_exchange(CandidateId other, CandidateId id) {
        if (chosen_.contains(other))
            return std::nullopt;
        if (is_much_smaller_part(other, id))
            return loss_of_partial(other, id);
        if (is_without_included(other, id))
            return loss_without_included(other, id);
        return std::nullopt;
    }

    // (Both are of one relation.)
    bool is_much_smaller_part(CandidateId part, CandidateId whole) const {
        const Candidate &a = candidates_[part], &b = candidates_[whole];
        const std::vector<std::string> &narrow = a.definition.predicate,
                                       &wide = b.definition.predicate;
        return a.size.bytes <= much_smaller * b.size.bytes && narrow.size() > wide.size() &&
               std::includes(narrow.begin(), narrow.end(), wide.begin(), wide.end());
    }

    bool is_without_included(CandidateId narrow, CandidateId wide) const {
        const Candidate &a = candidates_[narrow], &b = candidates_[wide];
        return a.size.bytes <= somewhat_smaller * b.size.bytes &&
               a.definition.keys.size() == b.definition.keys.size() &&
               a.definition.include.size() < b.definition.include.size() &&
               a.definition.predicate == b.definition.predicate &&
               serves(b.definition, a.definition);
    }

    // Nothing, unless what the exchange costs all the statements and the writers is within the
    // noise of what the index saves them, and no statement becomes much slower.
    std::optional<double> loss_of_partial(CandidateId part, CandidateId whole) {
        return allowed_loss(part, whole,
                            [&](const PricedStatement &statement, double before, double after) {
                                return after <= about_as_good * before ||
                                       after - before <= hardly_noticed * statement.before;
                            });
    }

    // Nothing, unless of what each statement would cost without either, the exchange gives up no
    // more than noise. An existing index does not lower that: the next refresh would add the
    // INCLUDE columns that this one leaves out.
    std::optional<double> loss_without_included(CandidateId narrow, CandidateId wide) {
        const WorthSaving *wide_is = priced_.worth_saving(wide);
        auto without = [&](const PricedStatement &statement) {
            return wide_is ? wide_is->unserved(statement.before) : statement.before;
        };
        double already_saved = 0;
        for (auto [saved, statement] : contribution(wide).statements)
            already_saved += statement->weight * (without(*statement) - statement->before);
        return allowed_loss(
            narrow, wide,
            [&](const PricedStatement &statement, double before, double after) {
                return after - before <= limits_.min_improvement * without(statement);
            },
            already_saved);
    }

    CandidateSet chosen_after(CandidateId given, CandidateId taken) const {
        CandidateSet exchanged = chosen_;
        exchanged.erase(taken);
        exchanged.insert(given);
        return exchanged;
    }

    template <class Allows>
    std::optional<double> allowed_loss(CandidateId given, CandidateId taken, Allows allows,
                                       double already_saved = 0) {
        const CandidateSet exchanged = chosen_after(given, taken);
        Contribution current = contribution(taken);
        double allowed = limits_.min_improvement * (current.saved() + already_saved);
        double loss = priced_.upkeep(given) - priced_.upkeep(taken);
        auto agrees = [&](const PricedStatement &statement) {
            auto cost_under = [&](const CandidateSet &set) {
                return priced_.price(statement, set & statement.relevant, Check::Estimated).cost;
            };
            double before = cost_under(chosen_), after = cost_under(exchanged);
            loss += statement.weight * (after - before);
            return loss <= allowed && allows(statement, before, after);
        };
        // Those that gain most by the index are the likeliest to object.
        for (auto [saved, statement] : current.statements)
            if (!agrees(*statement))
                return std::nullopt;
        loss = priced_.upkeep(given) - priced_.upkeep(taken);
        for (std::size_t i : priced_.users(taken))
            if (!agrees(priced_.statements()[i]))
                return std::nullopt;
        return loss;
    }

    // Of joins that no plan looks up.
    void leave_out_idle_keys() {
        for (CandidateId id : chosen_.members()) {
            std::optional<CandidateId> narrowest;
            for (CandidateId other = 0; other < candidates_.size(); other++)
                if (is_without_some_keys(other, id) && !chosen_.contains(other) &&
                    (!narrowest || column_count(other) < column_count(*narrowest)) &&
                    costs_no_more(other, id))
                    narrowest = other;
            if (narrowest) {
                chosen_.erase(id);
                chosen_.insert(*narrowest);
            }
        }
    }

    // The same keys but for some that are only joined, and no larger.
    bool is_without_some_keys(CandidateId narrow, CandidateId wide) const {
        const IndexDefinition &a = candidates_[narrow].definition,
                              &b = candidates_[wide].definition;
        if (a.relation != b.relation || a.method != b.method || a.predicate != b.predicate ||
            a.keys.size() >= b.keys.size() ||
            candidates_[narrow].size.bytes > candidates_[wide].size.bytes)
            return false;
        auto next = a.keys.begin();
        for (const KeyColumn &key : b.keys)
            if (next != a.keys.end() && *next == key)
                ++next;
            else if (tells(b.relation, key))
                return false;
        return next == a.keys.end();
    }

    bool costs_no_more(CandidateId given, CandidateId taken) {
        const CandidateSet exchanged = chosen_after(given, taken);
        const std::vector<std::size_t> &users = priced_.users(taken);
        return std::all_of(users.begin(), users.end(), [&](std::size_t i) {
            const PricedStatement &statement = priced_.statements()[i];
            const Price now = priced_.price(statement, chosen_ & statement.relevant);
            return !now.used.contains(taken) ||
                   priced_.price(statement, exchanged & statement.relevant).cost <=
                       now.cost * (1 + rounding);
        });
    }

    double cost_with_chosen() {
        double sum = 0;
        for (const PricedStatement &statement : priced_.statements())
            sum += statement.weight *
                   priced_.price(statement, chosen_ & statement.relevant, Check::Estimated).cost;
        return sum;
    }

    // Beside the whole workload, nobody would notice it. Of texts it is not known how often they
    // run, so each of them counts.
    bool is_small_change(CandidateId id, const Contribution &contribution, double left_over) const {
        double share = std::min(noticed_by_the_server,
                                half_a_fair_share / static_cast<double>(std::max<std::size_t>(
                                                        priced_.statements().size(), 1)));
        double least =
            strictness(limits_.min_improvement) *
            std::max(share * left_over, std::min(share, noticed_at_all) * workload_cost_);
        if (contribution.saved() - priced_.upkeep(id) >= least)
            return false;
        return std::none_of(
            contribution.statements.begin(), contribution.statements.end(), [&](const auto &entry) {
                const auto &[saved, priced] = entry;
                const Statement &statement = workload_.statements[priced->statement];
                return statement.mean_ms <= 0 ||
                       (statement.mean_ms >= noticed_by_a_user &&
                        saved >= large_improvement * priced->weight * priced->before);
            });
    }

    bool pays(CandidateId id, const Contribution &contribution, double left_over) const {
        if (contribution.saved() <= priced_.upkeep(id) ||
            is_small_change(id, contribution, left_over))
            return false;
        if (contribution.share() >= strictness(limits_.min_improvement) * redundancy_threshold)
            return true;
        std::vector<CandidateId> others = chosen_.members();
        return std::none_of(others.begin(), others.end(), [&](CandidateId other) {
            return other != id && serves(candidates_[other].definition, candidates_[id].definition);
        });
    }

    // One at a time, the poorest first: what one gives up, another may earn.
    void drop_what_does_not_pay() {
        std::map<CandidateId, Contribution> contributions;
        for (;;) {
            const double left_over = cost_with_chosen();
            std::vector<std::pair<double, CandidateId>> poor;
            for (CandidateId id : chosen_.members()) {
                auto [known, is_new] = contributions.try_emplace(id);
                if (is_new)
                    known->second = contribution(id);
                if (!pays(id, known->second, left_over))
                    poor.emplace_back(known->second.saved() - priced_.upkeep(id), id);
            }
            if (poor.empty())
                return;
            const CandidateId dropped = std::min_element(poor.begin(), poor.end())->second;
            chosen_.erase(dropped);
            for (std::size_t i : priced_.users(dropped))
                for (CandidateId id : (chosen_ & priced_.statements()[i].relevant).members())
                    contributions.erase(id);
        }
    }

    Selection explain() {
        Selection selection;
        const std::vector<PricedStatement> &statements = priced_.statements();
        for (std::size_t i = 0; i < statements.size(); i++) {
            const PricedStatement &s = statements[i];
            StatementEffect e = effect(s);
            double after = PricedWorkload::mixed(s, e.cost_after, e.generic_cost_after);
            selection.workload_cost_before += s.weight * s.before;
            selection.workload_cost_after += s.weight * after;
            selection.lower_bound += s.weight * std::min(search_.lowest_cost(i), after);
            selection.effects.push_back(std::move(e));
        }
        for (CandidateId id : chosen_.members())
            selection.indexes.push_back(explain_index(id, selection.workload_cost_before));
        std::stable_sort(selection.indexes.begin(), selection.indexes.end(),
                         [](const ChosenIndex &a, const ChosenIndex &b) {
                             return a.cost_before - a.cost_after > b.cost_before - b.cost_after;
                         });
        selection.planner_calls = priced_.memory().planner_calls();
        selection.reused_answers = priced_.memory().reused_answers();
        return selection;
    }

    StatementEffect effect(const PricedStatement &statement) {
        CandidateSet offered = chosen_ & statement.relevant;
        StatementEffect effect;
        effect.statement = statement.statement;
        effect.used = priced_.price(statement, offered, Check::Exact).used.members();
        auto cost = [&](PlanMode mode, double before) {
            auto answer = priced_.memory().ask_exactly(statement.statement, mode, offered);
            return answer ? answer->cost : before;
        };
        effect.cost_before = statement.custom_before;
        effect.cost_after = cost(PlanMode::Custom, statement.custom_before);
        if (statement.has_parameters) {
            effect.generic_cost_before = statement.generic_before;
            effect.generic_cost_after = cost(PlanMode::Generic, statement.generic_before);
        }
        return effect;
    }

    ChosenIndex explain_index(CandidateId id, double workload_cost) {
        Contribution c = contribution(id, Check::Explained); // what it says is to be true
        ChosenIndex index;
        index.candidate = id;
        index.size = candidates_[id].size;
        index.indexed_tuples = candidates_[id].indexed_tuples;
        index.cost_before = c.before;
        index.cost_after = c.after;
        index.improvement = workload_cost > 0 ? c.saved() / workload_cost : 0;
        index.write_cost = priced_.upkeep(id);
        for (auto [saved, statement] : c.statements) {
            index.statements.push_back(statement->statement);
            index.generic_plan_ok &= usable_by_generic_plan(*statement, id);
        }
        return index;
    }

    // Another chosen index may win the generic plan; that does not make this one unusable in it.
    bool usable_by_generic_plan(const PricedStatement &statement, CandidateId id) {
        if (!statement.has_parameters)
            return true;
        for (const CandidateSet &offered : {chosen_ & statement.relevant, CandidateSet({id})}) {
            auto answer = priced_.memory().ask(statement.statement, PlanMode::Generic, offered);
            if (answer && answer->used.contains(id))
                return true;
        }
        return false;
    }

    const Workload &workload_;
    std::vector<Candidate> candidates_; // with the sizes that are known by now
    const SelectionLimits limits_;
    SizeByData *size_by_data_;
    const std::set<RelationKey> only_joined_;
    CandidateSet looked_at_;
    PricedWorkload priced_;
    double workload_cost_ = 0; // weighted, with none of the candidates
    IndexSearch search_;
    CandidateSet chosen_;
};

} // namespace

Selection select_indexes(const Workload &workload, const std::vector<Candidate> &candidates,
                         WhatIf &what_if, const SelectionLimits &limits, SizeByData *size_by_data) {
    return Selector(workload, candidates, what_if, limits, size_by_data).run();
}

} // namespace triage
