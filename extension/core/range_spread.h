// What bounds on a column leave of it differs from execution to execution: most read a day, some a
// year. Their mean is neither.
#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>

namespace triage {

// The share of a column's rows that the bounds on it left together, over executions: sums of its
// first three powers. Plain data, as it lies in shared memory.
struct RangeTotals {
    std::int16_t attribute = 0;
    std::uint64_t executions = 0;
    double first = 0, second = 0, third = 0;

    void add(double share); // 0..1
    void add(const RangeTotals &other);
};
static_assert(std::is_trivially_copyable_v<RangeTotals>);

// Two shares that stand for all of them.
struct RangeSpread {
    double narrow = 0, wide = 0;
    double wide_weight = 0; // of the executions, 0..1; the rest are narrow
};

// The points of a Gauss quadrature: a cost that is a polynomial of the share, up to the third
// degree, has the same mean over the two as over all executions (Golub and Welsch, "Calculation of
// Gauss quadrature rules", 1969; of two points in closed form from mean, variance and skewness).
// Nothing where one plan serves all: the two lie close together, or are both next to nothing.
std::optional<RangeSpread> spread_of(const RangeTotals &totals);

} // namespace triage
