// Pools by urgency, so that a flood of reports cannot keep the emergency room waiting: urgent lanes
// get what they need and a reserve of their own, the others together no more than they can use
// without taking the last processors.
#pragma once

#include "core/connection_budget.h"
#include "core/pool_model.h"

#include <string>
#include <vector>

namespace triage {

// What a lane asks for, and what its histograms say.
struct LaneRequest {
    std::string name;
    LaneClass lane = LaneClass::Clinical;
    int wanted = 1;              // the pool model's size for it alone
    PoolDemands demands;         // of one transaction
    double statement_p99_ms = 0; // 0: not known
    double rate_per_s = 0;
};

// How much of the processors urgent lanes leave: half and more, a quarter and more, or less.
enum class Saturation { Normal, Busy, Saturated };

struct LanePlan {
    std::string name;
    LaneClass lane = LaneClass::Clinical;
    int size = 1;
    int reserve = 0;
    double statement_timeout_ms = 0;
    double idle_in_transaction_timeout_ms = 0;
    double query_wait_timeout_ms = 0;
    std::string reason; // why this size: a sentence
};

// Cores that bulk lanes (ai, reporting) may keep busy together; they get less when the server is
// short of processors.
double bulk_cores(double cores, Saturation saturation);

// The share of the processors that urgent lanes keep busy at their rates.
double urgent_share(const std::vector<LaneRequest> &lanes);

// In which state urgent and bulk lanes together stay below 85 % of the processors. It follows from
// the urgent lanes alone: if it followed from all, bulk lanes that are cut would be the reason to
// widen them again. What was narrow stays so until there is some room, so that a load at the border
// does not change the configuration at every look.
Saturation saturation_by(double urgent_share, Saturation before);

std::vector<LanePlan> plan_lanes(const std::vector<LaneRequest> &lanes, double cores,
                                 Saturation saturation = Saturation::Normal);

// The p99 response of each urgent lane alone, beside a flood on all bulk lanes with the plan, and
// beside the same flood in one pool for all, by simulation.
struct FloodTest {
    std::string lane;
    double alone_p99_ms = 0, with_lanes_p99_ms = 0, without_lanes_p99_ms = 0;
};

std::vector<FloodTest> test_flood(const std::vector<LaneRequest> &requests,
                                  const std::vector<LanePlan> &plan, const PoolMachine &machine,
                                  std::mt19937_64 &random);

} // namespace triage
