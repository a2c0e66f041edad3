// EXPLAIN's text of a plan that is never executed.
#pragma once

#include "pg/pg.h"
#include "pg/query_text.h"

PG_HEADERS_BEGIN
#include "nodes/params.h"
#include "nodes/plannodes.h"
PG_HEADERS_END

namespace triage {

// Text format with costs, palloc'ed. Changes the plan: constants that the query's text does not
// have and that a bound parameter may have brought in are shown as $n, or as $0 where several may
// have. The executor is started for EXPLAIN only and without its hooks; hypothetical indexes need
// an ActiveOffer with names. May raise, so call it inside call_server.
char *explain_plan(PlannedStmt *plan, const PlannableQuery &query, ParamListInfo bound);

} // namespace triage
