// Walking finished plans; the server has no public walker for them. Nothing here raises.
#pragma once

#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "nodes/plannodes.h"
PG_HEADERS_END

namespace triage {

// Calls `visit` for every node of the statement's plan, its subplans and init plans included.
using PlanVisitor = void (*)(Plan *plan, void *context);
void walk_plan(const PlannedStmt *statement, PlanVisitor visit, void *context);

// Calls `visit` for each expression (or list of expressions) that this node holds, none of them
// null.
using ExpressionVisitor = void (*)(Node *expression, void *context);
void walk_plan_expressions(Plan *plan, ExpressionVisitor visit, void *context);

} // namespace triage
