// How many times as fast as one alone so many requests are served that are served at the same time:
// by a machine's processors, by a disk.
#pragma once

#include <vector>

namespace triage {

class Speedup {
  public:
    struct Measured {
        double requests = 0; // at the same time
        double per_s = 0;    // that end, all together
    };

    // So many equal servers; may be fractional.
    Speedup(double servers = 1) : most_(servers), saturation_(servers) {}

    // On straight lines between the points, in any order; no more beyond the last. More requests
    // are never slower: where they were, that is taken for noise. Without a point above 0, one
    // server.
    explicit Speedup(std::vector<Measured> points);

    double at(double requests) const;
    double most() const { return most_; }
    double saturation() const { return saturation_; } // requests at which it is reached

  private:
    std::vector<Measured> points_; // per_s over that of one alone; empty: equal servers
    double most_ = 1, saturation_ = 1;
};

} // namespace triage
