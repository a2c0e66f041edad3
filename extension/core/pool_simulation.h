// What clients wait for connections, by simulation: pools of connections that share one server's
// processors, disk and pooler, with open arrivals. Formulas stop at one pool and exponential times;
// this does not. Deterministic: all chance comes from the generator that is passed in.
#pragma once

#include "core/speedup.h"

#include <random>
#include <string>
#include <vector>

namespace triage {

// A kind of transaction, by what it needs while it holds a connection.
struct TransactionKind {
    std::string name;
    double share = 1; // of its pool's transactions
    double cpu_ms = 0;
    double io_ms = 0;
    double delay_ms = 0;  // sleeps, network, the client's thinking
    double variation = 1; // standard deviation over mean of each time above
    int round_trips = 1;  // that the times above are divided among
    int locks = 0;        // of its pool; it holds one of them from its first round trip to its end
    double longest_trip = 0; // share of its processor time that one of its round trips has; no less
                             // than an even one
    int reads = 1; // from the disk in each round trip, that its time there is divided among
};

struct SimulatedPool {
    std::string name;
    int size = 1;
    double arrivals_per_ms = 0; // a Poisson process
    std::vector<TransactionKind> kinds;
};

struct SimulatedServer {
    double cores = 1;
    Speedup disk;                 // for requests at the same time
    double pooler_ms = 0;         // of the pooler's one thread for each transaction; 0: none
    bool pooler_on_cores = false; // or on a machine of its own
    double others_ms = 0;         // of processor time, of others, after each transaction
    double start_ms = 0;  // mean time until a backend that was sent work is woken: mostly at once
    double late_ms = 1.5; // and now and then late, by so much on average
    double slice_ms = 3;  // that one process may have a processor before others get it
    double apart = 0;     // share of those who become ready that stay with one processor, by chance
};

struct WaitPercentiles {
    double mean_ms = 0, p50_ms = 0, p95_ms = 0, p99_ms = 0;
};

struct SimulatedOutcome {
    std::string pool;
    std::size_t transactions = 0; // that ended within the measured part
    double throughput_per_ms = 0;
    double busy_connections = 0; // on average
    WaitPercentiles wait;        // from arrival until the server begins
    WaitPercentiles response;    // from arrival to end
    std::size_t turned_away = 0; // arrivals that found a queue of longest_queue
};

struct SimulationLength {
    double measured_ms = 60'000;
    double warm_up_ms = 5'000;
    std::size_t longest_queue = 20'000;
};

// One outcome a pool, in their order.
std::vector<SimulatedOutcome> simulate_pools(const SimulatedServer &server,
                                             const std::vector<SimulatedPool> &pools,
                                             const SimulationLength &length,
                                             std::mt19937_64 &random);

} // namespace triage
