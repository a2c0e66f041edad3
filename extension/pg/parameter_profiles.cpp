#include "pg/parameter_profiles.h"

#include "pg/column_values.h"
#include "pg/guard.h"
#include "pg/predicate_rule.h"
#include "pg/query_text.h"
#include "pg/root_columns.h"

PG_HEADERS_BEGIN
#include "catalog/pg_type_d.h"
#include "utils/lsyscache.h"
PG_HEADERS_END

#include <limits>

namespace triage {
namespace {

constexpr std::size_t most_variants = 8;
constexpr std::size_t most_values = 4; // of one condition

// A value recurs if so many of the executions have it; of a column with many values, of which each
// stands for something of its own, nearly all.
constexpr double recurring_share = 0.1;
constexpr double constant_share = 0.9;

// Where the samples say nothing of a parameter: pg_stat_statements numbers the literals that it
// takes out of a text after the true parameters.
void infer_kinds(std::vector<WantedValue> &wanted, const std::vector<Operand> &kinds) {
    int last_parameter = -1;
    for (std::size_t i = 0; i < kinds.size(); i++)
        if (kinds[i] == Operand::Parameter)
            last_parameter = static_cast<int>(i);
    bool any_literal = std::find(kinds.begin(), kinds.end(), Operand::Literal) != kinds.end();
    for (std::size_t i = 0; i < kinds.size(); i++)
        wanted[i].is_parameter =
            kinds[i] != Operand::Literal && (static_cast<int>(i) <= last_parameter || !any_literal);
}

// Of a boolean column the planner makes `column = true` the column itself.
bool is_boolean_condition(const store::ClauseStats &clause) {
    return clause.opno == InvalidOid && clause.op == ClauseOperator::Equal;
}

bool could_stand_for_a_parameter(const store::ClauseStats &clause) {
    return is_boolean_condition(clause) || clause.operand == Operand::Literal ||
           clause.operand == Operand::Parameter || clause.operand == Operand::Expression;
}

// Which of the two values makes a condition as selective as that.
bool truth_of(const ParameterUse &use, double selectivity) {
    return call_server([&] {
        Datum value;
        Oid type;
        bool common;
        return !value_equal_to(use.relid, use.attno, selectivity, 0, &value, &type, &common) ||
               DatumGetBool(value);
    });
}

} // namespace

ParameterProfiles::ParameterProfiles(const std::vector<store::ScanStats> &scans) {
    RootColumns roots;
    for (const store::ScanStats &scan : scans) {
        for (const RangeTotals &range : scan.ranges) {
            auto [relation, attribute] = roots.find(scan.relid, range.attribute);
            ranges_[{scan.queryid, relation, attribute}].add(range);
        }
        for (const store::ClauseStats &clause : scan.clauses) {
            if (!could_stand_for_a_parameter(clause))
                continue;
            auto [relation, attribute] = roots.find(scan.relid, clause.attribute);
            Profile &profile = profiles_[{scan.queryid, relation, attribute, clause.opno}];
            profile.operand = clause.operand;
            profile.op = clause.op;
            profile.executions += static_cast<double>(scan.executions);
            auto estimates = static_cast<double>(clause.estimates);
            profile.estimates += estimates;
            profile.selectivity += estimates * clause.mean_selectivity;
            profile.withheld += static_cast<double>(clause.withheld);
            for (const store::SharedValue &value : clause.values) {
                auto known = std::find_if(profile.values.begin(), profile.values.end(),
                                          [&](const Value &v) { return v.text == value.text; });
                if (known == profile.values.end())
                    known = profile.values.insert(profile.values.end(), {value.text, 0});
                known->executions += static_cast<double>(value.executions);
            }
        }
    }
    for (auto &[place, profile] : profiles_)
        std::stable_sort(
            profile.values.begin(), profile.values.end(),
            [](const Value &a, const Value &b) { return a.executions > b.executions; });
}

const ParameterProfiles::Profile *ParameterProfiles::find(std::int64_t queryid,
                                                          const ParameterUse &use) const {
    if (use.role != ParameterUse::Role::Comparison || use.attno == 0)
        return nullptr;
    Oid commutator = call_server([&] { return get_commutator(use.opno); });
    for (Oid opno : {use.opno, commutator}) {
        auto found = profiles_.find({queryid, use.relid, use.attno, opno});
        if (found != profiles_.end())
            return &found->second;
    }
    // A true parameter would now and then have been seen as such, in a generic plan.
    auto condition = use.type == BOOLOID && use.op == ClauseOperator::Equal
                         ? profiles_.find({queryid, use.relid, use.attno, InvalidOid})
                         : profiles_.end();
    return condition != profiles_.end() ? &condition->second : nullptr;
}

// Of each execution one value is known, or none.
std::vector<ParameterProfiles::Option> ParameterProfiles::options(const Profile &profile,
                                                                  const ParameterUse &use) {
    double all = profile.withheld;
    for (const Value &value : profile.values)
        all += value.executions;
    double distinct = call_server([&] { return distinct_values(use.relid, use.attno); });
    double smallest = distinct <= most_states ? recurring_share : constant_share;
    std::vector<Option> options;
    double rest = 1;
    for (const Value &value : profile.values) {
        if (options.size() == most_values || value.executions < smallest * all)
            break;
        options.push_back({{value.text.c_str()}, value.executions / all});
        rest -= value.executions / all;
    }
    if (rest >= recurring_share || options.empty())
        options.push_back({{}, rest});
    return options;
}

// A list is known if each of its elements was there nearly every time.
std::vector<ParameterProfiles::Option> ParameterProfiles::options_of_list(const Profile &profile,
                                                                          const ParameterUse &use) {
    Option option;
    for (const Value &value : profile.values)
        if (value.executions >= constant_share * profile.executions)
            option.values.push_back(value.text.c_str());
    bool is_whole = profile.withheld == 0 && option.values.size() == profile.values.size() &&
                    option.values.size() == static_cast<std::size_t>(use.elements);
    if (!is_whole)
        option.values.clear();
    return {option};
}

int ParameterProfiles::list_elements(std::int64_t queryid) const {
    std::size_t longest = 0;
    const Place first{queryid, 0, std::numeric_limits<AttributeNumber>::min(), 0};
    for (auto at = profiles_.lower_bound(first);
         at != profiles_.end() && at->first.queryid == queryid; ++at)
        if (at->second.op == ClauseOperator::In && at->second.withheld == 0)
            longest = std::max(longest, at->second.values.size());
    return longest > 0 ? static_cast<int>(longest) : typical_list_elements;
}

void ParameterProfiles::vary_by_values(std::vector<StatementVariant> &variants,
                                       const ParameterUses &uses, const Profile &profile,
                                       const std::vector<std::size_t> &parameters) const {
    const ParameterUse &use = uses.uses[parameters.front()];
    std::vector<Option> options = use.op == ClauseOperator::In ? options_of_list(profile, use)
                                                               : this->options(profile, use);
    if (variants.size() * options.size() > most_variants)
        options.resize(1);
    double taken = 0;
    for (const Option &option : options)
        taken += option.share;
    std::vector<StatementVariant> product;
    for (const StatementVariant &variant : variants)
        for (const Option &option : options) {
            StatementVariant next = variant;
            next.share *= option.share / taken;
            for (std::size_t i : parameters)
                if (!option.values.empty())
                    next.wanted[i].value =
                        option.values[static_cast<std::size_t>(uses.uses[i].element)];
            product.push_back(std::move(next));
        }
    variants = std::move(product);
}

void ParameterProfiles::add_parameter(std::vector<Bound> &bounds, const Profile *profile,
                                      std::size_t i) {
    auto known = std::find_if(bounds.begin(), bounds.end(),
                              [&](const Bound &bound) { return bound.profile == profile; });
    if (known == bounds.end())
        known = bounds.insert(bounds.end(), {profile, {}});
    known->parameters.push_back(i);
}

// Of the column's rows, by what each of its bounds leaves on the average.
double ParameterProfiles::usual_share(const Column &column) const {
    double share = 1;
    const Place first{column.queryid, column.relation, column.attribute, 0};
    for (auto at = profiles_.lower_bound(first);
         at != profiles_.end() && Column{at->first.queryid, at->first.relation,
                                         at->first.attribute} == column;
         ++at)
        if (at->second.op == ClauseOperator::Range)
            share -= 1 - at->second.usual();
    return share;
}

// Two bounds keep the middle of their usual range, as far as the column reaches.
void ParameterProfiles::vary_by_range(std::vector<StatementVariant> &variants, const Column &column,
                                      const std::vector<Bound> &bounds) const {
    const auto range = ranges_.find(column);
    const auto spread = range == ranges_.end() ? std::nullopt : spread_of(range->second);
    if (!spread || 2 * variants.size() > most_variants)
        return;
    const double usual = usual_share(column);
    std::vector<StatementVariant> product;
    for (const StatementVariant &variant : variants)
        for (auto [share, weight] : {std::pair{spread->narrow, 1 - spread->wide_weight},
                                     std::pair{spread->wide, spread->wide_weight}}) {
            StatementVariant next = variant;
            next.share *= weight;
            double wider = share - usual;
            auto left = static_cast<double>(bounds.size());
            for (const auto &[profile, parameters] : bounds) {
                const double selectivity =
                    std::clamp(profile->usual() + wider / left, share, 1.0);
                for (std::size_t i : parameters)
                    next.wanted[i].selectivity = selectivity;
                wider -= selectivity - profile->usual();
                left--;
            }
            product.push_back(std::move(next));
        }
    variants = std::move(product);
}

std::vector<StatementVariant> ParameterProfiles::variants(std::int64_t queryid,
                                                          const ParameterUses &uses) const {
    auto count = static_cast<std::size_t>(uses.count);
    StatementVariant first;
    first.wanted.resize(count);
    std::vector<Operand> kinds(count, Operand::None);
    // The parameters of a condition, literals and true ones: a custom plan knows both.
    std::map<const Profile *, std::vector<std::size_t>> valued;
    std::map<Column, std::vector<Bound>> bounded;
    for (std::size_t i = 0; i < count; i++) {
        const Profile *profile = find(queryid, uses.uses[i]);
        if (profile == nullptr)
            continue;
        WantedValue &wanted = first.wanted[i];
        kinds[i] = profile->operand;
        if (profile->estimates > 0)
            wanted.selectivity = profile->usual();
        wanted.leading_wildcard =
            uses.uses[i].op == ClauseOperator::Prefix && profile->op != ClauseOperator::Prefix;
        if (profile->operand == Operand::None) {
            kinds[i] = Operand::Literal;
            wanted.value = truth_of(uses.uses[i], wanted.selectivity) ? "t" : "f";
        } else if ((profile->operand == Operand::Literal ||
                    profile->operand == Operand::Parameter) &&
                   !profile->values.empty()) {
            valued[profile].push_back(i);
        } else if (profile->op == ClauseOperator::Range && profile->estimates > 0) {
            add_parameter(bounded[{queryid, uses.uses[i].relid, uses.uses[i].attno}], profile, i);
        }
    }
    infer_kinds(first.wanted, kinds);

    std::vector<StatementVariant> result{std::move(first)};
    for (const auto &[profile, parameters] : valued)
        vary_by_values(result, uses, *profile, parameters);
    for (const auto &[column, bounds] : bounded)
        vary_by_range(result, column, bounds);
    return result;
}

} // namespace triage
