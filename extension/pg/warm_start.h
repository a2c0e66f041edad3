// Brings the working set back after a restart, from the heat map that the last run left.
//
// Before it accepts anybody, the postmaster reads into the page cache what shared buffers will
// want, for no longer than pg_triage.warm_start_delay: nobody competes for the disk then, and each
// block read in this time spares a statement a wait. While the server is still not ready
// (recovery), the heat worker, which needs no database, goes on with it. Then a worker for each
// database takes over and fills them (warm_loader.h). When those are done, the page cache gets the
// next hottest, as far as memory is free.
#pragma once

#include "pg/heat_store.h"

namespace triage::heat {

// In the postmaster, while preloading. Never raises: what goes wrong is said in the log.
void warm_before_start();

// In the heat worker. Returns when all is warm, or the server shuts down.
void warm_after_start(const Map &map);

} // namespace triage::heat
