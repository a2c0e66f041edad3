// What a server knows of its hot blocks, as plain data and as a file: by the names of relations, so
// that it also fits a logical replica or the server after pg_upgrade, and with what is needed to
// tell whether the blocks are the same ones on another node.
#pragma once

#include "core/warm_plan.h"

#include <cstdint>
#include <string>
#include <vector>

namespace triage::advisor {

struct CapturedRelation {
    std::string name; // schema-qualified, quoted where needed
    std::string data_class;
    std::int64_t file = 0; // pg_relation_filenode: a rewrite changes it
    bool is_index = false;
    std::array<std::uint32_t, 3> blocks{}; // of main, free space map, visibility map
};

struct Capture {
    std::string system_identifier, database, taken_at;
    std::int64_t block_size = 8192;
    std::vector<CapturedRelation> relations;
    std::vector<WarmExtent> extents; // name relations by their place above
};

// JSON with a checksum over its content.
std::string text_of_capture(const Capture &capture);

// Raises Failure (ActionFailed) if the text is no capture, damaged, or contradicts itself; `source`
// says in the message where it came from.
Capture parse_capture(const std::string &text, const std::string &source);

// Names of forks as PostgreSQL spells them.
const char *name_of_fork(std::uint32_t fork);

} // namespace triage::advisor
