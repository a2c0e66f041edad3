// The life of a job that builds or drops an index: which status may follow which, when a failed
// attempt is made again, and what may be told of an error. Pure: the clock, the server and the
// table of jobs are the caller's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace triage {

enum class JobStatus { Queued, Running, Verifying, Kept, Reverted, Failed, Cancelled };

const char *name_of(JobStatus status);
std::optional<JobStatus> job_status(std::string_view name);

// True if a job may go from one status to the other.
bool may_follow(JobStatus from, JobStatus to);

// True if the worker has nothing left to do for the job. A finished job changes only by being taken
// back (kept to reverted).
bool is_finished(JobStatus status);

// How far an attempt had come when it ended without success.
enum class AttemptStage {
    BeforeBuild, // waiting for the table's lock, checking: repeating it costs nothing
    InBuild,     // the table was being read: repeating it costs a scan
    Crash        // the worker or the server went away
};

struct FailedAttempt {
    AttemptStage stage = AttemptStage::BeforeBuild;
    std::string sqlstate; // five characters; of no meaning after a crash
    int attempts = 1;     // so far, this one included, at this stage
};

struct NextStep {
    JobStatus status = JobStatus::Failed; // Queued: once more; Failed: given up
    double delay_s = 0;                   // before the next attempt
};

NextStep after_failure(const FailedAttempt &attempt);

// True for errors that may pass by themselves: locks, deadlocks, a lack of resources, a shutdown.
bool is_transient(std::string_view sqlstate);

// What of an error's primary message may be kept. Messages of some kinds of error quote values of
// the table ("invalid input syntax for type integer: ..."); so may everything raised inside a
// user's function. Those are replaced by a sentence that says no more than the SQLSTATE.
std::string safe_message(std::string_view sqlstate, std::string_view message, bool in_user_code);

} // namespace triage
