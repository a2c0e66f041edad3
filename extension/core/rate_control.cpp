#include "core/rate_control.h"

#include <algorithm>
#include <cmath>

namespace triage {
namespace {

constexpr double cut = 0.5;
constexpr double growth = 1.15;

} // namespace

RateControl::RateControl(const RateLimits &limits, double now)
    : limits_(limits), rate_(limits.bytes_per_s), last_(now) {}

void RateControl::refill(double now) {
    const double elapsed = std::max(0.0, now - last_);
    last_ = std::max(last_, now);
    if (std::isinf(rate_))
        credit_ = 0;
    else
        credit_ = std::min(credit_ + rate_ * elapsed, rate_ * limits_.burst_s);
}

double RateControl::take(double bytes, double now) {
    refill(now);
    if (std::isinf(rate_))
        return 0;
    credit_ -= bytes;
    return credit_ >= 0 ? 0 : -credit_ / rate_;
}

void RateControl::report_latency(double milliseconds, double reached_bytes_per_s) {
    if (milliseconds > limits_.target_ms) {
        const double from = std::isinf(rate_) ? reached_bytes_per_s : rate_;
        rate_ = std::max({cut * from, limits_.floor_bytes_per_s, 1.0});
        rate_ = std::min(rate_, limits_.bytes_per_s);
    } else if (!std::isinf(rate_)) {
        rate_ = std::min(growth * rate_, limits_.bytes_per_s);
        // Far above what can be reached there is nothing left to limit.
        if (std::isinf(limits_.bytes_per_s) && rate_ > 4 * std::max(reached_bytes_per_s, 1.0) &&
            rate_ > 1e9)
            rate_ = limits_.bytes_per_s;
    }
}

} // namespace triage
