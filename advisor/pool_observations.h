// What was observed of pools, as a JSON file: the input of `pg_triage pool --from-file` (its form
// is that of the fields below).
#pragma once

#include "core/pool_model.h"

#include <string>
#include <vector>

namespace triage::advisor {

struct PoolObservations {
    PoolMachine machine;
    std::vector<PoolObservation> pools;
};

// Raises Failure, naming the value, if the text is not JSON or a figure is missing or impossible.
PoolObservations parse_pool_observations(const std::string &text);

// "-" is standard input.
PoolObservations read_pool_observations(const std::string &path);

} // namespace triage::advisor
