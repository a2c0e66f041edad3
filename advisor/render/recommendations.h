// Recommended indexes as a list to read, and as JSON.
#pragma once

#include "render/document.h"
#include "report_data.h"

#include <nlohmann/json_fwd.hpp>

#include <vector>

namespace triage::advisor {

// The statements are broken into lines, so that they fit a page; they can be copied all the same.
List list_of_recommendations(const std::vector<Recommendation> &recommendations);
nlohmann::ordered_json json_of_recommendations(const std::vector<Recommendation> &recommendations);

} // namespace triage::advisor
