// From observations to advice: each pool's size, its lane, and whether all of it fits the server.
#pragma once

#include "core/pool_lanes.h"
#include "emit/pooler_config.h"
#include "pool_observations.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace triage::advisor {

struct AdvisedPool {
    ObservedPool observed;
    PoolAdvice advice;
    LanePlan plan;                  // of each pooler
    std::vector<LoadPoint> at_rate; // waits at rates that were asked for, with `asked_size`
    int asked_size = 0;
};

// How short of processors bulk lanes find the server: as said, or as the load of urgent lanes has
// it.
struct LaneLoad {
    std::optional<Saturation> state;           // as said; else
    Saturation before = Saturation::Normal;    // that of the configuration there is, and
    std::map<std::string, double> rates_per_s; // transactions of pools now; else as observed
};

struct PoolsAdvice {
    PoolMachine machine;
    Saturation saturation = Saturation::Normal;
    double urgent_share = 0; // of the processors
    std::vector<AdvisedPool> pools;
    std::vector<FloodTest> floods; // of urgent lanes, if there are bulk lanes beside them
    int poolers = 1;
    std::optional<ConnectionBudget> budget; // if the fleet is known
};

// The same observations get the same advice.
PoolsAdvice advise_pools(const PoolObservations &observations, const LaneLoad &load);

// What the emitters of pool configuration write, but for the program that writes it.
EmittedPools emitted_pools(const PoolObservations &observations, const PoolsAdvice &advice);

const char *name_of(Confidence confidence);

} // namespace triage::advisor
