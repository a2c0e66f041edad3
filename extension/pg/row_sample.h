// A random sample of a table's rows, and the index entries that they would have: what pg_statistic
// cannot tell of several columns together, of expressions and of the rows that a predicate keeps.
// Lives in backend memory for one call; nothing of a value leaves it but sizes and hashes.
#pragma once

#include "core/key_sample.h"
#include "pg/hypothetical_index.h"
#include "pg/pg.h"
#include "pg/scratch.h"

PG_HEADERS_BEGIN
#include "access/htup.h"
PG_HEADERS_END

namespace triage {

class RowSample {
  public:
    // Reads about `rows` rows of the relation (of a partitioned table: of its partitions), from as
    // many pages, whatever the caller may read: who is told more of it than sizes and numbers of
    // rows must be allowed to read them all. Throws ServerError.
    RowSample(Oid relid, int rows);
    RowSample(const RowSample &) = delete;
    RowSample &operator=(const RowSample &) = delete;

    struct Entries {
        std::vector<SampledKey> keys; // of the rows that satisfy the predicate
        double sampled = 0;           // rows looked at
    };

    // Empty where entries cannot be made without running somebody's code, or where making them
    // fails. Throws ServerError.
    Entries entries_of(const HypotheticalIndex *index) const;

    // Rows in which none of the index's columns is NULL; 0 where nothing could be computed.
    double rows_with_all_columns(const HypotheticalIndex *index) const;

    // Statistics of the index's first key, an expression, in the caller's memory context. Null
    // where they cannot be made without running somebody's code, or where making them fails.
    HeapTuple statistics_of(const HypotheticalIndex *index, double table_rows) const;

    // The same of a GIN index: all keys of all rows.
    struct SearchedKeys {
        std::vector<SampledKey> keys;
        double rows = 0; // that satisfy the predicate
        double sampled = 0;
    };
    SearchedKeys searched_keys_of(const HypotheticalIndex *index) const;

  private:
    ScratchContext context_{"pg_triage row sample"};
    Oid relid_;
    std::vector<HeapTuple> rows_; // of an ordinary table in their order
};

} // namespace triage
