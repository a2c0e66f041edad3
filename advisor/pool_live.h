// What a live server tells of its pools and of the applications that connect, in the form that a
// file of observations has. Everything is seen at the server: what a pooler before it adds is not
// in these figures.
#pragma once

#include "pool_observations.h"
#include "server.h"

#include <chrono>
#include <optional>

namespace triage::advisor {

struct Options;

struct PoolWatch {
    std::chrono::seconds duration{60};
    std::optional<int> cores; // needed where the server is on another machine
};

// Watches the server for a while: a pool for each database in which something happened. Sessions'
// waits are those that the server itself sampled in that time.
PoolObservations watch_pools(Server &server, const PoolWatch &watch, const Options &options);

// How every application that is found is assumed to run.
struct ReplicaAssumptions {
    int min_replicas = 3, max_replicas = 100, pool = 10;
    double demand_a_replica = 0;
};

// The server's limits and each application's busy sessions by hour of the week.
PoolObservations read_fleet(Server &server, const ReplicaAssumptions &assumptions);

} // namespace triage::advisor
