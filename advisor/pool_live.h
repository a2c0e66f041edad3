// What a live server tells of its pools, in the form that a file of observations has: seen at the
// server, and if there is a PgBouncer whose console may be asked, through that.
#pragma once

#include "pool_observations.h"
#include "server.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>

namespace triage::advisor {

struct Options;
class PoolerConsole;

struct PoolWatch {
    std::chrono::seconds duration{60};
    std::optional<int> cores; // needed where the server is on another machine
    std::string pgbouncer;    // conninfo of the admin console; empty: none
};

// Watches the server for a while: a pool for each database in which something happened; with a
// pooler, for each alias that was used. Sessions' waits are those that the server itself sampled in
// that time; processor time is the backends' own, where this is the server's machine.
PoolObservations watch_pools(Server &server, const PoolWatch &watch, const Options &options);

// What the pooler's aliases do now: transactions a second of each.
std::map<std::string, double> watch_rates(PoolerConsole &pooler, std::chrono::seconds duration,
                                          const Options &options);

} // namespace triage::advisor
