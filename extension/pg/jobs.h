// The table of jobs as the database worker sees it: what is queued, what was left behind, and every
// change of a job, each with its row in the audit trail. Call inside worker_transaction().
#pragma once

#include "core/build_job.h"
#include "pg/spi.h"

PG_HEADERS_BEGIN
#include "datatype/timestamp.h"
PG_HEADERS_END

namespace triage {

enum class JobKind { Create, Drop };

struct Job {
    std::int64_t id = 0;
    JobKind kind = JobKind::Create;
    std::string ddl;
    Oid relation = InvalidOid;
    std::string index_schema, index_name;
    Oid index = InvalidOid;      // of a drop, and of a create once it is built
    bool by_owner = false;       // who asked for it may act as the table's owner
    bool name_given = false;     // the requester chose the index's name
    std::int64_t size_bytes = 0; // predicted; 0: not known
    std::int64_t recommendation = 0;
    std::int64_t undoes = 0; // the job that this one takes back
    std::vector<std::int64_t> queryids;
    int lock_attempts = 0, build_attempts = 0, crashes = 0;
    bool cancel_requested = false;
    // While a leftover is removed: what the job becomes afterwards.
    std::optional<JobStatus> after_cleanup;
    std::string requested_by;
};

namespace jobs {

// True if this database has the extension, with its table of jobs.
bool exist();

// The oldest job that is due, now 'running' on behalf of this process.
std::optional<Job> take_next();
// Jobs that are 'running' although no worker is at them: left by a crash, or with a leftover to
// remove.
std::vector<Job> interrupted();
Job read(std::int64_t id);
bool cancel_requested(std::int64_t id);

void set_phase(const Job &job, const std::string &phase);
void set_index_name(const Job &job, const std::string &ddl);

// The indexes that a build makes on the leaves of a partitioned table; persisted before each is
// built.
struct Part {
    Oid relation = InvalidOid;
    std::string index_schema, index_name;
};
void set_part(const Job &job, const Part &part);
std::vector<Part> parts(const Job &job);
void set_part_count(const Job &job, std::size_t done, std::size_t all);

// Notes how an attempt ended, and the counts of attempts; what it left is still to be removed.
void begin_cleanup(Job &job, const NextStep &next, const std::string &sqlstate,
                   const std::string &message);
// The end of begin_cleanup: the job gets the status that was noted.
void end_cleanup(const Job &job);

// Back to the queue, at no cost: nobody failed (the worker was told to stop, or gave way).
void put_back(const Job &job, double delay_s, const std::string &phase);

// The index is there. False if the job was cancelled in the meantime.
bool set_built(const Job &job, Oid index, bool verify, const std::string &reason);
// A dropped index, or one that needs no verification any more. Without a reason the one that stands
// in the row stays.
void finish(const Job &job, JobStatus status, const std::optional<std::string> &reason);

// When the next queued job falls due; DT_NOEND if none is queued.
TimestampTz next_due();
// The jobs whose indexes are being verified.
std::vector<std::int64_t> verifying();

void audit(const Job &job, const char *action, const std::string &reason);

} // namespace jobs
} // namespace triage
