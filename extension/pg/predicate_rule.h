// Which conditions of a statement may stand in the predicate of an index that is proposed, stored
// and shown: always the same for the same row, on this relation's columns alone, and with no value
// but such as the privacy rule lets out.
#pragma once

#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "nodes/primnodes.h"
PG_HEADERS_END

namespace triage {

// `clause` is a condition on the relation numbered `rti`. May raise: call it inside call_server.
bool may_stand_in_predicate(Node *clause, Oid relid, Index rti);

} // namespace triage
