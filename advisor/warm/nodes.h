// Reading a capture from one node, and fitting it to the node that is to be warmed.
#pragma once

#include "server.h"
#include "warm/capture.h"

#include <optional>

namespace triage::advisor {

// Raises Failure if the server's extension has no heat map.
Capture read_capture(Server &server, std::optional<int> hour_of_week);

enum class MatchBy {
    Files, // the same blocks: the node itself, or a physical standby
    Names  // relations of the same name: a logical replica, or after pg_upgrade
};

// The capture's relations as the target has them now.
struct WarmTarget {
    std::string prewarm; // pg_prewarm with its schema
    std::vector<WarmRelation>
        relations;                  // in the capture's order; without blocks where there is none
    std::vector<std::int64_t> oids; // 0: not there (any more)
    std::size_t missing = 0, rewritten = 0;
    std::int64_t shared_buffers_blocks = 0;
    bool has_extension = false;
    bool in_recovery = false;
};

// Raises Failure if pg_prewarm is missing, or if the capture is of another cluster and the match is
// by files.
WarmTarget read_target(Server &server, const Capture &capture, MatchBy match);

// What is in the target's buffers now; raises Failure without the extension.
std::vector<WarmExtent> read_resident(Server &server, const WarmTarget &target);

} // namespace triage::advisor
