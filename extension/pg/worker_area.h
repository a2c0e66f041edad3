// What sessions, the launcher and the database workers tell each other, in shared memory of its
// own: which database has work and when, which worker is on which job, and who asked it to stop.
//
// One LWLock guards all of it; it is held for a few instructions only. The area is small and fixed:
// databases beyond its bound are served one after the other, as slots become free.
#pragma once

#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "datatype/timestamp.h"
PG_HEADERS_END

namespace triage::worker_area {

// Two workers may serve a database, so that verdicts do not wait for a long build.
enum class Worker : int { Build, Watch };
constexpr int worker_kinds = 2;
const char *name_of(Worker worker);

// Why a running build was interrupted.
enum class Stop : int {
    None,    // nobody of us did: pg_cancel_backend
    Cancel,  // triage.cancel_job
    Disable, // pg_triage.enabled was switched off
    Yield    // somebody waits for a lock that the build holds
};

constexpr int max_databases = 512;

// What the launcher sees of a database.
struct DatabaseView {
    Oid dbid = InvalidOid;
    TimestampTz due[worker_kinds] = {};
    pid_t pid[worker_kinds] = {};
    bool busy[worker_kinds] = {}; // with something that can be interrupted
};

// Hooks for shared memory and for the end of transactions; called while preloading.
void install();

// True if the library was preloaded, so that workers exist at all.
bool available();

// ---- sessions ----

// When the current transaction commits, the worker of this database is started.
void request_at_commit(Worker worker);
// When the current transaction commits, a build of this job is interrupted, if it is running.
void cancel_at_commit(std::int64_t job);

// ---- database workers ----

// Registers this process as a worker of the database until it exits; false if there is one already.
bool attach(Oid dbid, Worker worker);
// Takes note that all that was asked so far is being looked after; call before looking.
void begin_round();
// Asks to be started (or to do a further round) at this time, unless an earlier one is set.
void set_due(Worker worker, TimestampTz due);
// When the recommendations of this database were refreshed last (or the server started).
TimestampTz last_refresh();
void note_refresh();
// True if a further round is due already.
bool round_is_due();
// From here on this process may be interrupted on behalf of the job ...
void begin_interruptible(std::int64_t job);
// ... to here; says who interrupted it.
Stop end_interruptible();

// ---- launcher ----

void attach_launcher();
// Registers databases that are new, with a first look due now, and forgets those that are gone.
void set_databases(std::span<const Oid> databases);
// Copies the slots into `views`, which has room for max_databases; returns their number.
int read(DatabaseView *views);
void set_due_of(Oid dbid, Worker worker, TimestampTz due);
// Has every database looked at again.
void set_all_due();
// Interrupts the running build of this worker process, if there is one.
void interrupt(pid_t pid, Stop reason);
// Interrupts all running builds.
void interrupt_all(Stop reason);

} // namespace triage::worker_area
