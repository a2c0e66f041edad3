#include "core/shared_station.h"

#include <algorithm>
#include <limits>

namespace triage {

double SharedStation::pace() const {
    const auto jobs = static_cast<double>(jobs_.size());
    return jobs > 0 ? speedup_.at(jobs) / jobs : 0;
}

void SharedStation::add(double now, std::size_t job, double work_ms) {
    served_ = served_until(now);
    since_ = now;
    jobs_.emplace(served_ + work_ms, job);
}

double SharedStation::next_event() const {
    if (jobs_.empty())
        return std::numeric_limits<double>::infinity();
    return since_ + std::max(jobs_.top().first - served_, 0.0) / pace();
}

std::size_t SharedStation::leave() {
    since_ = next_event();
    const auto [served, job] = jobs_.top();
    served_ = std::max(served_, served);
    jobs_.pop();
    return job;
}

} // namespace triage
