// The statistics' file, pg_stat/pg_triage.stat in the data directory: written by store::save when
// the server stops and every pg_triage.save_interval, read when it starts. A file that cannot be
// used is set aside as pg_triage.stat.bad with a line in the log; the server starts without it. Its
// bytes: core/store_image.h.
#pragma once

namespace triage::store_file {

// Reads the file into the empty store; while starting only. Raises nothing.
void load() noexcept;

// Writes the file; true if it is safely there. Failure is logged and remembered, and raises
// nothing.
bool save() noexcept;

} // namespace triage::store_file
