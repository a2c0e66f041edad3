// What a pod should ask Kubernetes for, from samples of what it used, in the manner of the vertical
// pod autoscaler: a high percentile of processor time, the peaks of memory, and a margin.
#pragma once

#include <vector>

namespace triage {

struct ResourceRequest {
    double cpu_cores = 0;
    double memory_bytes = 0;
};

// cpu_cores: samples of use; memory_peaks: the highest use of each interval. Zeros if none.
ResourceRequest request_resources(std::vector<double> cpu_cores, std::vector<double> memory_peaks);

} // namespace triage
