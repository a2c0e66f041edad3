// The facts about a relation that candidates, sizes and write costs rest on, read from the catalog,
// pg_statistic and the cumulative statistics.
#pragma once

#include "core/workload.h"
#include "pg/pg.h"

#include <set>

namespace triage {

// Reads a table, partitioned table or materialised view; a partitioned table's size and writes are
// those of its leaves. Takes AccessShareLock to the end of the transaction. Reads regardless of the
// user's privileges: who shows the result decides. Throws SqlError, ServerError.
Relation read_relation(Oid relid);

// The same without the existing indexes, for whoever only wants to know sizes: all columns, or only
// the `wanted` ones.
Relation read_columns(Oid relid);
Relation read_columns(Oid relid, const std::set<AttributeNumber> &wanted);

} // namespace triage
