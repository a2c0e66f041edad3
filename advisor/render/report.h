// The on-call engineer's page: what hurts, why, what to do, what was done, targets, health.
#pragma once

#include "render/document.h"
#include "report_data.h"

#include <nlohmann/json_fwd.hpp>

namespace triage::advisor {

Document document_of_report(const Report &report);
nlohmann::ordered_json json_of_report(const Report &report);

} // namespace triage::advisor
