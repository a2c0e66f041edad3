// How large a GIN index will be once it is built, from a sample of the keys that its rows have.
// Facts and formulas: PostgreSQL's gin (ginentrypage.c, gindatapage.c, ginpostinglist.c,
// gininsert.c).
#pragma once

#include "core/key_sample.h"
#include "core/size_model.h"

#include <vector>

namespace triage {

struct GinSizeInput {
    double rows = 0;            // indexed
    double rows_per_page = 50;  // of the table
    double entries_per_row = 1; // different keys of one value; 1 for NULL and for empty ones
    // Of all pairs of a row and one of its keys; size is that of the key's tuple without its rows.
    std::vector<EntryClass> keys;
    double work_memory = 64 << 20; // bytes that the build collects pairs in (maintenance_work_mem)
};

// tree_height stays 0: the planner does not ask for that of a GIN index.
SizeEstimate estimate_gin_size(const GinSizeInput &input);

} // namespace triage
