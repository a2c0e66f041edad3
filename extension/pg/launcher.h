// The one background process that is always there. It keeps the statistics (on standbys too) and,
// on a primary, starts a database worker wherever one is due: at server start in every database,
// when a session queued a job, when a retry, a verification or a refresh falls due. It connects to
// no database, and no worker stays in one without work, so that nothing stands in the way of DROP
// DATABASE.
#pragma once

namespace triage::launcher {

// Registers the process and its shared memory; called while preloading.
void install();

} // namespace triage::launcher
