// Builds and drops indexes concurrently, at top level, in a database worker: one attempt at a job,
// from its checks to the status that follows, with whatever a failed attempt left removed.
//
// Locks: ShareUpdateExclusive on the table, for which it waits no longer than
// pg_triage.lock_timeout and which keeps other builders away; readers and writers pass. Waits
// inside the build are for older transactions to end; they stand in nobody's way but DDL's, to
// which a build gives way (launcher).
#pragma once

#include "pg/jobs.h"

namespace triage::builder {

// Makes one attempt at a job that take_next() gave.
void attempt(Job &job);

// Brings a job that was interrupted, or whose leftover could not be removed yet, to a status that
// can go on from. False if that has to be tried again later.
bool recover(Job &job);

// Drops the index concurrently if it is there; for verdicts. Throws WorkerError.
void drop_index(Oid relation, Oid index);

} // namespace triage::builder
