// What deleting a row costs where others refer to it: PostgreSQL looks for those by a statement of
// its own, which nobody sees and which reads the whole table where the foreign key has no index.
#pragma once

#include "core/workload.h"
#include "pg/pg.h"

#include <string>
#include <vector>

namespace triage {

struct ForeignKeyCheck {
    RelationId referencing = 0;
    Oid owner = InvalidOid; // of the referencing table, as whom the check runs
    std::string text;       // of the check, with a parameter for each column
};

// Checks that deleting a row of `referenced` makes, or changing one of `changed` columns (if there
// are any), and that no index serves. Throws ServerError.
std::vector<ForeignKeyCheck> unindexed_checks(RelationId referenced,
                                              const std::vector<AttributeNumber> &changed);

} // namespace triage
