// The load's workflows: what a pgbench script says of itself, and the form it takes for a protocol.
// Pure code; no file is read here.
#pragma once

#include <optional>
#include <string>

namespace triage::advisor {

enum class Protocol { Simple, Prepared };

struct Workflow {
    std::string name;
    bool writes = false;
    int weight = 1; // share of the load
    std::string script;
};

// From a script whose first line is "-- workflow: NAME; kind: read|write; weight: N"; none if it is
// not.
std::optional<Workflow> parse_workflow(const std::string &script);

// :'name' becomes a quoted literal, or a parameter.
std::string script_for(Protocol protocol, const std::string &script);

} // namespace triage::advisor
