#include "core/index_definition.h"

#include <algorithm>

namespace triage {
namespace {

enum class Direction { Same, Reversed, Different };

// How `a` runs against `b`: a B-tree is read backward as easily as forward, which turns round both
// the order of the values and the place of the NULLs.
Direction compare_direction(const KeyColumn &a, const KeyColumn &b) {
    if (a.descending == b.descending && a.nulls_first == b.nulls_first)
        return Direction::Same;
    if (a.descending != b.descending && a.nulls_first != b.nulls_first)
        return Direction::Reversed;
    return Direction::Different;
}

bool same_key_ignoring_direction(const KeyColumn &a, const KeyColumn &b) {
    return a.key == b.key && a.opclass == b.opclass && a.collation == b.collation;
}

bool leads(const std::vector<KeyColumn> &wide, const std::vector<KeyColumn> &narrow,
           bool ordered_method) {
    if (narrow.size() > wide.size())
        return false;
    bool all_same = true, all_reversed = true;
    for (std::size_t i = 0; i < narrow.size(); i++) {
        if (!same_key_ignoring_direction(wide[i], narrow[i]))
            return false;
        Direction direction = compare_direction(wide[i], narrow[i]);
        all_same &= direction == Direction::Same;
        all_reversed &= direction == Direction::Reversed;
    }
    return !ordered_method || all_same || all_reversed;
}

// GIN and BRIN search any of their columns alike, in whatever place it stands.
bool contains_keys(const std::vector<KeyColumn> &wide, const std::vector<KeyColumn> &narrow) {
    return std::all_of(narrow.begin(), narrow.end(), [&](const KeyColumn &wanted) {
        return std::any_of(wide.begin(), wide.end(), [&](const KeyColumn &column) {
            return same_key_ignoring_direction(column, wanted);
        });
    });
}

bool holds_column(const IndexDefinition &index, AttributeNumber attribute) {
    return std::find(index.include.begin(), index.include.end(), attribute) !=
               index.include.end() ||
           std::any_of(index.keys.begin(), index.keys.end(),
                       [&](const KeyColumn &column) { return column.key.attribute == attribute; });
}

// Definitions read from a server may list conditions and INCLUDE columns in any order, so order is
// not relied on.
bool is_subset(const std::vector<std::string> &part, const std::vector<std::string> &whole) {
    return std::all_of(part.begin(), part.end(), [&](const std::string &condition) {
        return std::find(whole.begin(), whole.end(), condition) != whole.end();
    });
}

} // namespace

bool serves(const IndexDefinition &wide, const IndexDefinition &narrow) {
    if (wide.relation != narrow.relation || wide.method != narrow.method)
        return false;
    // Each further condition leaves rows out.
    if (!is_subset(wide.predicate, narrow.predicate))
        return false;
    if (wide.method == IndexMethod::Btree) {
        if (!leads(wide.keys, narrow.keys, true))
            return false;
    } else if (!contains_keys(wide.keys, narrow.keys)) {
        return false;
    }
    if (!std::all_of(narrow.include.begin(), narrow.include.end(),
                     [&](AttributeNumber attribute) { return holds_column(wide, attribute); }))
        return false;
    // Unique over these columns is a promise that more columns would weaken; unique over more rows
    // includes unique over fewer.
    return !narrow.unique || (wide.unique && wide.keys.size() == narrow.keys.size());
}

bool equivalent(const IndexDefinition &a, const IndexDefinition &b) {
    return serves(a, b) && serves(b, a);
}

} // namespace triage
