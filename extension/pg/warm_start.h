// Brings the working set back after a restart, from the heat map that the last run left.
//
// The page cache comes first, from the postmaster's start on, by a process without a database; once
// the server is consistent a worker for each database loads shared buffers from it, as long as
// there are free ones. Both go in waves of falling value.
#pragma once

#include "pg/heat_store.h"

namespace triage::heat {

// Returns when the page cache is warm; the workers of the databases may still be at it.
void warm_after_start(const Map &map);

} // namespace triage::heat
