// How many connections a pool needs: a closed network of the stations that its transactions make
// demands on gives throughput by pool size, and a simulation gives what clients wait. Times in
// milliseconds a transaction.
#pragma once

#include "core/pool_demands.h"

#include <random>
#include <string>
#include <vector>

namespace triage {

enum class Confidence { Low, Medium, High };

struct LoadPoint {
    double load = 0; // share of the throughput at the advised size
    double transactions_per_s = 0;
    WaitPercentiles wait;     // from the wish for a connection until the server begins
    WaitPercentiles response; // and until the transaction's end
};

struct SizeIf {
    std::string changed;
    int size = 0;
};

struct RivalSizes {
    int hikari = 0;
    int cybertec = 0;
    int pgbouncer_default = 20;
};

struct PoolAdvice {
    PoolDemands demands;
    std::string bottleneck; // cpu, io, lock, pooler or clients
    int knee = 1;           // where, were there no waiting before it, the bottleneck would be full
    int size = 1;
    int smallest_for_95 = 1;
    double best_per_s = 0; // throughput with any number of connections
    double size_per_s = 0; // at `size`
    double observed_per_s = 0;
    std::vector<LoadPoint> waits;
    std::vector<SizeIf> sensitivity;
    Confidence confidence = Confidence::Low;
    std::vector<std::string> doubts; // sentences
    RivalSizes rivals;
};

PoolAdvice advise_pool(const PoolObservation &observation, const PoolMachine &machine,
                       std::mt19937_64 &random);

// The parts of the advice, for those who want only one.
std::vector<double> throughput_by_size(const PoolDemands &demands, int largest); // a second
int advised_size(const PoolDemands &demands, int clients);
std::vector<LoadPoint> waits_at_size(const PoolObservation &observation, const PoolDemands &demands,
                                     int size, double capacity_per_s,
                                     const std::vector<double> &loads, std::mt19937_64 &random);
RivalSizes rival_sizes(const PoolObservation &observation, const PoolMachine &machine);

} // namespace triage
