#include "core/column_profile.h"

#include <algorithm>
#include <cmath>

namespace triage {

namespace {

// -1, 0, 1 as value order; kinds are equal.
int compare(const ColumnValue &a, const ColumnValue &b) {
    switch (a.kind) {
    case ValueKind::Integer:
        return a.integer < b.integer ? -1 : a.integer > b.integer;
    case ValueKind::Real:
        return a.real < b.real ? -1 : a.real > b.real;
    case ValueKind::Bytes: {
        const int order = a.bytes.compare(b.bytes);
        return order < 0 ? -1 : order > 0;
    }
    case ValueKind::Opaque:
        break;
    }
    return 0;
}

// Where `value` lies between two neighbouring bounds, 0..1.
double position_within(const ColumnValue &low, const ColumnValue &high, const ColumnValue &value) {
    double from, to, at;
    if (value.kind == ValueKind::Integer) {
        from = static_cast<double>(low.integer);
        to = static_cast<double>(high.integer);
        at = static_cast<double>(value.integer);
    } else if (value.kind == ValueKind::Real) {
        from = low.real;
        to = high.real;
        at = value.real;
    } else {
        return 0.5;
    }
    const double position = (at - from) / (to - from);
    return std::isfinite(position) ? std::clamp(position, 0.0, 1.0) : 0.5;
}

bool satisfies(Comparison comparison, int order) {
    switch (comparison) {
    case Comparison::Less:
        return order < 0;
    case Comparison::LessEqual:
        return order <= 0;
    case Comparison::GreaterEqual:
        return order >= 0;
    case Comparison::Greater:
        break;
    }
    return order > 0;
}

} // namespace

const CommonValue *ColumnProfile::find_common(const ColumnValue &value) const {
    if (value.kind != kind || kind == ValueKind::Opaque)
        return nullptr;
    // Most columns are of integers, and this is the hot loop of a sampled execution.
    auto find = [&](auto equals) -> const CommonValue * {
        for (const CommonValue &candidate : common)
            if (equals(candidate.value))
                return &candidate;
        return nullptr;
    };
    if (kind == ValueKind::Integer)
        return find([wanted = value.integer](const ColumnValue &v) { return v.integer == wanted; });
    return find([&](const ColumnValue &v) { return compare(v, value) == 0; });
}

std::optional<double> ColumnProfile::equal_selectivity(const ColumnValue &value) const {
    return equal_selectivity(value, find_common(value));
}

std::optional<double> ColumnProfile::equal_selectivity(const ColumnValue &value,
                                                       const CommonValue *found) const {
    if (!analyzed || value.kind != kind || kind == ValueKind::Opaque)
        return average_equal_selectivity();
    if (found)
        return found->frequency;
    // What the common values leave, shared out over the other ones; never more than the least
    // common.
    double selectivity = std::clamp(1.0 - common_total - null_fraction, 0.0, 1.0);
    const double others = distinct - static_cast<double>(common.size());
    if (others > 1)
        selectivity /= others;
    if (!common.empty())
        selectivity = std::min(selectivity, static_cast<double>(common.back().frequency));
    return selectivity;
}

std::optional<double> ColumnProfile::average_equal_selectivity() const {
    if (!analyzed || distinct <= 0)
        return std::nullopt;
    return std::clamp((1.0 - null_fraction) / std::max(distinct, 1.0), 0.0, 1.0);
}

std::optional<double> ColumnProfile::range_selectivity(Comparison comparison,
                                                       const ColumnValue &value) const {
    if (!analyzed || !ordered || value.kind != kind || kind == ValueKind::Opaque)
        return std::nullopt;
    double selectivity = 0;
    for (const CommonValue &candidate : common)
        if (satisfies(comparison, compare(candidate.value, value)))
            selectivity += candidate.frequency;
    if (histogram.size() >= 2) {
        const auto bins = static_cast<double>(histogram.size() - 1);
        double below; // share of the histogram's rows that are less
        if (compare(value, histogram.front()) <= 0) {
            below = 0;
        } else if (compare(value, histogram.back()) >= 0) {
            below = 1;
        } else {
            const auto upper =
                std::lower_bound(histogram.begin(), histogram.end(), value,
                                 [](const ColumnValue &bound, const ColumnValue &wanted) {
                                     return compare(bound, wanted) < 0;
                                 });
            const auto bin = static_cast<double>(upper - histogram.begin() - 1);
            below = (bin + position_within(*(upper - 1), *upper, value)) / bins;
        }
        const bool wants_less =
            comparison == Comparison::Less || comparison == Comparison::LessEqual;
        // Never quite nothing or everything: the statistics are a sample, and grow old.
        const double cutoff = 0.01 / bins;
        const double share = std::clamp(wants_less ? below : 1 - below, cutoff, 1 - cutoff);
        selectivity += share * std::clamp(1.0 - common_total - null_fraction, 0.0, 1.0);
    } else if (common.empty()) {
        return std::nullopt;
    }
    return std::clamp(selectivity, 0.0, 1.0);
}

std::optional<double> ColumnProfile::prefix_selectivity(std::string_view prefix) const {
    if (!analyzed || kind != ValueKind::Bytes)
        return std::nullopt;
    double selectivity = 0;
    for (const CommonValue &candidate : common)
        if (candidate.value.bytes.starts_with(prefix))
            selectivity += candidate.frequency;
    const double rest = std::clamp(1.0 - common_total - null_fraction, 0.0, 1.0);
    if (!histogram.empty()) {
        const auto matching =
            std::count_if(histogram.begin(), histogram.end(), [&](const ColumnValue &bound) {
                return bound.bytes.starts_with(prefix);
            });
        // A histogram that holds none of the prefix knows only that fewer than one bin has it; each
        // byte of a prefix makes it rarer, as the planner assumes (like_support.c).
        const auto bounds = static_cast<double>(histogram.size());
        const double share =
            matching > 0
                ? static_cast<double>(matching) / bounds
                : std::min(
                      0.5 / bounds,
                      std::pow(0.2, static_cast<double>(std::min<std::size_t>(prefix.size(), 20))));
        selectivity += share * rest;
    } else if (common.empty()) {
        return std::nullopt;
    }
    return std::clamp(selectivity, 0.0, 1.0);
}

} // namespace triage
