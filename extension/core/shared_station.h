// A station that serves all its jobs at the same time, each as fast as the others, by how many they
// are: a disk, for simulations. Times in milliseconds.
#pragma once

#include "core/speedup.h"

#include <cstddef>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

namespace triage {

class SharedStation {
  public:
    explicit SharedStation(Speedup speedup) : speedup_(std::move(speedup)) {}

    void add(double now, std::size_t job, double work_ms);
    double next_event() const; // when the first of them is done; infinite if there are none
    std::size_t leave();       // that one

  private:
    // Work that each job that has been here all the time has had done of it.
    double served_until(double now) const { return served_ + (now - since_) * pace(); }
    double pace() const; // of each job, over that of one alone

    using Job = std::pair<double, std::size_t>; // what served_ will be when it is done
    Speedup speedup_;
    std::priority_queue<Job, std::vector<Job>, std::greater<>> jobs_;
    double served_ = 0, since_ = 0;
};

} // namespace triage
