// The fleet of applications as a live server sees it: its limits, and each application's demand by
// hour of the week.
#pragma once

#include "pool_observations.h"
#include "server.h"

namespace triage::advisor {

// How every application that is found is assumed to run.
struct ReplicaAssumptions {
    int min_replicas = 3, max_replicas = 100, pool = 10;
    double demand_a_replica = 0;
};

// The server's limits and each application's busy sessions by hour of the week.
PoolObservations read_fleet(Server &server, const ReplicaAssumptions &assumptions);

// Where the server is reached, for those that connect to it.
void read_address(Server &server, PoolObservations &observations);

} // namespace triage::advisor
