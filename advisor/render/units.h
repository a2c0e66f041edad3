// Figures as people read them, and the width of text on a terminal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace triage::advisor {

// A figure that is not known is shown as "–".
std::string show_ms(std::optional<double> milliseconds);  // 0.42 ms, 12.3 ms, 1.25 s, 3.4 min
std::string show_bytes(std::optional<double> bytes);      // 8.0 kB, 12.5 MB
std::string show_count(std::optional<double> count);      // 950, 12.3 k, 4.56 M
std::string show_percent(std::optional<double> fraction); // 0.873 is 87.3 %
// With the unit that triage.targets names: ms, percent and so on.
std::string show_figure(std::optional<double> figure, const std::string &unit);

// "500MB", "2 GB", "4096": as PostgreSQL writes sizes (powers of 1024); none if it is not one.
std::optional<std::int64_t> parse_bytes(const std::string &text);

std::size_t display_width(const std::string &text);
std::string first_characters(const std::string &text, std::size_t count);
// Cut to the width, with an ellipsis; line breaks become spaces.
std::string shortened(const std::string &text, std::size_t width);

} // namespace triage::advisor
