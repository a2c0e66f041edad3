// Carries out a warming plan through pg_prewarm: several sessions, wave after wave, within a rate
// that gives way to running statements, until done, until the deadline, or until it is interrupted.
#pragma once

#include "core/rate_control.h"
#include "core/warm_plan.h"
#include "options.h"
#include "warm/nodes.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>

namespace triage::advisor {

struct WarmSettings {
    int connections = 2;
    RateLimits rate;
    std::optional<std::chrono::milliseconds> deadline;
    bool shared_buffers =
        true; // load what the plan wants there; else only bring it into the page cache
};

struct WarmResult {
    std::uint64_t planned_blocks = 0, done_blocks = 0;
    std::uint64_t skipped_blocks = 0;           // could not be read
    std::map<std::string, std::string> refused; // relation and why, once each
    bool denied = false; // of the refused: by lack of privileges
    bool deadline_reached = false;
    bool latency_known = false;     // the server tells what statements take
    double slowest_bytes_per_s = 0; // after backing off; 0: never did
    std::chrono::milliseconds elapsed{};
};

// `server` is a session with the target; more are opened from it. Raises Failure when interrupted
// or when the server goes away; nothing then runs on.
WarmResult run_warming(const Options &options, Server &server, const WarmTarget &target,
                       const WarmPlan &plan, const WarmSettings &settings);

} // namespace triage::advisor
