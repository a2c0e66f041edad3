// Targets and whether they are met, as a table and as JSON.
#pragma once

#include "render/document.h"
#include "snapshot.h"

#include <nlohmann/json_fwd.hpp>

#include <vector>

namespace triage::advisor {

Table table_of_targets(const std::vector<TargetResult> &targets);
nlohmann::ordered_json json_of_targets(const std::vector<TargetResult> &targets);

} // namespace triage::advisor
