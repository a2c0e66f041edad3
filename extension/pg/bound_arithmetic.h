// Values for the parameters of an expression that a column is compared with, so that it arrives at
// a given bound: `now() - $1`, `$1 + $2`, `$1 - $2 * $3`.
#pragma once

#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "nodes/params.h"
#include "nodes/primnodes.h"
PG_HEADERS_END

namespace triage {

// The parameter itself under any casts, or null.
Param *bare_parameter(Node *node);

// Whether it is of a form that value_for_bound knows.
bool is_arithmetic(Node *expression);

// A value for the parameter number `wanted`, of the given type. What is taken from or added to a
// base that is known, because it has no parameters or its own is among the `known` (those with a
// type), makes up the difference to the bound; beside one that is not it is nothing, and the base
// the bound itself. A factor is one. False where the expression is of another form or a value
// cannot be told. May raise.
bool value_for_bound(Node *expression, int wanted, Oid type, Datum bound, Oid bound_type,
                     ParamListInfo known, Datum *value);

} // namespace triage
