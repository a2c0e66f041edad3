// Values of a column that a wanted share of its rows equals, lies below or begins with: taken from
// pg_statistic, for planning only. They stay in this backend's memory and are never shown to
// anybody.
#pragma once

#include "core/workload.h"
#include "pg/pg.h"

namespace triage {

// Everything here may raise (call it inside call_server) and returns false where the statistics
// give no answer. `selectivity` below zero asks for what is typical. Results are of type `*type`.

// `nth` gives different values of about the same frequency. `*common`: one of the most common
// values, which an index's predicate may name.
bool value_equal_to(Oid relid, AttributeNumber attno, double selectivity, int nth, Datum *value,
                    Oid *type, bool *common);

// A bound for `column < value` (or `column > value` if not `below`).
bool value_bounding(Oid relid, AttributeNumber attno, bool below, double selectivity, Datum *value,
                    Oid *type);

// A LIKE pattern, without a leading wildcard if `prefix`; a text.
bool value_matching(Oid relid, AttributeNumber attno, bool prefix, double selectivity,
                    Datum *value);

// How many different values there are; 0 if nobody knows.
double distinct_values(Oid relid, AttributeNumber attno);

// The same value as another type; false if it is none of that type.
bool convert_value(Datum value, Oid from, Oid to, Datum *result);

} // namespace triage
