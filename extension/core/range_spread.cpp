#include "core/range_spread.h"

#include <algorithm>
#include <cmath>

namespace triage {
namespace {

// Fewer tell no spread from chance.
constexpr std::uint64_t enough_executions = 5;
// The wide ones read so many times as much as the narrow ones, and so much of the column: below
// that an index on it serves both.
constexpr double least_ratio = 3, least_wide = 0.01;
// And are so many.
constexpr double least_weight = 0.02;

} // namespace

void RangeTotals::add(double share) {
    executions++;
    first += share;
    second += share * share;
    third += share * share * share;
}

void RangeTotals::add(const RangeTotals &other) {
    executions += other.executions;
    first += other.first;
    second += other.second;
    third += other.third;
}

std::optional<RangeSpread> spread_of(const RangeTotals &totals) {
    if (totals.executions < enough_executions)
        return std::nullopt;
    const auto executions = static_cast<double>(totals.executions);
    const double mean = totals.first / executions;
    const double square = totals.second / executions, cube = totals.third / executions;
    const double variance = square - mean * mean;
    if (!(variance > 1e-9 * square)) // also where a file says what cannot be
        return std::nullopt;
    const double deviation = std::sqrt(variance);
    const double skewness =
        (cube - 3 * mean * square + 2 * mean * mean * mean) / (variance * deviation);
    const double half = skewness / 2, root = std::sqrt(half * half + 1);
    RangeSpread spread;
    spread.narrow = std::clamp(mean + deviation * (half - root), 0.0, 1.0);
    spread.wide = std::clamp(mean + deviation * (half + root), 0.0, 1.0);
    spread.wide_weight = (1 - half / root) / 2;
    const bool differ = spread.wide >= least_wide && spread.wide >= least_ratio * spread.narrow &&
                        spread.wide_weight >= least_weight &&
                        spread.wide_weight <= 1 - least_weight;
    return differ ? std::optional(spread) : std::nullopt;
}

} // namespace triage
