// Looks at the plan of a sampled execution: its scans with their conditions, each constant turned
// into a selectivity and, where the privacy rule lets it out, a value. This is the redact step:
// behind it there is no other constant.
#pragma once

#include "core/scan_statistics.h"
#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "executor/execdesc.h"
#include "nodes/execnodes.h"
PG_HEADERS_END

namespace triage::predicates {

struct SampledScan {
    SampledScan *next;
    PlanState *state;
    ScanSample scan;
};

// What is known of a sampled execution before it runs.
struct Sample {
    SampledScan *scans = nullptr;
    bool generic_plan = false;        // a parameter is left in the plan
    Oid target = InvalidOid;          // of INSERT, UPDATE, DELETE, MERGE
    std::uint32_t label_epoch = 0;    // in which its values were decided on
    std::uint32_t scans_left_out = 0; // for which there was no room or no memory
    enum class Outcome : std::uint8_t {
        Complete,
        Failed,   // reading the catalogs raised an error
        Unguarded // they were not read, as no error could have been caught
    } outcome = Outcome::Complete;
};

// Looks at a plan that was just started; memory comes from the query's context. The user's
// statement cannot fail in here, but it can be cancelled.
void inspect(QueryDesc *query, Sample &sample);

} // namespace triage::predicates
