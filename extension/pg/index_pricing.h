// What core's size model must know of an index that does not exist, from pg_statistic of its table
// and, where one is at hand, from a sample of its rows.
#pragma once

#include "core/size_model.h"
#include "core/workload.h"
#include "pg/pg.h"
#include "pg/row_sample.h"

namespace triage {

struct IndexEstimate {
    SizeInput input;    // of a partitioned table: as if it were one
    int partitions = 0; // leaves of a partitioned table; else 0
};

// Reads pg_statistic regardless of privileges. Throws ServerError.
IndexEstimate estimate_index(const IndexDefinition &definition, const Relation &relation,
                             const RowSample *sample = nullptr);

// The size of the whole, all partitions' indexes together.
SizeEstimate size_of(const IndexEstimate &estimate);

} // namespace triage
