// Statistics of an expression that no index or CREATE STATISTICS has made the server keep: made of
// a sample of rows by what ANALYZE itself uses, so that the planner knows before an index is built
// what it will know once that is built and analyzed. They hold values, as pg_statistic does: they
// live in backend memory for the length of a call and are shown to nobody but the planner.
#pragma once

#include "core/index_definition.h"
#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "access/htup.h"
#include "nodes/primnodes.h"
PG_HEADERS_END

#include <string>

namespace triage {

struct ExpressionStatistics {
    RelationId relation = 0;
    std::string expression;         // canonical
    HeapTuple statistics = nullptr; // a row of pg_statistic
};

// `rows` are some of the `table_rows` that the table has, in their order; Vars of the expression
// have varno 1. Null where the type has no statistics or the rows are too few. May raise.
HeapTuple make_statistics(Node *expression, Oid relid, const HeapTuple *rows, int row_count,
                          double table_rows);

} // namespace triage
