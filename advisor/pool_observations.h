// What was observed of each pool, and the fleet that connects: what `pg_triage pool` and `pg_triage
// scale` start from, and its form as a JSON file, which they take with --from-file. It is described
// in docs/pools.md.
#pragma once

#include "core/connection_budget.h"
#include "core/forecast.h"
#include "core/pool_model.h"
#include "core/resource_request.h"
#include "render/json.h"

#include <optional>
#include <string>
#include <vector>

namespace triage::advisor {

struct ObservedPool {
    PoolObservation observation;
    LaneClass lane = LaneClass::Clinical;
    std::string database, user;  // of the server; the pool's name if not said
    double statement_p99_ms = 0; // 0: not known
};

// An application of the fleet, and what scaling it needs to know.
struct ScaledApplication {
    Application application;
    std::string deployment; // its name in Kubernetes
    double demand_a_replica = 0;
    DemandSeries demand;
    ResourceRequest request;
};

struct PoolObservations {
    std::string host = "127.0.0.1"; // of the database server, as the pooler sees it
    int port = 5432;
    PoolMachine machine;
    std::vector<ObservedPool> pools;
    std::optional<Fleet> fleet;
    std::vector<ScaledApplication> applications; // of the fleet, in its order
};

// Raises Failure, naming the value, if the text is not JSON or a figure is missing or impossible.
PoolObservations parse_pool_observations(const std::string &text);

// The text of such a file, of machine and pools; what is not known is left out.
std::string text_of_observations(const PoolObservations &observations);

// As in such a file.
Json json_of(const PoolMachine &machine);

std::string name_of(LaneClass lane);

} // namespace triage::advisor
