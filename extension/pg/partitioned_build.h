// An index on a partitioned table: built concurrently on one leaf after the other, and only when
// all of them have theirs, put together under one on the partitioned table, in one short
// transaction that reads no row.
#pragma once

#include "pg/index_command.h"
#include "pg/jobs.h"

namespace triage::partitioned_build {

// What the builder does for each leaf.
struct Steps {
    std::function<void()> check_cancelled;
    std::function<Oid(const Table &)> role_for; // whom the leaf's build runs as
};

// Raises everything that the definition itself does not allow, before any leaf is read.
// Throws WorkerError.
void rehearse(const Job &job, const Table &table);

// Throws WorkerError; what was built so far stays for the next attempt.
void build(const Job &job, const Table &table, const Steps &steps);

// Removes what a build left on the leaves: all of it, or only what is invalid. Throws WorkerError.
void remove_parts(const Job &job, bool valid_ones_too);

} // namespace triage::partitioned_build
