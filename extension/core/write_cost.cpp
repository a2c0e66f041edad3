// What an index costs those who write, in planner units, from the server's own default cost
// constants.
//
// One new entry: btcostestimate's descent (comparisons down the tree, 50 operators a page), forming
// and inserting the tuple, and the leaf that gets dirty: it has to be written and, after each
// checkpoint, logged in full. Of a small index, or one that grows at its right end, the leaf is
// dirty already; of a large index with scattered insertions it must even be read.
#include "core/candidate_use.h"
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
// Columns that an UPDATE is taken to change where no statement of the workload says so.
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
    if (definition.keys.empty() || definition.method == IndexMethod::Gin)
        return 1;
    const Attribute *leading = find_attribute(relation, definition.keys.front().key.attribute);
    return leading ? 1 - leading->correlation * leading->correlation : 1;
}

double entry_cost(const Relation &relation, const Candidate &candidate) {
    // A value is compared with the bounds of its page's range, which a row that comes in order
    // hardly ever moves.
    if (candidate.definition.method == IndexMethod::Brin)
        return cpu_index_tuple_cost +
               2 * cpu_operator_cost * static_cast<double>(candidate.definition.keys.size());
    double comparisons = std::ceil(std::log2(std::max(candidate.indexed_tuples, 2.0)));
    double descent = cpu_operator_cost * comparisons +
                     (candidate.size.tree_height + 1) * operators_per_page * cpu_operator_cost;
    double columns =
        static_cast<double>(candidate.definition.keys.size() + candidate.definition.include.size());
    double tuple = cpu_index_tuple_cost + cpu_operator_cost * columns;
    double leaves = candidate.size.leaf_pages;
    double leaf = random_page_cost * scatter(relation, candidate.definition) * leaves /
                  (leaves + cached_pages);
    return (descent + tuple + leaf) * candidate.entries_per_row;
}

// Whether a change of the column needs a change of the index. An expression may be made of
// anything, so its text is searched like a predicate's; a literal that reads like the name errs on
// the side of a dearer index.
bool depends_on(const IndexDefinition &index, const Attribute &attribute) {
    auto named_in = [&](const std::string &text) { return mentions(text, attribute.name); };
    return std::find(index.include.begin(), index.include.end(), attribute.number) !=
               index.include.end() ||
           std::any_of(index.keys.begin(), index.keys.end(),
                       [&](const KeyColumn &column) {
                           return column.key.attribute == attribute.number ||
                                  named_in(column.key.expression);
                       }) ||
           std::any_of(index.predicate.begin(), index.predicate.end(), named_in);
}

// The columns whose change needs a new entry in the candidate, and those that do so today.
struct Dependencies {
    std::vector<AttributeNumber> added, indexed, free;

    Dependencies(const Relation &relation, const IndexDefinition &candidate) {
        for (const Attribute &attribute : relation.attributes) {
            bool is_indexed = std::any_of(
                relation.indexes.begin(), relation.indexes.end(),
                [&](const ExistingIndex &i) { return depends_on(i.definition, attribute); });
            (is_indexed ? indexed : free).push_back(attribute.number);
            if (!is_indexed && depends_on(candidate, attribute))
                added.push_back(attribute.number);
        }
    }
};

bool overlap(const std::vector<AttributeNumber> &a, const std::vector<AttributeNumber> &b) {
    return std::any_of(a.begin(), a.end(), [&](AttributeNumber attribute) {
        return std::find(b.begin(), b.end(), attribute) != b.end();
    });
}

// The share of today's HOT updates that would no longer be HOT: of the workload's UPDATE statements
// that change no indexed column, those that change one of the candidate's. Where no such statement
// is known, each UPDATE is taken to change two of the columns not indexed today.
double lost_hot_share(const Workload &workload, const Relation &relation,
                      const IndexDefinition &candidate) {
    Dependencies columns(relation, candidate);
    if (columns.added.empty())
        return 0;
    double hot = 0, lost = 0;
    for (const Statement &statement : workload.statements)
        for (const RelationAccess &access : statement.accesses) {
            if (access.relation != relation.id || access.columns_written.empty() ||
                overlap(access.columns_written, columns.indexed))
                continue;
            hot += statement.calls;
            if (overlap(access.columns_written, columns.added))
                lost += statement.calls;
        }
    if (hot > 0)
        return lost / hot;
    double missed =
        1 - static_cast<double>(columns.added.size()) / static_cast<double>(columns.free.size());
    return 1 - std::pow(missed, columns_per_update);
}

} // namespace

double write_cost(const Relation &relation, const Candidate &candidate) {
    double conditions = static_cast<double>(candidate.definition.predicate.size());
    return conditions * cpu_operator_cost +
           indexed_share(relation, candidate) * entry_cost(relation, candidate);
}

double maintenance_cost(const Workload &workload, const Candidate &candidate) {
    const Relation *relation = workload.find_relation(candidate.definition.relation);
    if (!relation)
        return 0;
    double one_row = write_cost(*relation, candidate);
    double hot = std::min(relation->hot_updated, relation->updated);
    double lost_hot = hot > 0 ? hot * lost_hot_share(workload, *relation, candidate.definition) : 0;

    // An update that is no longer HOT needs an entry in every index of the relation, not only in
    // this one; theirs are taken to cost what this one's does if it held all rows.
    double other_indexes = static_cast<double>(relation->indexes.size());
    double cost = one_row * (relation->inserted + relation->updated - hot + lost_hot) +
                  lost_hot * other_indexes * entry_cost(*relation, candidate);

    // Each dead row's entry is removed by a vacuum, which reads the index from end to end.
    double dead = relation->deleted + relation->updated - hot + lost_hot;
    // (A BRIN index has no entries of rows.)
    if (candidate.definition.method == IndexMethod::Brin)
        return cost;
    double vacuums = dead / (vacuum_threshold + vacuum_scale_factor * relation->tuples);
    cost += vacuums * candidate.size.pages * seq_page_cost +
            dead * indexed_share(*relation, candidate) * candidate.entries_per_row *
                cpu_index_tuple_cost;
    return cost;
}

} // namespace triage
