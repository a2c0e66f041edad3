// Hours of the week as people write them: "Mon 07", "sunday-23"; 0 is Monday, 00:00.
#pragma once

#include <optional>
#include <string>

namespace triage::advisor {

std::optional<int> parse_hour_of_week(const std::string &text);

} // namespace triage::advisor
