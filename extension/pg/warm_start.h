// Brings the working set back after a restart, from the heat map that the last run left.
//
// While the server is not ready yet (recovery), this process, which needs no database, reads into
// the page cache what shared buffers will want. Then a worker for each database takes over and
// fills them (warm_loader.h). When those are done, the page cache gets the next hottest, as far as
// memory is free.
#pragma once

#include "pg/heat_store.h"

namespace triage::heat {

// Returns when all is warm, or the server shuts down.
void warm_after_start(const Map &map);

} // namespace triage::heat
