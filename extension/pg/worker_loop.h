// What the workers have in common that need no database: they run from the postmaster's start on,
// on a standby too, look at something in shared memory at intervals, and stop when asked to.
#pragma once

#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "datatype/timestamp.h"
PG_HEADERS_END

namespace triage::worker_loop {

// Registers such a worker; called while preloading.
void install(const char *name, const char *main_function);

// Call first in the worker's main function.
void accept_signals();

// Ends the process in such a way that it is started again if the server goes on: somebody may have
// terminated it.
[[noreturn]] void leave();

bool shutting_down();

// Until the time is over or something happens; takes changed settings in.
void wait(long milliseconds);

double now_s(); // since 2000, with fractions

// In the time zone of the server's log; 0 is Monday, 00:00-00:59.
int hour_of_week(TimestampTz at);
int minute_of_week(TimestampTz at);

} // namespace triage::worker_loop
