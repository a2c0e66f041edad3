#include "warm/hour.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace triage::advisor {

std::optional<int> parse_hour_of_week(const std::string &text) {
    static constexpr std::string_view days[] = {"monday", "tuesday",  "wednesday", "thursday",
                                                "friday", "saturday", "sunday"};
    std::string lower;
    for (const char c : text)
        lower.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
    const auto letters = static_cast<std::size_t>(
        std::find_if_not(lower.begin(), lower.end(),
                         [](unsigned char c) { return std::isalpha(c) != 0; }) -
        lower.begin());
    const auto digits = lower.find_first_not_of(" -:", letters);
    if (letters < 2 || digits == std::string::npos)
        return std::nullopt;
    int hour = -1;
    const char *end = lower.data() + lower.size();
    const auto [rest, error] = std::from_chars(lower.data() + digits, end, hour);
    const bool ended = rest == end || std::string_view(rest, end) == ":00";
    if (error != std::errc{} || !ended || hour < 0 || hour > 23)
        return std::nullopt;
    const std::string day = lower.substr(0, letters);
    for (int i = 0; i < 7; i++)
        if (days[i].starts_with(day))
            return 24 * i + hour;
    return std::nullopt;
}

} // namespace triage::advisor
