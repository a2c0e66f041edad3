// How fast background reading may go: a budget of bytes a second that gives way when running
// statements suffer, and comes back slowly when they do not (additive increase, multiplicative
// decrease).
//
// Knows no clock: times are seconds of any clock that only goes forward.
#pragma once

#include <limits>

namespace triage {

struct RateLimits {
    double bytes_per_s = std::numeric_limits<double>::infinity(); // never faster
    double floor_bytes_per_s =
        4.0 * 1024 * 1024; // nor slower: a warm-up that starves never ends the misses
    double target_ms =
        std::numeric_limits<double>::infinity(); // latency of statements; above it, slow down
    double burst_s = 0.05; // what was not used before may be caught up for so long
};

class RateControl {
  public:
    RateControl(const RateLimits &limits, double now);

    // Takes the bytes and returns how long to wait first, in seconds.
    double take(double bytes, double now);

    // What statements took just now; `expected_bytes_per_s` is the speed that was reached, from
    // which an unlimited rate is cut down.
    void report_latency(double milliseconds, double reached_bytes_per_s);

    double bytes_per_s() const { return rate_; }
    bool is_backing_off() const { return rate_ < limits_.bytes_per_s; }

  private:
    void refill(double now);

    const RateLimits limits_;
    double rate_;
    double credit_ = 0; // bytes; negative: taken ahead
    double last_;
};

} // namespace triage
