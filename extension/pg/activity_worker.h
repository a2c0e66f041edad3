// The background worker that looks at all sessions every pg_triage.activity_interval and keeps the
// log of activity, on a standby too: it writes a file and nothing else.
#pragma once

namespace triage::activity {

// Registers the worker; called while preloading.
void install_worker();

} // namespace triage::activity
