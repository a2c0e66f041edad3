// Which large tables a plan reads from end to end.
#pragma once

#include "pg/pg.h"
#include "pg/query_text.h"

PG_HEADERS_BEGIN
#include "nodes/params.h"
PG_HEADERS_END

namespace triage {

struct UnindexedTable {
    Oid relid; // of partitions: the topmost table
    int scans; // partitions read without an index; 1 for a plain table
    bool partitioned;
    double rows; // of all that is read without an index
};

// Plans the query as it would be executed; with nothing bound if it cannot be planned with `bound`.
// Largest first. Throws ServerError.
std::vector<UnindexedTable> find_unindexed_tables(const PlannableQuery &query, ParamListInfo bound);

} // namespace triage
