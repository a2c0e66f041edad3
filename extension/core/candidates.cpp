// The steps, in order: the shapes of every access, the statements that cost most first; shapes that
// serve two accesses at once; then, of each relation, the most promising ones that do not exist.
#include "core/candidates.h"
#include "core/access_candidates.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

namespace triage {
namespace {

constexpr std::size_t most_candidates_of_relation = 240;
constexpr std::size_t most_candidates = 4000;
// Of one relation: so many of the most promising shapes are combined pair by pair.
constexpr std::size_t most_shapes_to_merge = 120;

double weight(const Statement &statement) {
    return statement.calls * (statement.mean_ms > 0 ? statement.mean_ms : 1);
}

// Places in the workload, the heaviest first.
std::vector<std::size_t> by_weight(const Workload &workload) {
    std::vector<std::size_t> order(workload.statements.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return weight(workload.statements[a]) > weight(workload.statements[b]);
    });
    return order;
}

std::map<RelationId, std::vector<AttributeNumber>> updated_columns(const Workload &workload) {
    std::map<RelationId, std::vector<AttributeNumber>> result;
    for (const Statement &statement : workload.statements)
        for (const RelationAccess &access : statement.accesses) {
            auto &columns = result[access.relation];
            columns.insert(columns.end(), access.columns_written.begin(),
                           access.columns_written.end());
        }
    for (auto &[relation, columns] : result) {
        std::sort(columns.begin(), columns.end());
        columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
    }
    return result;
}

bool same_but_for_direction(const KeyColumn &a, const KeyColumn &b) {
    return a.key == b.key && a.opclass == b.opclass && a.collation == b.collation;
}

const KeyColumn *find(const std::vector<KeyColumn> &columns, const KeyColumn &wanted) {
    for (const KeyColumn &column : columns)
        if (same_but_for_direction(column, wanted))
            return &column;
    return nullptr;
}

std::vector<KeyColumn> keys(const IndexShape &shape) {
    return shape.definition(0).keys;
}

// An index for `wide` in front of which stand just `narrow`'s keys, so that it serves both: `wide`
// does not mind in which order its equality columns come.
bool merge_keys(const IndexShape &narrow, const IndexShape &wide, IndexShape &merged) {
    std::vector<KeyColumn> front = keys(narrow);
    if (narrow.method != IndexMethod::Btree || wide.method != IndexMethod::Btree ||
        narrow.predicate != wide.predicate || front.size() > wide.equal.size() ||
        !std::all_of(front.begin(), front.end(),
                     [&](const KeyColumn &column) { return find(wide.equal, column); }))
        return false;
    merged = {.predicate = wide.predicate,
              .equal = front,
              .ordered = wide.ordered,
              .include = wide.include};
    for (const KeyColumn &column : wide.equal)
        if (!find(front, column))
            merged.equal.push_back(column);
    return true;
}

bool merge_includes(const IndexShape &a, const IndexShape &b, const Relation &relation,
                    IndexShape &merged) {
    if (a.method != b.method || a.predicate != b.predicate || a.include == b.include ||
        keys(a) != keys(b))
        return false;
    merged = a;
    merged.include.clear();
    std::set_union(a.include.begin(), a.include.end(), b.include.begin(), b.include.end(),
                   std::back_inserter(merged.include));
    return worth_including(merged.include, relation);
}

void add_merged(std::vector<IndexShape> &shapes, const Relation &relation) {
    std::size_t originals = std::min(shapes.size(), most_shapes_to_merge);
    IndexShape merged;
    for (std::size_t i = 0; i < originals; i++)
        for (std::size_t j = 0; j < originals; j++) {
            if (i == j)
                continue;
            if (merge_keys(shapes[i], shapes[j], merged))
                shapes.push_back(merged);
            if (i < j && merge_includes(shapes[i], shapes[j], relation, merged))
                shapes.push_back(merged);
        }
}

// The best shape of each access, then the second of each, and so on.
std::vector<IndexShape> take_in_turns(std::vector<std::vector<IndexShape>> lists) {
    std::vector<IndexShape> result;
    bool more = true;
    for (std::size_t turn = 0; more; turn++) {
        more = false;
        for (std::vector<IndexShape> &list : lists)
            if (turn < list.size()) {
                result.push_back(std::move(list[turn]));
                more = true;
            }
    }
    return result;
}

// The same index, but that what follows its equality columns runs the other way: it is read
// backward.
IndexShape mirror_of(const IndexShape &shape) {
    IndexShape mirror = shape;
    for (KeyColumn &column : mirror.ordered) {
        column.descending = !column.descending;
        column.nulls_first = !column.nulls_first;
    }
    return mirror;
}

// Of two such, one will do: the descending one, since that is asked for by an ORDER BY.
bool is_the_lesser_mirror(const IndexShape &shape, const std::set<IndexDefinition> &all) {
    return !shape.ordered.empty() && !shape.ordered.front().descending &&
           all.contains(mirror_of(shape).definition(0));
}

bool exists_already(const Relation &relation, const IndexDefinition &definition) {
    return std::any_of(relation.indexes.begin(), relation.indexes.end(),
                       [&](const ExistingIndex &index) {
                           return index.valid && serves(index.definition, definition);
                       });
}

} // namespace

std::vector<IndexDefinition> generate_candidates(const Workload &workload) {
    auto updated = updated_columns(workload);
    std::map<RelationId, std::vector<std::vector<IndexShape>>> by_relation;
    std::vector<const Relation *> relations; // the most busy first
    for (std::size_t place : by_weight(workload))
        for (const RelationAccess &access : workload.statements[place].accesses)
            if (const Relation *relation = workload.find_relation(access.relation)) {
                auto &lists = by_relation[access.relation];
                if (lists.empty())
                    relations.push_back(relation);
                lists.push_back(shapes_for(access, *relation, updated[access.relation]));
            }

    std::vector<IndexDefinition> candidates;
    for (const Relation *relation : relations) {
        std::vector<IndexShape> shapes = take_in_turns(std::move(by_relation[relation->id]));
        // What serves two statements comes before the hindmost guesses for one.
        std::vector<IndexShape> merged = shapes;
        add_merged(merged, *relation);
        std::rotate(merged.begin() + std::min(shapes.size(), most_shapes_to_merge),
                    merged.begin() + shapes.size(), merged.end());

        std::set<IndexDefinition> all, seen;
        for (const IndexShape &shape : merged)
            all.insert(shape.definition(0));
        for (const IndexShape &shape : merged) {
            if (seen.size() == most_candidates_of_relation || candidates.size() == most_candidates)
                break;
            IndexDefinition definition = shape.definition(relation->id);
            if (!is_the_lesser_mirror(shape, all) && !exists_already(*relation, definition) &&
                seen.insert(definition).second)
                candidates.push_back(std::move(definition));
        }
    }
    return candidates;
}

} // namespace triage
