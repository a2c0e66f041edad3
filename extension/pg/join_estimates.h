// What the planner found out about joins by equality of two columns, kept from one of our plans to
// the next: how many pairs match, and how much of either side a merge join reads. Both follow from
// the columns' statistics alone, whatever indexes are offered, and comparing those is most of the
// work of planning a small join. A fixed number of joins for each backend; forgotten when the
// statistics or the relations change.
#pragma once

#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "nodes/pathnodes.h"
PG_HEADERS_END

namespace triage::join_estimates {

// Before and after a search for the best join of `rels`, in which no index but hypothetical ones is
// looked at for where it ends. May raise.
void lend(PlannerInfo *root, List *rels);
void keep(PlannerInfo *root);

// Learns of changes of the catalogs from now on.
void install();

} // namespace triage::join_estimates
