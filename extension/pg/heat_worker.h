// The background worker that learns what is hot: looks at the buffer pool at short intervals, keeps
// the heat map and the miss-ratio figures up to date, saves the map, and starts the warm-up after a
// restart.
//
// It needs no database, so it runs from the postmaster's start on, on a standby too.
#pragma once

namespace triage::heat {

// Registers the worker; called while preloading.
void install_worker();

} // namespace triage::heat
