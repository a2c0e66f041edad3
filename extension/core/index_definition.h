// What an index is, without PostgreSQL: relation, key columns, INCLUDE columns, predicate, method.
// Definitions are compared, ordered and merged here; the server layer turns them into DDL and into
// planner structures.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace triage {

using RelationId = std::uint32_t; // PostgreSQL's Oid
using AttributeNumber = std::int16_t;

// What a key column is made of: a plain column, or an expression by its canonical SQL text.
struct KeyExpression {
    AttributeNumber attribute = 0; // 0: `expression` is meant
    std::string expression;        // as pg_get_expr prints it; empty for a plain column

    auto operator<=>(const KeyExpression &) const = default;
};

struct KeyColumn {
    KeyExpression key;
    bool descending = false;
    bool nulls_first = false; // PostgreSQL's default is `descending`
    std::string opclass;      // schema-qualified; empty for the default operator class of the type
    std::uint32_t collation = 0; // 0: the column's own

    auto operator<=>(const KeyColumn &) const = default;
};

enum class IndexMethod : std::uint8_t { Btree, Gin, Brin };

struct IndexDefinition {
    RelationId relation = 0;
    IndexMethod method = IndexMethod::Btree;
    std::vector<KeyColumn> keys;
    std::vector<AttributeNumber> include;  // sorted, none of them a key
    std::vector<std::string> predicate;    // AND-ed conditions in canonical SQL, sorted; empty: full
    bool unique = false;                   // only of existing indexes; never proposed

    auto operator<=>(const IndexDefinition &) const = default;
};

// True if every scan that `narrow` can serve, `wide` can serve as well: same method, `narrow`'s keys
// are a leading part of `wide`'s (all directions equal, or all reversed), its INCLUDE columns are
// among `wide`'s columns, and `wide`'s predicate conditions are among `narrow`'s.
// A unique `narrow` is served only by a `wide` with exactly the same keys that is unique as well.
bool serves(const IndexDefinition &wide, const IndexDefinition &narrow);

// True if the two differ at most in name.
bool equivalent(const IndexDefinition &a, const IndexDefinition &b);

} // namespace triage
