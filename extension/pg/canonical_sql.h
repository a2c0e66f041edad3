// The one text by which conditions and expressions over a relation's columns are compared, kept and
// shown, and the way back. It is the same under every search_path.
#pragma once

#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "nodes/pg_list.h"
PG_HEADERS_END

namespace triage {

// A condition or expression over columns of one relation (whatever its varno), as the relcache
// would have it in an index, as text. A top-level AND stays one text: split it before. Throws
// ServerError.
std::string canonical_condition(Node *condition, Oid relid);
std::string canonical_expression(Node *expression, Oid relid);

// The same for callers that are already inside call_server: palloc'ed, may raise.
char *canonical_condition_text(Node *condition, Oid relid);
char *canonical_expression_text(Node *expression, Oid relid);

// What canonical_… wrote, analysed again; Vars have varno 1. A condition is an implicit AND, as the
// relcache has it. May raise, so call these inside call_server.
List *parse_canonical_condition(const char *text, Oid relid);
Node *parse_canonical_expression(const char *text, Oid relid);

// "schema.name", quoted where needed, under every search_path. May raise.
char *qualified_name(Oid nspid, const char *name);

} // namespace triage
