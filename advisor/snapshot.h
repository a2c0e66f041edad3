// All that the commands read from the server, in plain structs: who answers, what was sampled, what
// is recommended, what was done, which targets are met. Rendering starts from here and never from
// SQL.
#pragma once

#include "server.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace triage::advisor {

struct Identity {
    std::string database, user;
    std::string server_version, extension_version;
    std::string taken_at; // ISO 8601 by the server's clock
    bool in_recovery = false;
    bool sees_all_statements = true; // not only the user's own
};

struct TargetResult {
    std::string target;
    std::optional<double> figure;
    std::optional<double> limit;
    std::string unit;
    std::string severity;
    std::optional<bool> ok; // none: no evidence
    std::string detail;
};

// Raises Failure (NoServer) if the extension is not there.
Identity read_identity(Server &server);

std::vector<TargetResult> read_targets(Server &server);

// Watches for two seconds what no table tells: the present rate of transactions and, where the
// server runs on this machine (a Unix-domain socket), processors and memory. Fills in what is
// better evidence than the target has.
void watch_for_targets(Server &server, std::vector<TargetResult> &targets);

} // namespace triage::advisor
