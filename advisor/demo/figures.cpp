#include "demo/figures.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace triage::advisor {

namespace {

// The smallest value that is not exceeded by this share of all; the values are sorted.
double percentile(const std::vector<double> &sorted, double share) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * double(sorted.size())));
    return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

} // namespace

std::optional<Sample> parse_sample(std::string_view line) {
    long long fields[6];
    const char *at = line.data();
    const char *const end = line.data() + line.size();
    for (long long &field : fields) {
        while (at < end && *at == ' ')
            at++;
        const auto [after, error] = std::from_chars(at, end, field);
        if (error != std::errc{})
            return std::nullopt;
        at = after;
    }
    const auto [client, transaction, time_us, script, seconds, microseconds] = fields;
    if (time_us < 0 || script < 0 || seconds <= 0 || at != end)
        return std::nullopt;
    return Sample{static_cast<std::size_t>(script), double(seconds) + double(microseconds) / 1e6,
                  double(time_us) / 1e3};
}

Figures figures_of(const std::vector<Sample> &samples, std::size_t workflow, Interval interval) {
    std::vector<double> times;
    for (const Sample &sample : samples)
        if (sample.workflow == workflow && sample.ended >= interval.from &&
            sample.ended < interval.to)
            times.push_back(sample.ms);
    Figures figures;
    figures.transactions = times.size();
    if (times.empty())
        return figures;
    std::sort(times.begin(), times.end());
    const double count = double(times.size());
    const double mean = std::accumulate(times.begin(), times.end(), 0.0) / count;
    double squares = 0;
    for (const double time : times)
        squares += (time - mean) * (time - mean);
    figures.per_second = interval.seconds() > 0 ? count / interval.seconds() : 0;
    figures.mean_ms = mean;
    figures.p50_ms = percentile(times, 0.50);
    figures.p95_ms = percentile(times, 0.95);
    figures.p99_ms = percentile(times, 0.99);
    figures.max_ms = times.back();
    figures.mean_error_ms = count > 1 ? std::sqrt(squares / (count - 1) / count) : 0;
    return figures;
}

std::optional<double> longest_ms(const std::vector<Sample> &samples,
                                 const std::vector<bool> &workflows, Interval interval) {
    std::optional<double> longest;
    for (const Sample &sample : samples)
        if (sample.workflow < workflows.size() && workflows[sample.workflow] &&
            sample.ended >= interval.from && sample.began() < interval.to)
            longest = std::max(longest.value_or(0), sample.ms);
    return longest;
}

std::optional<double> improvement_of(const Figures &before, const Figures &after) {
    if (!before.mean_ms || !after.mean_ms || *before.mean_ms <= 0)
        return std::nullopt;
    return 1 - *after.mean_ms / *before.mean_ms;
}

bool got_slower(const Figures &before, const Figures &after) {
    if (!before.mean_ms || !after.mean_ms)
        return false;
    const double growth = *after.mean_ms - *before.mean_ms;
    return growth > 3 * std::hypot(before.mean_error_ms, after.mean_error_ms) &&
           growth > 0.1 * *before.mean_ms && growth > 1;
}

std::optional<double> median(std::vector<double> values) {
    if (values.empty())
        return std::nullopt;
    const auto middle = values.begin() + std::ptrdiff_t(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    if (values.size() % 2 == 1)
        return *middle;
    return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

} // namespace triage::advisor
