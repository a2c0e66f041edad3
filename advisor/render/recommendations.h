// Recommended indexes as a list to read, and as JSON.
#pragma once

#include "render/document.h"
#include "report_data.h"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <string>
#include <vector>

namespace triage::advisor {

// The statements are broken into lines, so that they fit a page; they can be copied all the same.
List list_of_recommendations(const std::vector<Recommendation> &recommendations);
// Each with its statements, their plans before and after, its prices, and what is not known.
std::vector<Section>
explanation_of(const std::vector<Recommendation> &recommendations,
               const std::map<std::string, StatementOfRecommendation> &statements);
nlohmann::ordered_json
json_of_explanation(const Recommendation &recommendation,
                    const std::map<std::string, StatementOfRecommendation> &statements);
nlohmann::ordered_json json_of_recommendations(const std::vector<Recommendation> &recommendations);

} // namespace triage::advisor
