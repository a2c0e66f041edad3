// Which indexes are worth asking the planner about. From the analysed statements, never from text.
#pragma once

#include "core/index_definition.h"
#include "core/workload.h"

#include <vector>

namespace triage {

// Every definition once, none that an existing valid index already serves.
std::vector<IndexDefinition> generate_candidates(const Workload &workload);

} // namespace triage
