// Did an index help? Keeps the latency histograms of the statements that a build is for, as they
// were before and at its end, and gives the verdict that core/verdict draws from what came after.
#pragma once

#include "pg/jobs.h"

namespace triage::verifier {

// Notes how the job's statements ran before the build. Call inside worker_transaction().
void record_before(const Job &job);

// Notes where their counters stand now that the index is there. The indexes still being verified
// start anew, because this build disturbed their statements. Call inside worker_transaction().
void record_built(const Job &job);

// True if the job's statements can be watched at all.
bool can_verify(const Job &job);

// Looks at every index that is being verified, keeps or reverts those on which there is a verdict;
// returns when to look again (DT_NOEND: none is left).
TimestampTz check_all();

} // namespace triage::verifier
