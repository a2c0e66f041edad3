// A bound on the share of time that something may take: what it took is a debt that passing time
// pays off. Nothing is owed at first, and a debt of up to two seconds' share is let go on.
#pragma once

#include <algorithm>
#include <cstdint>

namespace triage {

class TimeBudget {
  public:
    static constexpr double window_ns = 2e9;

    // `share`: 0 allows nothing, 1 everything.
    bool allows(double share) const noexcept { return share >= 1 || debt_ns_ < share * window_ns; }

    // `now_ns`: of a clock that never goes back.
    void pass(std::uint64_t now_ns, double share) noexcept {
        debt_ns_ = std::max(0.0, debt_ns_ - static_cast<double>(now_ns - then_ns_) * share);
        then_ns_ = now_ns;
    }

    void spend(std::uint64_t ns) noexcept { debt_ns_ += static_cast<double>(ns); }

  private:
    double debt_ns_ = 0;
    std::uint64_t then_ns_ = 0;
};

} // namespace triage
