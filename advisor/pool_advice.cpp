#include "pool_advice.h"

#include <algorithm>

namespace triage::advisor {

namespace {

// The share of the throughput at which emitted files tell what clients wait.
constexpr double emitted_load = 0.7;

std::vector<LaneRequest> lane_requests(const std::vector<AdvisedPool> &pools) {
    std::vector<LaneRequest> requests;
    for (const AdvisedPool &pool : pools)
        requests.push_back({pool.observed.observation.pool, pool.observed.lane, pool.advice.size,
                            pool.advice.demands, pool.observed.statement_p99_ms,
                            pool.advice.observed_per_s});
    return requests;
}

// Each pooler gets its part of a lane.
int part_of(int size, int poolers) {
    return (size + poolers - 1) / poolers;
}

ConnectionBudget budget_of(Fleet fleet, std::vector<AdvisedPool> &pools) {
    fleet.aliases.clear();
    if (fleet.poolers > 0)
        for (AdvisedPool &pool : pools) {
            pool.plan.size = part_of(pool.plan.size, fleet.poolers);
            pool.plan.reserve = part_of(pool.plan.reserve, fleet.poolers);
            fleet.aliases.push_back(
                {pool.plan.name, pool.plan.lane, pool.plan.size, pool.plan.reserve});
        }
    ConnectionBudget budget = fit_connections(fleet);
    for (std::size_t i = 0; i < budget.aliases.size(); ++i)
        if (budget.aliases[i].cut) {
            pools[i].plan.size = budget.aliases[i].alias.size;
            pools[i].plan.reserve = budget.aliases[i].alias.reserve;
            pools[i].plan.reason = "Cut to fit the server's max_connections.";
        }
    return budget;
}

// What the lane's own size brings: it may be another than the pool alone would have.
void predict(const AdvisedPool &pool, int size, EmittedPool &out) {
    const PoolDemands &demands = pool.advice.demands;
    out.throughput_per_s = throughput_by_size(demands, size).back();
    std::mt19937_64 random(1);
    out.wait_p99_ms = waits_at_size(pool.observed.observation, demands, size, out.throughput_per_s,
                                    {emitted_load}, random)
                          .front()
                          .wait.p99_ms;
}

} // namespace

PoolsAdvice advise_pools(const PoolObservations &observations, const LaneLoad &load) {
    PoolsAdvice advice;
    advice.machine = observations.machine;
    for (const ObservedPool &observed : observations.pools) {
        std::mt19937_64 random(1);
        advice.pools.push_back(
            {observed, advise_pool(observed.observation, observations.machine, random), {}, {}, 0});
    }

    const auto requests = lane_requests(advice.pools);
    auto now = requests;
    for (LaneRequest &request : now)
        if (const auto rate = load.rates_per_s.find(request.name); rate != load.rates_per_s.end())
            request.rate_per_s = rate->second;
    advice.urgent_share = urgent_share(now);
    advice.saturation = load.state ? *load.state : saturation_by(advice.urgent_share, load.before);
    const auto plan = plan_lanes(requests, observations.machine.cores, advice.saturation);
    bool bulk = false;
    for (std::size_t i = 0; i < plan.size(); ++i) {
        advice.pools[i].plan = plan[i];
        bulk = bulk || is_bulk(plan[i].lane);
    }
    if (bulk && plan.size() > 1) {
        std::mt19937_64 random(1);
        advice.floods = test_flood(requests, plan, observations.machine, random);
    }
    if (observations.fleet)
        advice.budget = budget_of(*observations.fleet, advice.pools);
    advice.poolers = observations.fleet ? std::max(observations.fleet->poolers, 1) : 1;
    return advice;
}

EmittedPools emitted_pools(const PoolObservations &observations, const PoolsAdvice &advice) {
    EmittedPools emitted;
    emitted.host = observations.host;
    emitted.port = observations.port;
    emitted.saturation = advice.saturation;
    int clients = 0;
    for (const AdvisedPool &pool : advice.pools) {
        EmittedPool out{pool.plan, pool.observed.database,         pool.observed.user, 0,
                        0,         name_of(pool.advice.confidence)};
        predict(pool, pool.plan.size * advice.poolers, out);
        clients += pool.observed.observation.clients;
        emitted.pools.push_back(out);
    }
    emitted.max_client_conn = std::max(1000, 2 * clients);
    if (observations.fleet && advice.budget) {
        const ConnectionBudget &budget = *advice.budget;
        emitted.poolers = advice.poolers;
        emitted.max_client_conn = std::max(emitted.max_client_conn, budget.max_client_conn);
        emitted.fits = budget.fits;
        emitted.added_memory_bytes = budget.added_memory_bytes;
        if (budget.needed_max_connections > observations.fleet->max_connections)
            emitted.max_connections = budget.needed_max_connections;
    }
    return emitted;
}

const char *name_of(Confidence confidence) {
    switch (confidence) {
    case Confidence::High:
        return "high";
    case Confidence::Medium:
        return "medium";
    case Confidence::Low:
        break;
    }
    return "low";
}

} // namespace triage::advisor
