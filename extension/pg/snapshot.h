// One reading of what this database is asked to do: the workload of core/workload.h, and for each
// of its statements what the planner needs to plan it. Taken once for an answer; nothing is read
// twice.
#pragma once

#include "core/workload.h"
#include "pg/pg.h"
#include "pg/planner_what_if.h"
#include "pg/query_text.h"

#include <map>
#include <string>
#include <vector>

namespace triage {

struct Snapshot {
    Workload workload;
    // Of workload.statements, by place; in the memory context that was current.
    std::vector<PlannableQuery> plannable;
    std::vector<PlanningParameters> parameters;
    std::vector<Oid> roles; // as whom it is planned; InvalidOid: the current user
    // On behalf of which table's rows PostgreSQL itself makes a check; 0: it is no such check.
    std::vector<RelationId> checks_for;
    bool sampled = false;                         // observed, rather than given as texts
    std::size_t texts = 0;                        // different statements looked at
    std::map<std::string, std::uint64_t> skipped; // why statements could not be used, and how many
};

// The observed workload of this database, as far as the caller may see it.
Snapshot take_snapshot();

// Statements given as texts, each with weight 1. Raises what is wrong with them.
Snapshot take_snapshot(const std::vector<std::string> &texts);

} // namespace triage
