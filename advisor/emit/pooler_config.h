// Pool sizes as configuration: a fragment for PgBouncer, what goes with it on the server, and the
// settings of pools inside applications. Each number stands below the reason for it.
#pragma once

#include "core/pool_lanes.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace triage::advisor {

struct EmittedPool {
    LanePlan plan;
    std::string database, user;
    double throughput_per_s = 0;
    double wait_p99_ms = 0; // at 70 % load
    std::string confidence;
};

struct EmittedPools {
    std::string program; // name and version of who writes this
    std::string host;
    int port = 5432;
    int poolers = 1;
    Saturation saturation = Saturation::Normal;
    std::vector<EmittedPool> pools;
    int max_client_conn = 1000;
    std::optional<int> max_connections;  // at which no pool would have to be cut, if there are cut
    std::int64_t added_memory_bytes = 0; // that it would take: an estimate
    bool fits = true;                    // the pools as they are, into the server's present one
};

// For "%include" at the end of section [pgbouncer]; every lane is an alias of its database.
std::string pgbouncer_fragment(const EmittedPools &pools);

// The state of which such a fragment says that it is for.
std::optional<Saturation> saturation_of_fragment(const std::string &text);
std::string name_of(Saturation saturation);

// ALTER ROLE and ALTER SYSTEM; psql runs it as it is.
std::string server_settings(const EmittedPools &pools);

enum class ClientPool { Hikari, SqlAlchemy, Pgx, NodePostgres };

// For one process of the application, of which there are `processes`.
std::string client_pool(ClientPool kind, const EmittedPools &pools, const EmittedPool &pool,
                        int processes);

} // namespace triage::advisor
