// From a statement's text to a Query that can be planned: one plannable statement, with its
// parameters, also in the form that pg_stat_statements keeps.
#pragma once

#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "nodes/parsenodes.h"
PG_HEADERS_END

namespace triage {

// Of a list of which nothing else is known.
constexpr int typical_list_elements = 3;

// Plain data in the memory context that was current in parse_query.
struct PlannableQuery {
    Query *query = nullptr;         // analysed and rewritten; plan a copy
    int parameters = 0;             // highest n of $n
    Oid *parameter_types = nullptr; // InvalidOid where $n does not occur
    const char *text = nullptr;     // as it was analysed, see below
};

// Accepts SELECT, VALUES, INSERT, UPDATE, DELETE and MERGE, also inside EXPLAIN, PREPARE, DECLARE
// CURSOR, COPY (…) TO and CREATE TABLE AS. Texts that pg_stat_statements normalised are repaired
// where they no longer parse as they did ("interval $1" becomes "$1::interval"), and parameters
// whose type nothing tells become text; a list that was cut to one element (from PostgreSQL 18 on)
// is given that many. Says nothing about privileges. May raise, so call it inside call_server.
PlannableQuery parse_query(const char *text, int list_elements = typical_list_elements);

// Raises what the executor would raise if the current user may not run the query. Do this before
// anything about the query's tables is shown to that user. May raise, so call it inside
// call_server.
void check_privileges(const Query *query);

} // namespace triage
