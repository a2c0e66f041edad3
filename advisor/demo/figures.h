// What pgbench measured, and what of it is told: percentiles, rates, and how they changed. Pure
// code.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace triage::advisor {

// Seconds since the epoch, of this machine's clock.
struct Interval {
    double from = 0, to = 0;

    double seconds() const { return to - from; }
};

// One transaction.
struct Sample {
    std::size_t workflow = 0; // pgbench's number of the script
    double ended = 0;         // seconds since the epoch
    double ms = 0;            // how long it took

    double began() const { return ended - ms / 1000; }
};

// A line of its log, "client transaction time_us script epoch_s epoch_us"; none if it is not one.
std::optional<Sample> parse_sample(std::string_view line);

struct Figures {
    std::size_t transactions = 0;
    double per_second = 0;
    std::optional<double> mean_ms, p50_ms, p95_ms, p99_ms, max_ms; // none without a transaction
    double mean_error_ms = 0;                                      // standard error of the mean
};

// Of the transactions of a workflow that ended in the interval.
Figures figures_of(const std::vector<Sample> &samples, std::size_t workflow, Interval interval);

// The longest one of those workflows that was under way at some time in the interval.
std::optional<double> longest_ms(const std::vector<Sample> &samples,
                                 const std::vector<bool> &workflows, Interval interval);

// 1 - after / before of the mean; none if one is not known.
std::optional<double> improvement_of(const Figures &before, const Figures &after);

// The mean grew by more than chance explains (three standard errors of the difference) and than
// matters (a tenth, and a millisecond).
bool got_slower(const Figures &before, const Figures &after);

std::optional<double> median(std::vector<double> values);

} // namespace triage::advisor
