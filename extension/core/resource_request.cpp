#include "core/resource_request.h"

#include <algorithm>
#include <cmath>

namespace triage {
namespace {

// The vertical pod autoscaler's own: 90th percentile, 15 % on top, and its least recommendations.
constexpr double percentile = 0.9, margin = 1.15;
constexpr double least_cores = 0.025, least_bytes = 250.0 * 1024 * 1024;

double with_margin(std::vector<double> &samples, double least) {
    if (samples.empty())
        return 0;
    std::sort(samples.begin(), samples.end());
    auto place =
        static_cast<std::size_t>(std::ceil(percentile * static_cast<double>(samples.size())));
    return std::max(samples[std::clamp<std::size_t>(place, 1, samples.size()) - 1] * margin, least);
}

} // namespace

ResourceRequest request_resources(std::vector<double> cpu_cores, std::vector<double> memory_peaks) {
    return {with_margin(cpu_cores, least_cores), with_margin(memory_peaks, least_bytes)};
}

} // namespace triage
