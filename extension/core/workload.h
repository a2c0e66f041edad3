// One immutable snapshot of what the server was asked to do: statements with weights, what each does
// to each relation, and the facts about those relations. Filled by the server layer (pg/snapshot) in
// one reading; read by candidates, selection and recommendation.
#pragma once

#include "core/index_definition.h"

#include <cstdint>
#include <string>
#include <vector>

namespace triage {

enum class ClauseOperator : std::uint8_t {
    Equal,     // col = x, boolean column or NOT boolean column as a condition
    In,        // col = ANY (list)
    Range,     // col < x, >=, BETWEEN
    Prefix,    // col LIKE 'abc%'
    NotEqual,  // col <> x
    IsNull,
    IsNotNull,
    Other      // no B-tree can serve it
};

enum class Operand : std::uint8_t {
    None,       // IS NULL, a bare boolean column
    Literal,    // a constant in the statement's text
    Parameter,  // $n of a prepared statement or a PL/pgSQL variable
    Expression, // stable expression over literals and parameters, such as now() - interval '1 day'
    Join        // a column of another relation
};

// One condition on one column (or expression) of a relation.
struct Clause {
    KeyExpression key;
    ClauseOperator op = ClauseOperator::Other;
    Operand operand = Operand::Literal;
    double selectivity = 1.0; // share of the relation's rows that satisfy it, 0..1
    bool guessed = false;     // an expression of which the planner has no statistics
    // The condition in canonical SQL, if it may stand in a partial index's predicate: immutable, its
    // value shared by enough rows (or no value at all), part of the statement's text. Else empty.
    std::string predicate;
    std::string opclass;         // operator class an index needs to serve it, if not the default one
    // Operator classes with which a GIN index serves it, the best first; empty text: the default.
    std::vector<std::string> gin_opclasses;
};

struct SortColumn {
    KeyExpression key;
    bool descending = false;
    bool nulls_first = false;
};

// What one statement does to one of its range-table entries.
struct RelationAccess {
    RelationId relation = 0;
    std::vector<Clause> clauses;             // AND-ed
    std::vector<SortColumn> order_by;        // a leading part of ORDER BY, if all of it is this relation's
    std::vector<KeyExpression> group_by;     // GROUP BY or DISTINCT, if all of it is this relation's
    bool limited = false;                    // a LIMIT stops the statement early
    std::vector<AttributeNumber> columns_read; // sorted; every column the statement needs
    bool whole_row = false;                  // needs columns that no index can hold
    bool is_target = false;                  // UPDATE or DELETE of this relation
    std::vector<AttributeNumber> columns_written; // an UPDATE's SET list, sorted
};

struct Statement {
    std::int64_t queryid = 0;
    double calls = 1;         // weight: executions in the observed time
    double mean_ms = 0;       // measured; 0 if never seen (a statement given as text)
    double generic_share = 0; // share of the executions under a generic plan, 0..1
    std::vector<RelationAccess> accesses;
};

struct Attribute {
    AttributeNumber number = 0;
    std::string name;
    double average_width = 8;   // bytes, without alignment (pg_statistic.stawidth)
    double distinct = -1;       // as pg_statistic.stadistinct: > 0 a count, < 0 minus a share of the rows
    double null_fraction = 0;
    double correlation = 0;     // physical order against value order, -1..1
    std::vector<float> mcv_frequencies; // most common first
    std::uint8_t alignment = 8; // 1, 2, 4, 8
    bool fixed_width = false;
    bool orderable = true;      // its type has a default B-tree operator class
    bool summarizable = false;  // its type has a default BRIN operator class of least and greatest
};

struct ExistingIndex {
    std::uint32_t id = 0;
    IndexDefinition definition;
    double bytes = 0;
    bool valid = true;
    bool must_stay = false; // enforces a constraint, is a replica identity or clustered on
};

struct Relation {
    RelationId id = 0;
    std::string name; // schema-qualified, quoted where needed
    double tuples = 0;
    double pages = 0;
    double all_visible_fraction = 0;
    // Rows written in the observed time (pg_stat_all_tables, children summed up).
    double inserted = 0, updated = 0, hot_updated = 0, deleted = 0;
    std::vector<Attribute> attributes;
    std::vector<ExistingIndex> indexes;
};

struct Workload {
    std::vector<Statement> statements;
    std::vector<Relation> relations; // sorted by id

    const Relation *find_relation(RelationId id) const;
};

} // namespace triage
