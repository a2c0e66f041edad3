// Statements as pg_stat_statements keeps them no longer parse as they did where the grammar wants a
// literal: "interval '1 day'" is kept as "interval $1". And from PostgreSQL 18 on a list of
// constants is kept as its first: "IN ($1 /*, ... */)". Finds such places with the server's own
// lexer.
#pragma once

#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "nodes/bitmapset.h"
PG_HEADERS_END

namespace triage {

struct RepairedText {
    const char *text; // "$1::interval" for "interval $1"; the text itself if nothing is wrong
    bool has_parameters;
    Bitmapset *after_sign; // n of each $n that follows a + or -
};

// `list_elements`: to how many a list that was cut to one is completed, with further parameters.
// May raise (what the lexer raises), so call it inside call_server.
RepairedText repair_query_text(const char *text, int list_elements);

} // namespace triage
