// What core's size model must know of an index that does not exist, from pg_statistic of its table
// and, where one is at hand, from a sample of its rows.
#pragma once

#include "core/size_model.h"
#include "core/what_if.h"
#include "core/workload.h"
#include "pg/hypothetical_index.h"
#include "pg/pg.h"
#include "pg/row_sample.h"

#include <optional>
#include <vector>

namespace triage {

struct IndexEstimate {
    SizeInput input;    // of a partitioned table: as if it were one
    int partitions = 0; // leaves of a partitioned table; else 0
    // Of a GIN or BRIN index, of which `input` only tells the number of rows:
    std::optional<SizeEstimate> size;
    double entries_per_row = 1;
};

// Reads pg_statistic regardless of privileges. Throws ServerError. `resolved` is the definition's
// index, if the caller has it already.
IndexEstimate estimate_index(const IndexDefinition &definition, const Relation &relation,
                             const RowSample *sample = nullptr,
                             const HypotheticalIndex *resolved = nullptr);

// The size of the whole, all partitions' indexes together.
SizeEstimate size_of(const IndexEstimate &estimate);

// An index's price is guessed worse without a sample of rows: what an expression makes of columns,
// or how many keys a value has.
bool wants_sample(const IndexDefinition &definition);

// `sample` is null where none is wanted. Throws ServerError.
Candidate price_candidate(IndexDefinition definition, const Relation &relation,
                          const RowSample *sample);

} // namespace triage
