#include "render/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <string_view>

namespace triage::advisor {

namespace {

const std::string unknown = "–";

// Three significant digits, whatever the size.
std::string digits(double value) {
    const double size = std::abs(value);
    return fmt::format("{:.{}f}", value, size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
}

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

} // namespace

std::string show_ms(std::optional<double> milliseconds) {
    if (!milliseconds)
        return unknown;
    const double size = std::abs(*milliseconds);
    if (size < 999.5)
        return digits(*milliseconds) + " ms";
    if (size < 120e3)
        return digits(*milliseconds / 1e3) + " s";
    if (size < 7200e3)
        return digits(*milliseconds / 60e3) + " min";
    return digits(*milliseconds / 3600e3) + " h";
}

std::string show_bytes(std::optional<double> bytes) {
    if (!bytes)
        return unknown;
    double value = *bytes;
    std::size_t unit = 0;
    constexpr std::array names = {"bytes", "kB", "MB", "GB", "TB"};
    while (std::abs(value) >= 999.5 && unit + 1 < names.size()) {
        value /= 1024;
        unit++;
    }
    return unit == 0 ? fmt::format("{:.0f} bytes", value)
                     : fmt::format("{} {}", digits(value), names[unit]);
}

std::string show_count(std::optional<double> count) {
    if (!count)
        return unknown;
    double value = *count;
    std::size_t unit = 0;
    constexpr std::array names = {"", " k", " M", " G", " T"};
    while (std::abs(value) >= 9999.5 || (unit > 0 && std::abs(value) >= 999.5)) {
        if (unit + 1 == names.size())
            break;
        value /= 1000;
        unit++;
    }
    const bool whole = unit == 0 && value == std::floor(value);
    return (whole ? fmt::format("{:.0f}", value) : digits(value)) + names[unit];
}

std::string show_percent(std::optional<double> fraction) {
    return fraction ? fmt::format("{:.1f} %", *fraction * 100) : unknown;
}

std::string show_figure(std::optional<double> figure, const std::string &unit) {
    if (!figure)
        return unknown;
    if (unit == "ms")
        return show_ms(figure);
    if (unit == "requests/s")
        return digits(*figure) + " /s";
    return digits(*figure) + " " + (unit == "percent" ? "%" : unit);
}

std::optional<std::int64_t> parse_bytes(const std::string &text) {
    double value = 0;
    const char *const end = text.data() + text.size();
    const auto [stopped, error] =
        std::from_chars(text.data(), end, value, std::chars_format::fixed);
    if (error != std::errc{} || !(value >= 0))
        return std::nullopt;
    std::string unit;
    for (const char *c = stopped; c != end; c++)
        if (*c != ' ')
            unit.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(*c))));
    constexpr std::array<std::string_view, 6> units = {"b", "kb", "mb", "gb", "tb", "pb"};
    const auto found = std::find(units.begin(), units.end(), unit.empty() ? "b" : unit);
    if (found == units.end() && unit != "bytes")
        return std::nullopt;
    if (found != units.end())
        value *= std::pow(1024.0, static_cast<double>(found - units.begin()));
    return value < 9e18 ? std::optional(static_cast<std::int64_t>(value)) : std::nullopt;
}

std::size_t display_width(const std::string &text) {
    std::size_t width = 0;
    for (const char c : text)
        width += !is_continuation(c);
    return width;
}

std::string first_characters(const std::string &text, std::size_t count) {
    std::size_t end = 0;
    for (std::size_t used = 0; end < text.size(); end++)
        if (!is_continuation(text[end]) && ++used > count)
            break;
    return text.substr(0, end);
}

std::string shortened(const std::string &text, std::size_t width) {
    const bool fits = display_width(text) <= width;
    std::string out = fits ? text : first_characters(text, width - 1) + "…";
    for (char &c : out)
        if (c == '\n' || c == '\t' || c == '\r')
            c = ' ';
    return out;
}

} // namespace triage::advisor
