// Whether all that may ever be connected fits max_connections, in both layers: the pools inside an
// application's pods, and the poolers before the server. Counts the worst moment of a rollout, when
// surge pods are up and old ones have not yet gone. What does not fit is cut, least urgent first.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace triage {

// In order of who keeps connections when there are too few.
enum class LaneClass { Emergency, Clinical, Ai, Reporting };

// Lanes whose work can wait.
constexpr bool is_bulk(LaneClass lane) {
    return lane == LaneClass::Ai || lane == LaneClass::Reporting;
}

struct Application {
    std::string name;
    LaneClass lane = LaneClass::Clinical;
    int min_replicas = 1;
    int max_replicas = 1;
    int surge = 0;       // pods that a rollout adds
    int terminating = 0; // pods on their way out, still connected
    int pool = 10;       // connections a pod
    bool through_pooler = false;
};

// A pool of the pooler: an alias or a user of a database.
struct PoolerAlias {
    std::string name;
    LaneClass lane = LaneClass::Clinical;
    int size = 20;
    int reserve = 0;
};

struct Fleet {
    int max_connections = 100;
    int superuser_reserved = 3; // superuser_reserved_connections, reserved_connections
    int replication = 0;        // logical subscribers, base backups and the like
    double usable_share = 0.8;
    std::vector<Application> applications;
    int poolers = 0; // processes of PgBouncer, each with every alias
    std::vector<PoolerAlias> aliases;
};

struct FittedApplication {
    Application application; // with the replicas and the pool that fit
    int connections = 0;     // to the server, or to the pooler if it goes through one
    bool cut = false;
};

struct FittedAlias {
    PoolerAlias alias;
    int connections = 0; // of all poolers
    bool cut = false;
};

struct ConnectionBudget {
    bool fits = false; // after what was cut; if false, nothing that is asked for can run
    int limit = 0;     // usable_share of max_connections
    int wanted = 0;    // before anything was cut
    int used = 0;      // after
    std::vector<FittedApplication> applications;
    std::vector<FittedAlias> aliases;
    int pooler_clients = 0;  // connections from pods to the poolers
    int max_client_conn = 0; // for each pooler: all of them, if the others are down, and room
    int needed_max_connections = 0;      // for what was wanted
    std::int64_t added_memory_bytes = 0; // of raising max_connections to that: an estimate
};

ConnectionBudget fit_connections(const Fleet &fleet);

// Bytes that one more connection costs: reserved in shared memory at start, and the private memory
// of a backend that has run ordinary statements (its caches; work_mem comes on top).
constexpr std::int64_t shared_bytes_a_connection = 24 * 1024;
constexpr std::int64_t private_bytes_a_connection = 6 * 1024 * 1024;

} // namespace triage
