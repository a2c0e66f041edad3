// The loop as any client would run it: what is recommended, its builds, and what came of them.
#pragma once

#include "demo/figures.h"
#include "options.h"
#include "report_data.h"

#include <chrono>
#include <functional>
#include <optional>
#include <vector>

namespace triage::advisor {

struct BuiltIndex {
    Recommendation recommendation;
    Job job;
    std::string name;                  // with its schema; empty: it does not exist
    std::optional<std::int64_t> bytes; // when it was built
    std::optional<std::int64_t> scans; // since it was built
    std::optional<double> build_seconds;
};

struct LoopResult {
    std::vector<BuiltIndex> indexes; // in the order of the recommendations
    Interval building;               // from the start of the first build to the end of the last one
    int invalid_indexes = 0;         // in the whole database
};

// Works the recommendations out anew and writes them down.
std::vector<Recommendation> recommend(const Options &options, Server &server);

// Queues all of them, and waits until each has been verified. `watch` is called now and then.
// Raises Failure if that takes longer than `longest`.
LoopResult build_and_verify(const Options &options, Server &server,
                            const std::vector<Recommendation> &recommendations,
                            std::chrono::seconds longest, const std::function<void()> &watch);

// How often the indexes have been used by now.
void read_use(Server &server, LoopResult &result);

} // namespace triage::advisor
