// What an index costs those who write, in planner units, from the server's own default cost
// constants.
//
// One new entry: btcostestimate's descent (comparisons down the tree, 50 operators a page), forming
// and inserting the tuple, and the leaf that gets dirty: it has to be written and, after each
// checkpoint, logged in full. Of a small index, or one that grows at its right end, the leaf is
// dirty already; of a large index with scattered insertions it must even be read.
#include "core/selection.h"

#include <algorithm>
#include <cmath>

namespace triage {
namespace {

// cost.h
constexpr double cpu_operator_cost = 0.0025;
constexpr double cpu_index_tuple_cost = 0.005;
constexpr double seq_page_cost = 1.0;
constexpr double random_page_cost = 4.0;
constexpr double operators_per_page = 50; // DEFAULT_PAGE_CPU_MULTIPLIER of selfuncs.c

// Pages of the default shared_buffers: an index as large as that pays for half of its leaf writes.
constexpr double cached_pages = 16384;
// autovacuum_vacuum_threshold and _scale_factor.
constexpr double vacuum_threshold = 50;
constexpr double vacuum_scale_factor = 0.2;
// Columns that an UPDATE is taken to change. The server does not count which ones it does.
constexpr double columns_per_update = 2;

double indexed_share(const Relation &relation, const Candidate &candidate) {
    if (candidate.definition.predicate.empty())
        return 1;
    return relation.tuples > 0 ? std::clamp(candidate.indexed_tuples / relation.tuples, 0.0, 1.0)
                               : 1;
}

const Attribute *find_attribute(const Relation &relation, AttributeNumber number) {
    for (const Attribute &attribute : relation.attributes)
        if (attribute.number == number)
            return &attribute;
    return nullptr;
}

// 1 if rows arrive in no order of the leading key, 0 if in just that order.
double scatter(const Relation &relation, const IndexDefinition &definition) {
    if (definition.keys.empty())
        return 1;
    const Attribute *leading = find_attribute(relation, definition.keys.front().key.attribute);
    return leading ? 1 - leading->correlation * leading->correlation : 1;
}

double entry_cost(const Relation &relation, const Candidate &candidate) {
    double comparisons = std::ceil(std::log2(std::max(candidate.indexed_tuples, 2.0)));
    double descent = cpu_operator_cost * comparisons +
                     (candidate.size.tree_height + 1) * operators_per_page * cpu_operator_cost;
    double columns =
        static_cast<double>(candidate.definition.keys.size() + candidate.definition.include.size());
    double tuple = cpu_index_tuple_cost + cpu_operator_cost * columns;
    double leaves = candidate.size.leaf_pages;
    double leaf = random_page_cost * scatter(relation, candidate.definition) * leaves /
                  (leaves + cached_pages);
    return descent + tuple + leaf;
}

bool holds(const IndexDefinition &index, AttributeNumber attribute) {
    return std::find(index.include.begin(), index.include.end(), attribute) !=
               index.include.end() ||
           std::any_of(index.keys.begin(), index.keys.end(),
                       [&](const KeyColumn &column) { return column.key.attribute == attribute; });
}

// The share of today's HOT updates that would no longer be HOT. A HOT update changes no column of
// any index, so columns indexed today prove themselves unchanged; any other column of the candidate
// may be among those that updates change. A predicate's condition counts double: what divides the
// open from the done is what gets updated.
double lost_hot_share(const Relation &relation, const IndexDefinition &definition) {
    auto indexed_today = [&](AttributeNumber attribute) {
        return attribute != 0 && // an expression
               std::any_of(
                   relation.indexes.begin(), relation.indexes.end(),
                   [&](const ExistingIndex &index) { return holds(index.definition, attribute); });
    };
    double free_columns = 0;
    for (const Attribute &attribute : relation.attributes)
        free_columns += !indexed_today(attribute.number);
    double taken = 2.0 * static_cast<double>(definition.predicate.size());
    for (const KeyColumn &column : definition.keys)
        taken += !indexed_today(column.key.attribute);
    for (AttributeNumber attribute : definition.include)
        taken += !indexed_today(attribute);
    if (taken <= 0)
        return 0;
    double missed = 1 - std::min(1.0, taken / std::max(free_columns, 1.0));
    return 1 - std::pow(missed, columns_per_update);
}

} // namespace

double write_cost(const Relation &relation, const Candidate &candidate) {
    double conditions = static_cast<double>(candidate.definition.predicate.size());
    return conditions * cpu_operator_cost +
           indexed_share(relation, candidate) * entry_cost(relation, candidate);
}

double maintenance_cost(const Relation &relation, const Candidate &candidate) {
    double one_row = write_cost(relation, candidate);
    double hot = std::min(relation.hot_updated, relation.updated);
    double lost_hot = hot * lost_hot_share(relation, candidate.definition);

    // An update that is no longer HOT needs an entry in every index of the relation, not only in
    // this one; theirs are taken to cost what this one's does if it held all rows.
    double other_indexes = static_cast<double>(relation.indexes.size());
    double cost = one_row * (relation.inserted + relation.updated - hot + lost_hot) +
                  lost_hot * other_indexes * entry_cost(relation, candidate);

    // Each dead row's entry is removed by a vacuum, which reads the index from end to end.
    double dead = relation.deleted + relation.updated - hot + lost_hot;
    double vacuums = dead / (vacuum_threshold + vacuum_scale_factor * relation.tuples);
    cost += vacuums * candidate.size.pages * seq_page_cost +
            dead * indexed_share(relation, candidate) * cpu_index_tuple_cost;
    return cost;
}

} // namespace triage
