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

    // So many equal servers; may be fractional. `apart`: from 0, who comes is served wherever there
    // is room, to 1, each server has a queue of its own and chance decides which one it is: what
    // servers with k requests do then, k / (k + servers - 1) of all, is the throughput of a closed
    // network of just them.
    Speedup(double servers = 1, double apart = 0);

    // On straight lines between the points, in any order; no more beyond the last. More requests
    // are never slower: where they were, that is taken for noise. Without a point above 0, one
    // server.
    explicit Speedup(std::vector<Measured> points);

    double at(double requests) const;
    double most() const { return most_; }
    double saturation() const { return saturation_; } // requests at which it is reached

  private:
    std::vector<Measured> points_; // per_s over that of one alone; empty: equal servers
    double apart_ = 0;
    double most_ = 1, saturation_ = 1;
};

} // namespace triage
