#include "core/served_already.h"

#include <algorithm>

namespace triage {
namespace {

// cost.h
constexpr double seq_page_cost = 1.0;
constexpr double cpu_tuple_cost = 0.01;
constexpr double cpu_operator_cost = 0.0025;

// A statement that costs at most this share of a scan of the table has its index.
constexpr double well_served = 0.02;
// Then another index must at least halve what is left: the planner's costs of two indexes that find
// the same rows differ by as much where one of them is bloated or better correlated.
constexpr double share_of_the_rest = 0.5;

bool begins_as_existing(const Relation &relation, const IndexDefinition &definition) {
    return std::any_of(relation.indexes.begin(), relation.indexes.end(),
                       [&](const ExistingIndex &index) {
                           return index.valid && index.definition.method == definition.method &&
                                  !index.definition.keys.empty() && !definition.keys.empty() &&
                                  index.definition.keys.front().key == definition.keys.front().key;
                       });
}

} // namespace

double scan_cost(const Relation &relation) {
    return relation.pages * seq_page_cost + relation.tuples * (cpu_tuple_cost + cpu_operator_cost);
}

bool adds_only_included(const Relation &relation, const IndexDefinition &definition) {
    if (definition.include.empty())
        return false;
    IndexDefinition bare = definition;
    bare.include.clear();
    return std::any_of(
        relation.indexes.begin(), relation.indexes.end(),
        [&](const ExistingIndex &index) { return index.valid && serves(index.definition, bare); });
}

std::vector<const ExistingIndex *> made_redundant(const Relation &relation,
                                                  const IndexDefinition &definition) {
    std::vector<const ExistingIndex *> result;
    for (const ExistingIndex &index : relation.indexes)
        if (index.valid && !index.must_stay && index.definition.predicate == definition.predicate &&
            serves(definition, index.definition))
            result.push_back(&index);
    return result;
}

WorthSaving::WorthSaving(const Relation &relation, const IndexDefinition &definition,
                         double min_improvement)
    : scan_(scan_cost(relation)), min_improvement_(min_improvement),
      only_included_(adds_only_included(relation, definition)),
      begins_as_existing_(begins_as_existing(relation, definition)) {}

// INCLUDE columns beside keys that exist are measured as they are beside keys that are chosen with
// them: against the statement's cost without either.
bool WorthSaving::operator()(double today, double before, double saved) const {
    if (saved <= 0 || saved < min_improvement_ * before)
        return false;
    if (only_included_ && saved <= min_improvement_ * unserved(today))
        return false;
    return today > well_served * scan_ ||
           saved >= strictness(min_improvement_) * share_of_the_rest * before;
}

} // namespace triage
