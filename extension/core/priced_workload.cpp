#include "core/priced_workload.h"
#include "core/candidate_use.h"
#include "core/selection.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace triage {
namespace {

// More candidates than this are offered to the planner in groups.
constexpr std::size_t largest_offer = 256;
// Planner calls until each phase is over: so many a statement, on the average.
constexpr double calls_to_search = 6.75;
constexpr double calls_to_settle = 7.25;
constexpr double calls_to_explain = 9;
// And so many fewer for each variant of a statement: the answer is checked for all of them.
constexpr double calls_for_variants = 0.4;
// A few statements are quickly searched: at least as much is asked as of so many.
constexpr double few_statements = 8;
// Where every gain counts, many more sets are worth a question.
constexpr double more_calls = 2;
// What the search does not ask about: doubts smaller than this share of a statement's own cost, or
// of what a statement costs on the average; and the same where every gain counts.
constexpr double small_doubt = 0.005, smallest_doubt = 0.0005;
// Large ones are asked about even when the calls for all others are spent: the search takes what it
// does not know to be of no use.
constexpr double large_doubt = 0.1;
// How far a statement's measured time may count above or below what its planned cost says. Beyond
// it something other than the plan (a lock, a slow client) explains the time.
constexpr double largest_calibration = 100;

bool has_parameters(const Statement &statement) {
    for (const RelationAccess &access : statement.accesses)
        for (const Clause &clause : access.clauses)
            if (clause.operand == Operand::Parameter)
                return true;
    return false;
}

bool writes(const Statement &statement) {
    for (const RelationAccess &access : statement.accesses)
        if (access.is_target)
            return true;
    return false;
}

// Planner units a millisecond: the median over the measured statements that an index might help,
// each counting by its time. Writers are left out: most of their time (log, triggers, locks) is
// none of what the planner counts, and they may be the bulk of a workload.
double units_per_ms(const Workload &workload, const std::vector<PricedStatement> &statements) {
    std::vector<std::pair<double, double>> ratios; // units per ms, time
    double time = 0;
    for (const PricedStatement &priced : statements) {
        const Statement &statement = workload.statements[priced.statement];
        if (statement.mean_ms > 0 && statement.calls > 0 && priced.before > 0 &&
            !priced.relevant.empty() && !writes(statement)) {
            ratios.emplace_back(priced.before / statement.mean_ms,
                                statement.calls * statement.mean_ms);
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

// Those given as texts have no queryid.
double count_statements(const Workload &workload) {
    std::set<std::int64_t> seen;
    double sum = 0;
    for (const Statement &statement : workload.statements)
        sum += statement.queryid == 0 || seen.insert(statement.queryid).second;
    return sum;
}

std::vector<CandidateSet> in_groups(const CandidateSet &candidates) {
    std::vector<CandidateSet> groups;
    for (CandidateId id : candidates.members()) {
        if (groups.empty() || groups.back().size() == largest_offer)
            groups.emplace_back();
        groups.back().insert(id);
    }
    return groups;
}

} // namespace

PricedWorkload::PricedWorkload(const Workload &workload, const std::vector<Candidate> &candidates,
                               WhatIf &what_if, double min_improvement)
    : memory_(what_if),
      least_doubt_(std::lerp(smallest_doubt, small_doubt, strictness(min_improvement))),
      most_calls_(std::lerp(more_calls, 1.0, strictness(min_improvement))),
      different_statements_(count_statements(workload)), users_(candidates.size()) {
    for (const Candidate &candidate : candidates) {
        const Relation *relation = workload.find_relation(candidate.definition.relation);
        worth_saving_.emplace_back();
        if (relation)
            worth_saving_.back().emplace(*relation, candidate.definition, min_improvement);
    }
    plan_with_nothing(workload, candidates);
    weigh_statements(workload);
    find_heaviest_variants(workload);
    for (const Candidate &candidate : candidates)
        upkeep_.push_back(maintenance_cost(workload, candidate));
}

void PricedWorkload::plan_with_nothing(const Workload &workload,
                                       const std::vector<Candidate> &candidates) {
    std::map<RelationId, std::vector<std::pair<CandidateId, CandidateUse>>> uses;
    for (CandidateId id = 0; id < candidates.size(); id++)
        if (const Relation *relation = workload.find_relation(candidates[id].definition.relation))
            uses[relation->id].emplace_back(id, CandidateUse(candidates[id].definition, *relation));
    for (std::size_t i = 0; i < workload.statements.size(); i++) {
        const Statement &statement = workload.statements[i];
        auto custom = memory_.ask(i, PlanMode::Custom, {});
        if (!custom)
            continue;
        PricedStatement priced;
        priced.statement = i;
        priced.custom_before = custom->cost;
        if (has_parameters(statement)) {
            if (auto generic = memory_.ask(i, PlanMode::Generic, {})) {
                priced.has_parameters = true;
                priced.generic_before = generic->cost;
                priced.generic_share = std::clamp(statement.generic_share, 0.0, 1.0);
            }
        }
        priced.before = mixed(priced, priced.custom_before, priced.generic_before);
        for (const RelationAccess &access : statement.accesses)
            for (const auto &[id, use] : uses[access.relation])
                if (use.possible(access) && worth_saving_[id]->possible(priced.before))
                    priced.relevant.insert(id);
        for (CandidateId id : priced.relevant.members())
            users_[id].push_back(statements_.size());
        priced.groups = in_groups(priced.relevant);
        statements_.push_back(std::move(priced));
    }
}

// A statement counts by its executions, and where its time was measured, by its time: its weight
// makes its planned cost equal to calls x mean_ms on the scale common to all, so that a
// misjudgement of one statement by the planner does not decide what the others get.
void PricedWorkload::weigh_statements(const Workload &workload) {
    double scale = units_per_ms(workload, statements_);
    for (PricedStatement &priced : statements_) {
        const Statement &statement = workload.statements[priced.statement];
        double calibration = 1;
        if (scale > 0 && statement.mean_ms > 0 && priced.before > 0)
            calibration = std::clamp(statement.mean_ms * scale / priced.before,
                                     1 / largest_calibration, largest_calibration);
        priced.weight = std::max(statement.calls, 0.0) * calibration;
        even_share_ += priced.weight * priced.before / static_cast<double>(statements_.size());
    }
}

void PricedWorkload::find_heaviest_variants(const Workload &workload) {
    std::map<std::int64_t, std::size_t> heaviest;
    auto queryid_of = [&](std::size_t i) {
        return workload.statements[statements_[i].statement].queryid;
    };
    auto cost_of = [&](std::size_t i) { return statements_[i].weight * statements_[i].before; };
    for (std::size_t i = 0; i < statements_.size(); i++) {
        auto [found, first] = heaviest.emplace(queryid_of(i), i);
        if (!first && cost_of(i) > cost_of(found->second))
            found->second = i;
    }
    for (std::size_t i = 0; i < statements_.size(); i++)
        statements_[i].heaviest_variant = queryid_of(i) == 0 ? i : heaviest[queryid_of(i)];
}

bool PricedWorkload::may_ask(Phase phase) const {
    const double calls = phase == Phase::Searching  ? calls_to_search
                         : phase == Phase::Settling ? calls_to_settle
                                                    : calls_to_explain;
    const double variants = static_cast<double>(statements_.size()) - different_statements_;
    return static_cast<double>(memory_.planner_calls()) <
           most_calls_ * (calls * std::max(different_statements_, few_statements) -
                          calls_for_variants * std::max(variants, 0.0));
}

Price PricedWorkload::price(const PricedStatement &statement, const CandidateSet &offered,
                            Check check) {
    Price price;
    double custom = 0, generic = 0;
    if (statement.generic_share < 1) {
        PlanMemory::Answer found = answer(statement, PlanMode::Custom, offered, check);
        custom = found.cost;
        price.used |= found.used;
    }
    if (statement.generic_share > 0) {
        PlanMemory::Answer found = answer(statement, PlanMode::Generic, offered, check);
        generic = found.cost;
        price.used |= found.used;
    }
    price.cost = mixed(statement, custom, generic);
    return price;
}

void PricedWorkload::resize(const Workload &workload, CandidateId id, const Candidate &candidate) {
    upkeep_[id] = maintenance_cost(workload, candidate);
}

PlanMemory::Answer PricedWorkload::answer(const PricedStatement &statement, PlanMode mode,
                                          const CandidateSet &offered, Check check) {
    bool custom = mode == PlanMode::Custom;
    PlanMemory::Answer before{custom ? statement.custom_before : statement.generic_before, {}};
    if (check == Check::Exact)
        return memory_.ask_exactly(statement.statement, mode, offered).value_or(before);
    if (check <= Check::Explained) {
        auto estimate = memory_.estimate(statement.statement, mode, offered);
        if (!estimate)
            return before;
        double share = custom ? 1 - statement.generic_share : statement.generic_share;
        double doubt = statement.weight * share * (estimate->answer.cost - estimate->lowest);
        double usual = std::max(statement.weight * statement.before, even_share_);
        bool is_large = doubt > large_doubt * usual;
        bool may = check == Check::Explained
                       ? is_large || may_ask(Phase::Explaining)
                       : may_ask(is_large ? Phase::Settling : Phase::Searching);
        if (doubt <= least_doubt_ * usual || !may)
            return std::move(estimate->answer);
    }
    return memory_.ask(statement.statement, mode, offered).value_or(before);
}

Price PricedWorkload::price_in_groups(const PricedStatement &statement, CandidateSet offered) {
    std::vector<CandidateSet> groups = statement.groups;
    while (groups.size() > 1) {
        CandidateSet winners;
        for (const CandidateSet &group : groups)
            if (CandidateSet left = group & offered; !left.empty())
                winners |= price(statement, left).used;
        if (winners.size() == offered.size())
            break;
        offered = winners;
        groups = in_groups(offered);
    }
    return price(statement, offered);
}

} // namespace triage
