// Who waits for whom, as far as builds are concerned: a build that runs holds up statements that
// want its table for themselves (ALTER TABLE, DROP TABLE, ...), and everybody queues behind those.
#pragma once

#include "pg/pg.h"

namespace triage::lock_watch {

// True if a statement that would hold up readers or writers itself has waited for so long for a
// table that one of its locks `holder` has. VACUUM and other builds, which hold up nobody, may
// wait.
bool stands_in_the_way(pid_t holder, int patience_ms);

} // namespace triage::lock_watch
