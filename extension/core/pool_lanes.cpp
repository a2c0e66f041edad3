#include "core/pool_lanes.h"

#include <algorithm>
#include <cmath>

namespace triage {
namespace {

// Bounds and multiples of p99 by lane. A statement that takes several times what 99 of 100 take is
// more likely stuck than slow; someone in an emergency asks again sooner than a report does.
struct Patience {
    double statement_factor, statement_least_ms, statement_most_ms;
    double idle_ms;
    double wait_ms;
};

Patience patience_of(LaneClass lane) {
    switch (lane) {
    case LaneClass::Emergency:
        return {10, 2'000, 15'000, 10'000, 10'000};
    case LaneClass::Clinical:
        return {10, 5'000, 30'000, 30'000, 30'000};
    case LaneClass::Ai:
        return {5, 10'000, 120'000, 30'000, 120'000};
    case LaneClass::Reporting:
        break;
    }
    return {3, 60'000, 3'600'000, 60'000, 600'000};
}

// Two digits, upwards: 4320 becomes 4400.
double rounded(double milliseconds) {
    double unit = std::pow(10, std::floor(std::log10(std::max(milliseconds, 1.0))) - 1);
    return std::ceil(milliseconds / unit - 1e-9) * unit;
}

// The cores that a connection of this lane keeps busy while it is held.
double busy_share(const PoolDemands &demands) {
    double hold = demands.total_ms();
    return hold > 0 ? std::clamp(demands.cpu_ms / hold, 0.02, 1.0) : 1;
}

void size_bulk_lanes(const std::vector<LaneRequest> &lanes, double cores,
                     std::vector<LanePlan> &plan) {
    // Cores that the lanes would keep busy if each had what it wants.
    double wanted = 0;
    for (const LaneRequest &lane : lanes)
        if (is_bulk(lane.lane))
            wanted += lane.wanted * busy_share(lane.demands);
    double share = wanted > cores ? cores / wanted : 1;
    for (std::size_t i = 0; i < lanes.size(); ++i) {
        if (!is_bulk(lanes[i].lane))
            continue;
        plan[i].size = std::max(1, static_cast<int>(std::floor(lanes[i].wanted * share + 1e-9)));
        plan[i].reason = plan[i].size < lanes[i].wanted
                             ? "Cut so that all bulk lanes together leave processors to the others."
                             : "What the lane can use; bulk lanes together leave processors free.";
    }
}

SimulatedPool pool_of(const LaneRequest &lane, int size, double rate_per_s) {
    const PoolDemands &needs = lane.demands;
    return {lane.name,
            size,
            rate_per_s / 1000,
            {{lane.name, 1, needs.cpu_ms, needs.io_ms, needs.delay_ms + needs.start_ms, 1}}};
}

} // namespace

double bulk_cores(double cores, Saturation saturation) {
    switch (saturation) {
    case Saturation::Normal:
        return std::max(cores / 2, 1.0);
    case Saturation::Busy:
        return std::max(cores / 4, 0.5);
    case Saturation::Saturated:
        break;
    }
    return 0;
}

double urgent_share(const std::vector<LaneRequest> &lanes) {
    // Work shrinks as processors fill up: u = sum of r D(u) / C, D linear in u.
    double idle = 0, shrinking = 0;
    for (const LaneRequest &lane : lanes) {
        if (is_bulk(lane.lane))
            continue;
        const PoolDemands &demands = lane.demands;
        const double full =
            lane.rate_per_s / 1000 * demands.processor_ms() / std::max(demands.cores, 1e-3);
        idle += full * (1 + demands.extra_when_idle);
        shrinking += full * demands.extra_when_idle;
    }
    return idle / (1 + shrinking);
}

Saturation saturation_by(double urgent_share, Saturation before) {
    constexpr double most_together = 0.85, room = 0.05;
    const auto fits = [&](Saturation state, double bulk_share) {
        const double margin = before > state ? room : 0;
        return urgent_share + bulk_share + margin <= most_together;
    };
    if (fits(Saturation::Normal, 0.5))
        return Saturation::Normal;
    return fits(Saturation::Busy, 0.25) ? Saturation::Busy : Saturation::Saturated;
}

std::vector<LanePlan> plan_lanes(const std::vector<LaneRequest> &lanes, double cores,
                                 Saturation saturation) {
    std::vector<LanePlan> plan;
    for (const LaneRequest &lane : lanes) {
        Patience patience = patience_of(lane.lane);
        LanePlan made;
        made.name = lane.name;
        made.lane = lane.lane;
        made.size = std::max(lane.wanted, 1);
        made.reserve = lane.lane == LaneClass::Emergency  ? std::max(2, (made.size + 1) / 2)
                       : lane.lane == LaneClass::Clinical ? (made.size + 3) / 4
                                                          : 0;
        made.reason = "What the lane needs for 99 % of its best throughput, and a reserve.";
        made.statement_timeout_ms =
            rounded(std::clamp(patience.statement_factor * lane.statement_p99_ms,
                               patience.statement_least_ms, patience.statement_most_ms));
        made.idle_in_transaction_timeout_ms = patience.idle_ms;
        made.query_wait_timeout_ms = patience.wait_ms;
        plan.push_back(made);
    }
    size_bulk_lanes(lanes, bulk_cores(cores, saturation), plan);
    return plan;
}

std::vector<FloodTest> test_flood(const std::vector<LaneRequest> &requests,
                                  const std::vector<LanePlan> &plan, const PoolMachine &machine,
                                  std::mt19937_64 &random) {
    // Twice what the processors could do of it, if they did nothing else.
    auto flood_rate = [&](const LaneRequest &lane) {
        return 2000 * machine.cores / std::max(lane.demands.total_ms(), 1e-3);
    };
    SimulatedServer server{machine.cores, machine.disk()};
    SimulationLength length;
    double slowest = 1e9;
    for (const LaneRequest &lane : requests)
        if (!is_bulk(lane.lane) && lane.rate_per_s > 0)
            slowest = std::min(slowest, lane.rate_per_s);
    length.measured_ms = std::clamp(5'000 / slowest * 1000, 60'000.0, 600'000.0);
    length.longest_queue = 2'000;

    std::vector<SimulatedPool> with_flood, together;
    SimulatedPool shared{"all", 0, 0, {}};
    for (std::size_t i = 0; i < requests.size(); ++i) {
        double rate = is_bulk(requests[i].lane) ? flood_rate(requests[i]) : requests[i].rate_per_s;
        with_flood.push_back(pool_of(requests[i], plan[i].size + plan[i].reserve, rate));
        shared.size += plan[i].size + plan[i].reserve;
        shared.arrivals_per_ms += rate / 1000;
        shared.kinds.push_back(with_flood.back().kinds.front());
        shared.kinds.back().share = rate;
    }
    together.push_back(shared);
    auto flooded = simulate_pools(server, with_flood, length, random);
    auto starved = simulate_pools(server, together, length, random);

    std::vector<FloodTest> tests;
    for (std::size_t i = 0; i < requests.size(); ++i) {
        if (is_bulk(requests[i].lane) || requests[i].rate_per_s <= 0)
            continue;
        auto alone = simulate_pools(server, {with_flood[i]}, length, random);
        tests.push_back({requests[i].name, alone[0].response.p99_ms, flooded[i].response.p99_ms,
                         // In one pool the wait is the same for all, and the work its own.
                         starved[0].wait.p99_ms + alone[0].response.p99_ms});
    }
    return tests;
}

} // namespace triage
