// What a statement does to each relation, in the terms of core/workload.h: from the planner's
// analysis, with conditions and expressions in canonical SQL.
#pragma once

#include "core/workload.h"
#include "pg/parameter_values.h"
#include "pg/pg.h"
#include "pg/predicate_rule.h"

#include <string>
#include <vector>

namespace triage {

struct QueryAccess {
    std::vector<RelationAccess> accesses;
    RelationId target = 0; // of INSERT, UPDATE, DELETE, MERGE
    CmdType command = CMD_UNKNOWN;
    double rows_written = 0; // estimated, one execution
};

// `wanted` tells true parameters from literals that normalising took out. Throws ServerError if the
// statement cannot be planned.
QueryAccess read_query_access(const Query *query, const BoundParameters &bound,
                              const ParameterUses &uses, const WantedValue *wanted,
                              Literals literals);

} // namespace triage
