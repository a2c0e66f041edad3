// The shape of a finished plan: looked at in the sampler's hooks, so nothing here reads a catalog,
// raises or allocates, and the number of nodes visited is bounded.
#pragma once

#include "core/plan_shape.h"
#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "nodes/plannodes.h"
PG_HEADERS_END

namespace triage {

// The id of the shape, which alone takes a fraction of the work.
std::uint64_t plan_id_of(const PlannedStmt *statement) noexcept;
void shape_of(const PlannedStmt *statement, PlanShape &shape) noexcept;

// The relation of a range table entry, InvalidOid if it is none.
Oid relation_of(const PlannedStmt *statement, Index rti) noexcept;

} // namespace triage
