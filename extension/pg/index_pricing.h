// What core's size model must know of an index that does not exist, from pg_statistic of its table.
#pragma once

#include "core/size_model.h"
#include "core/workload.h"
#include "pg/pg.h"

namespace triage {

struct IndexEstimate {
    SizeInput input;    // of a partitioned table: as if it were one
    int partitions = 0; // leaves of a partitioned table; else 0
};

// Reads regardless of privileges. Throws ServerError.
IndexEstimate estimate_index(const IndexDefinition &definition, const Relation &relation);

// The size of the whole, all partitions' indexes together.
SizeEstimate size_of(const IndexEstimate &estimate);

} // namespace triage
