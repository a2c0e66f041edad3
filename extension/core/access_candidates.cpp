#include "core/access_candidates.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>

namespace triage {
namespace {

constexpr std::size_t most_shapes = 48; // of one access
constexpr std::size_t most_keys = 6;
constexpr std::size_t most_included = 4;
constexpr double widest_included = 64; // bytes
// A condition that nearly all rows satisfy makes an index no smaller.
constexpr double least_selective_condition = 0.95;
// More conditions than this are not tried one by one.
constexpr std::size_t most_conditions = 6;

// A BRIN index tells ranges of pages apart, so rows must lie in the order of their values, in
// enough ranges of 128 pages, and enough of these must be of no interest.
constexpr double well_ordered = 0.95;
constexpr double fewest_pages_to_summarize = 16 * 128;
constexpr double least_selective_range = 0.5;

using Clauses = std::vector<const Clause *>;

const Attribute *find_attribute(const Relation &relation, AttributeNumber number) {
    for (const Attribute &attribute : relation.attributes)
        if (attribute.number == number)
            return &attribute;
    return nullptr;
}

bool can_be_key(const Relation &relation, const KeyExpression &key) {
    if (key.attribute == 0)
        return !key.expression.empty();
    const Attribute *attribute = find_attribute(relation, key.attribute);
    return attribute && attribute->orderable;
}

KeyColumn key_column(const Clause &clause) {
    return {.key = clause.key, .opclass = clause.opclass};
}

bool holds(const std::vector<KeyColumn> &columns, const KeyExpression &key) {
    return std::any_of(columns.begin(), columns.end(),
                       [&](const KeyColumn &column) { return column.key == key; });
}

bool holds(const Clauses &clauses, const KeyExpression &key) {
    return std::any_of(clauses.begin(), clauses.end(),
                       [&](const Clause *clause) { return clause->key == key; });
}

// One value (or NULL) of the key: within it the index is ordered by what follows.
bool pins(const Clause &clause) {
    return clause.op == ClauseOperator::Equal || clause.op == ClauseOperator::IsNull;
}

bool bounds(const Clause &clause) {
    return clause.op == ClauseOperator::Range || clause.op == ClauseOperator::Prefix;
}

void add(std::vector<Clauses> &sets, Clauses set) {
    if (std::find(sets.begin(), sets.end(), set) == sets.end())
        sets.push_back(std::move(set));
}

class Generator {
  public:
    Generator(const RelationAccess &access, const Relation &relation,
              const std::vector<AttributeNumber> &volatile_columns)
        : access_(access), relation_(relation), volatile_columns_(volatile_columns) {}

    std::vector<IndexShape> run() {
        std::vector<Clauses> predicates = predicate_choices();
        for (std::size_t p = 0; p < predicates.size(); p++) {
            std::vector<Leading> leading = leading_choices(predicates[p]);
            for (std::size_t l = 0; l < leading.size(); l++) {
                auto ordered = ordered_choices(predicates[p], leading[l]);
                for (std::size_t o = 0; o < ordered.size(); o++)
                    emit(p + l + o, predicates[p], leading[l].columns, ordered[o]);
            }
            emit_searching(p, predicates[p]);
        }
        emit_summarizing();
        return most_promising();
    }

  private:
    // Columns to lead the index.
    struct Leading {
        std::vector<KeyColumn> columns;
        bool keeps_order = true; // no IN list among them: what follows comes out in order
    };

    // ---- Predicates --------------------------------------------------------------------------

    // All conditions that may stand in a predicate, none, and each alone: what several statements
    // share may be fewer than what one of them has.
    std::vector<Clauses> predicate_choices() const {
        Clauses able;
        for (const Clause &clause : access_.clauses)
            if (!clause.predicate.empty() && clause.selectivity <= least_selective_condition &&
                std::none_of(able.begin(), able.end(), [&](const Clause *other) {
                    return other->predicate == clause.predicate;
                }))
                able.push_back(&clause);
        std::stable_sort(able.begin(), able.end(), [](const Clause *a, const Clause *b) {
            return a->selectivity < b->selectivity;
        });
        if (able.size() > most_conditions)
            able.resize(most_conditions);

        std::vector<Clauses> choices;
        add(choices, able);
        add(choices, {});
        // Conditions without a value (a flag, IS NULL) hold whatever the parameters are.
        Clauses flags;
        for (const Clause *clause : able)
            if (clause->operand == Operand::None)
                flags.push_back(clause);
        add(choices, flags);
        for (const Clause *clause : able)
            add(choices, {clause});
        if (able.size() > 2)
            add(choices, {able[0], able[1]});
        return choices;
    }

    // ---- Keys --------------------------------------------------------------------------------

    // A condition that the predicate answers needs no key; a range in it may still order the rest.
    static bool answered(const Clauses &predicate, const Clause &clause) {
        return !bounds(clause) &&
               std::find(predicate.begin(), predicate.end(), &clause) != predicate.end();
    }

    template <class Wanted> Clauses key_clauses(const Clauses &predicate, Wanted wanted) const {
        Clauses result;
        for (const Clause &clause : access_.clauses)
            if (wanted(clause) && !answered(predicate, clause) && !holds(result, clause.key) &&
                can_be_key(relation_, clause.key))
                result.push_back(&clause);
        std::stable_sort(result.begin(), result.end(), [](const Clause *a, const Clause *b) {
            return a->selectivity < b->selectivity;
        });
        return result;
    }

    std::vector<Leading> leading_choices(const Clauses &predicate) const {
        Clauses own = key_clauses(
            predicate, [](const Clause &c) { return pins(c) && c.operand != Operand::Join; });
        Clauses joins = key_clauses(predicate, [](const Clause &c) {
            return c.op == ClauseOperator::Equal && c.operand == Operand::Join;
        });
        Clauses lists =
            key_clauses(predicate, [](const Clause &c) { return c.op == ClauseOperator::In; });

        std::vector<Clauses> sets;
        add(sets, own);
        for (const Clause *join : joins) {
            Clauses both = own;
            if (!holds(both, join->key))
                both.push_back(join);
            add(sets, both);
            add(sets, {join});
        }
        if (joins.size() > 1)
            add(sets, joins);
        for (const Clause *clause : own)
            add(sets, {clause});
        if (own.size() > 2)
            add(sets, {own[0], own[1]});
        if (!own.empty())
            add(sets, {}); // for what an order or a range alone can do

        std::vector<Leading> choices;
        for (const Clauses &set : sets) {
            choices.push_back(leading(set, {}));
            for (const Clause *list : lists)
                if (!holds(set, list->key))
                    choices.push_back(leading(set, {list}));
        }
        add_rotations(choices);
        return choices;
    }

    static Leading leading(const Clauses &set, const Clauses &lists) {
        Leading result;
        for (const Clause *clause : set)
            result.columns.push_back(key_column(*clause));
        for (const Clause *clause : lists)
            result.columns.push_back(key_column(*clause));
        result.keeps_order = lists.empty();
        return result;
    }

    // Each of the columns once in front: another statement may have only that one.
    static void add_rotations(std::vector<Leading> &choices) {
        std::size_t originals = choices.size();
        for (std::size_t i = 0; i < originals; i++)
            for (std::size_t first = 1; first < std::min<std::size_t>(choices[i].columns.size(), 4);
                 first++) {
                Leading rotated = choices[i];
                std::rotate(rotated.columns.begin(), rotated.columns.begin() + first,
                            rotated.columns.begin() + first + 1);
                choices.push_back(std::move(rotated));
            }
    }

    using Columns = std::vector<KeyColumn>;

    std::vector<Columns> ordered_choices(const Clauses &predicate, const Leading &leading) const {
        Clauses ranges = key_clauses(predicate, [&](const Clause &c) {
            return bounds(c) && !holds(leading.columns, c.key);
        });
        std::vector<Columns> choices;
        auto add = [&](Columns columns) {
            if (std::find(choices.begin(), choices.end(), columns) == choices.end())
                choices.push_back(std::move(columns));
        };
        if (leading.keeps_order) {
            Columns sorted = sort_run(predicate, leading.columns);
            if (!sorted.empty()) {
                add(sorted);
                // In the index, a condition beyond the order is checked without visiting the row.
                for (const Clause *range : ranges)
                    if (access_.limited && !holds(sorted, range->key)) {
                        Columns checked = sorted;
                        checked.push_back(key_column(*range));
                        add(checked);
                    }
            }
        }
        for (const Clause *range : ranges)
            add({key_column(*range)});
        if (leading.keeps_order) {
            Columns grouped = group_run(predicate, leading.columns);
            if (!grouped.empty())
                add(grouped);
        }
        add({});
        return choices;
    }

    // ORDER BY without the columns of which only one value is left.
    Columns sort_run(const Clauses &predicate, const Columns &leading) const {
        Columns run;
        for (const SortColumn &column : access_.order_by) {
            if (holds(leading, column.key) || holds(run, column.key) ||
                pinned_by(predicate, column.key))
                continue;
            if (!can_be_key(relation_, column.key))
                return {};
            run.push_back({.key = column.key,
                           .descending = column.descending,
                           .nulls_first = column.nulls_first});
        }
        return run;
    }

    Columns group_run(const Clauses &predicate, const Columns &leading) const {
        Columns run;
        for (const KeyExpression &key : access_.group_by) {
            if (holds(leading, key) || holds(run, key) || pinned_by(predicate, key))
                continue;
            if (!can_be_key(relation_, key))
                return {};
            run.push_back({.key = key});
        }
        return run;
    }

    static bool pinned_by(const Clauses &predicate, const KeyExpression &key) {
        return std::any_of(predicate.begin(), predicate.end(), [&](const Clause *clause) {
            return clause->op == ClauseOperator::Equal && clause->key == key;
        });
    }

    // ---- Shapes ------------------------------------------------------------------------------

    void emit(std::size_t rank, const Clauses &predicate, const Columns &equal, Columns ordered) {
        if (equal.empty() && ordered.empty()) {
            // All is said in the predicate; an index needs a key all the same. That of the
            // predicate itself depends on no further column, and leaves the rows in their order.
            std::optional<KeyColumn> key = predicate.empty() ? std::nullopt : any_key(predicate);
            if (!key)
                return;
            if (predicate.size() == access_.clauses.size())
                for (const Clause *clause : predicate)
                    if (pins(*clause) && clause->key != key->key && clause->key.attribute != 0 &&
                        can_be_key(relation_, clause->key))
                        emit(rank + 1, predicate, equal, {{.key = clause->key}});
            ordered.push_back(*key);
        }
        if (equal.size() + ordered.size() > most_keys)
            return;
        if (const ExistingIndex *unique = finds_one_row(equal)) {
            // There is nothing to find better. But a join that looks up one row after the other
            // may do without fetching each from the table.
            if (predicate.empty() && is_join_key(unique->definition.keys))
                emit_covering(rank + 1, {.equal = unique->definition.keys}, predicate);
            return;
        }
        IndexShape shape{.equal = equal, .ordered = std::move(ordered)};
        for (const Clause *clause : predicate)
            shape.predicate.push_back(clause->predicate);
        std::sort(shape.predicate.begin(), shape.predicate.end());
        add_shape(rank, shape);
        emit_covering(rank + 1, shape, predicate);
    }

    void emit_covering(std::size_t rank, const IndexShape &shape, const Clauses &predicate) {
        if (access_.whole_row)
            return;
        // A column that only the predicate looks at need not be there; whether the statement wants
        // it for more is for the planner to say.
        for (bool with_predicate : {false, true}) {
            IndexShape covering = shape;
            covering.include = missing_columns(shape, predicate, with_predicate);
            if (!covering.include.empty() && worth_including(covering.include, relation_))
                add_shape(rank, std::move(covering));
        }
    }

    // One key an index: a bitmap brings several together.
    void emit_searching(std::size_t rank, const Clauses &predicate) {
        for (const Clause &clause : access_.clauses) {
            if (clause.key.attribute != 0 && !find_attribute(relation_, clause.key.attribute))
                continue;
            for (std::size_t i = 0; i < clause.gin_opclasses.size(); i++) {
                IndexShape shape{
                    .method = IndexMethod::Gin,
                    .equal = {{.key = clause.key, .opclass = clause.gin_opclasses[i]}}};
                for (const Clause *condition : predicate)
                    shape.predicate.push_back(condition->predicate);
                std::sort(shape.predicate.begin(), shape.predicate.end());
                add_shape(rank + i, std::move(shape));
            }
        }
    }

    void emit_summarizing() {
        for (const Clause &clause : access_.clauses) {
            const Attribute *attribute = find_attribute(relation_, clause.key.attribute);
            if (!attribute || !attribute->summarizable || !clause.opclass.empty() ||
                std::abs(attribute->correlation) < well_ordered ||
                relation_.pages < fewest_pages_to_summarize ||
                clause.selectivity > least_selective_range ||
                (clause.op != ClauseOperator::Range && clause.op != ClauseOperator::Equal) ||
                clause.operand == Operand::Join)
                continue;
            add_shape(1, {.method = IndexMethod::Brin, .equal = {{.key = clause.key}}});
        }
    }

    // The unique index whose columns are all given; null if there is none.
    const ExistingIndex *finds_one_row(const Columns &equal) const {
        for (const ExistingIndex &index : relation_.indexes) {
            const std::vector<KeyColumn> &keys = index.definition.keys;
            if (index.valid && index.definition.unique && index.definition.predicate.empty() &&
                std::all_of(keys.begin(), keys.end(),
                            [&](const KeyColumn &key) { return holds(equal, key.key); }))
                return &index;
        }
        return nullptr;
    }

    bool is_join_key(const Columns &keys) const {
        return std::any_of(access_.clauses.begin(), access_.clauses.end(),
                           [&](const Clause &clause) {
                               return clause.operand == Operand::Join && holds(keys, clause.key);
                           });
    }

    std::vector<AttributeNumber> missing_columns(const IndexShape &shape, const Clauses &predicate,
                                                 bool with_predicate) const {
        std::vector<AttributeNumber> missing;
        for (AttributeNumber column : access_.columns_read) {
            KeyExpression key{column, {}};
            if (!holds(shape.equal, key) && !holds(shape.ordered, key) &&
                (with_predicate || !holds(predicate, key)))
                missing.push_back(column);
        }
        return missing;
    }

    // The narrowest column that the statement reads, rather one that no UPDATE changes and that
    // the predicate leaves open.
    std::optional<KeyColumn> any_key(const Clauses &predicate) const {
        const Attribute *best = nullptr;
        auto badness = [&](const Attribute &a) {
            bool is_volatile =
                std::binary_search(volatile_columns_.begin(), volatile_columns_.end(), a.number);
            bool is_read = std::binary_search(access_.columns_read.begin(),
                                              access_.columns_read.end(), a.number);
            return std::tuple(is_volatile, holds(predicate, KeyExpression{a.number, {}}), !is_read,
                              is_key_already(a.number), !a.fixed_width, a.average_width, a.number);
        };
        for (const Attribute &attribute : relation_.attributes)
            if (attribute.orderable && (!best || badness(attribute) < badness(*best)))
                best = &attribute;
        if (!best)
            return std::nullopt;
        return KeyColumn{.key = {best->number, {}}};
    }

    // A full index on it would be said to serve the partial one as well.
    bool is_key_already(AttributeNumber number) const {
        return std::any_of(relation_.indexes.begin(), relation_.indexes.end(),
                           [&](const ExistingIndex &index) {
                               return index.valid && index.definition.predicate.empty() &&
                                      !index.definition.keys.empty() &&
                                      index.definition.keys.front().key.attribute == number;
                           });
    }

    void add_shape(std::size_t rank, IndexShape shape) {
        ranked_.emplace_back(rank, std::move(shape));
    }

    std::vector<IndexShape> most_promising() {
        std::stable_sort(ranked_.begin(), ranked_.end(),
                         [](const auto &a, const auto &b) { return a.first < b.first; });
        std::vector<IndexShape> shapes;
        std::vector<IndexDefinition> seen;
        for (auto &[rank, shape] : ranked_) {
            IndexDefinition definition = shape.definition(relation_.id);
            if (std::find(seen.begin(), seen.end(), definition) != seen.end())
                continue;
            seen.push_back(std::move(definition));
            shapes.push_back(std::move(shape));
            if (shapes.size() == most_shapes)
                break;
        }
        return shapes;
    }

    const RelationAccess &access_;
    const Relation &relation_;
    const std::vector<AttributeNumber> &volatile_columns_;
    std::vector<std::pair<std::size_t, IndexShape>> ranked_;
};

} // namespace

IndexDefinition IndexShape::definition(RelationId relation) const {
    IndexDefinition definition{
        .relation = relation, .method = method, .include = include, .predicate = predicate};
    definition.keys = equal;
    definition.keys.insert(definition.keys.end(), ordered.begin(), ordered.end());
    return definition;
}

bool worth_including(const std::vector<AttributeNumber> &columns, const Relation &relation) {
    if (columns.size() > most_included)
        return false;
    double width = 0;
    for (AttributeNumber column : columns) {
        const Attribute *attribute = find_attribute(relation, column);
        if (!attribute)
            return false;
        width += attribute->average_width;
    }
    return width <= widest_included;
}

std::vector<IndexShape> shapes_for(const RelationAccess &access, const Relation &relation,
                                   const std::vector<AttributeNumber> &volatile_columns) {
    return Generator(access, relation, volatile_columns).run();
}

} // namespace triage
