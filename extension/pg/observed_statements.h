// The statements of this database with what they cost, from pg_stat_statements (texts, rows) and
// the sampled store (executions, latencies, plan modes); and what writing statements did to each
// relation.
#pragma once

#include "pg/pg.h"

#include <cstdint>
#include <string>
#include <vector>

namespace triage {

struct ObservedStatement {
    std::int64_t queryid = 0; // 0: a text of which nothing was observed
    Oid role = InvalidOid;    // who ran it most often
    std::string text;         // normalised, if it was observed
    double calls = 1;
    double mean_ms = 0;
    double rows_per_call = -1; // below zero: not observed
    double generic_share = 0;
    Oid main_relation = InvalidOid; // written, or read most of, if sampled
};

struct ObservedStatements {
    std::vector<ObservedStatement> statements; // the most time first
    std::uint64_t hidden = 0;                  // whose text the caller may not see
    std::uint64_t left_out = 0;                // beyond the number that is looked at
};

// What the caller may see, by the rules of pg_stat_statements. Throws SqlError where nothing is
// observed because a module is missing.
ObservedStatements read_observed_statements();

// Texts given by the user, the same text once with the number of its occurrences.
ObservedStatements observe_texts(const std::vector<std::string> &texts);

} // namespace triage
