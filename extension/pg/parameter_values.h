// Values for a statement's parameters with which it can be planned as it usually runs: of the same
// selectivity as the sampled ones, from pg_statistic; never a stored private value, never simply
// NULL. They live for the length of a call in this backend's memory and are never shown.
#pragma once

#include "core/workload.h"
#include "pg/pg.h"
#include "pg/plan_analysis.h"
#include "pg/planner_what_if.h"

namespace triage {

// Where a parameter stands, as far as that tells which value would be typical.
struct ParameterUse {
    enum class Role : std::uint8_t {
        Unused,     // $n does not occur
        Unknown,    // anything else; stays unbound
        Comparison, // a column's condition, see below
        Limit,      // of the statement itself
        InnerLimit, // of one of its subqueries
        Offset
    };
    Role role;
    Oid type;
    // Of a comparison:
    Oid relid;
    AttributeNumber attno; // 0: an expression
    Oid opno;              // with the column on the left
    ClauseOperator op;
    Node *other;            // the side of the comparison on which the parameter stands
    int element, elements;  // place in an IN list of so many
    bool one_of_two_bounds; // of the same column
};

struct ParameterUses {
    const Query *statement;
    int count; // highest n
    ParameterUse *uses;
};

struct BoundParameters {
    PlanningParameters planning;
    ParamListInfo analysis; // for estimates only, but for values that were recorded
};

// What is wanted of one parameter.
struct WantedValue {
    bool is_parameter = true; // a true parameter; else a literal that normalising took out
    double selectivity = -1;  // of its condition; below zero: typical
    double rows = -1;         // that the statement returned on the average; below zero: unknown
    bool leading_wildcard = false; // of a LIKE pattern
    const char *value = nullptr;   // recorded because enough rows share it, as its type prints it
};

// May raise, so call these inside call_server. `query` is not changed.
ParameterUses find_parameter_uses(const Query *query);

// `wanted` has uses.count members, or is null: typical values.
BoundParameters bind_parameters(const ParameterUses &uses, const WantedValue *wanted);

// For a statement of which nothing is known but its text: typical values wherever one can be found.
ParamListInfo bind_typical_values(const Query *query);

} // namespace triage
