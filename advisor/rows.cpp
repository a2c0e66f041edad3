#include "rows.h"

#include "exit_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace triage::advisor {

namespace {

template <class Number> Number parsed(const std::string &text, std::string_view column) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size())
        throw Failure(
            ExitStatus::NoServer,
            fmt::format("unexpected value in column \"{}\" of the server's answer", column),
            fmt::format("\"{}\" is not a number.", text));
    return number;
}

} // namespace

const std::optional<std::string> &Row::value(std::string_view column) const {
    const auto found = std::find(columns_->begin(), columns_->end(), column);
    if (found == columns_->end())
        throw Failure(ExitStatus::NoServer,
                      fmt::format("column \"{}\" is missing from the server's answer", column));
    return values_[static_cast<std::size_t>(found - columns_->begin())];
}

std::string Row::text(std::string_view column) const {
    return value(column).value_or("");
}

std::optional<double> Row::number(std::string_view column) const {
    const auto &text = value(column);
    if (!text)
        return std::nullopt;
    // PostgreSQL's spellings; from_chars knows "inf" and "nan" only.
    if (*text == "Infinity" || *text == "-Infinity")
        return (text->front() == '-' ? -1 : 1) * std::numeric_limits<double>::infinity();
    if (*text == "NaN")
        return std::nullopt;
    return parsed<double>(*text, column);
}

std::optional<std::int64_t> Row::integer(std::string_view column) const {
    const auto &text = value(column);
    return text ? std::optional(parsed<std::int64_t>(*text, column)) : std::nullopt;
}

std::optional<bool> Row::boolean(std::string_view column) const {
    const auto &text = value(column);
    return text ? std::optional(*text == "t") : std::nullopt;
}

} // namespace triage::advisor
