// What statements take on a server right now, from the sampler's histograms: the difference of two
// readings.
#pragma once

#include "core/histogram.h"
#include "server.h"

#include <optional>

namespace triage::advisor {

class LatencyProbe {
  public:
    explicit LatencyProbe(Server &server);

    // False where the server keeps no histograms.
    bool available() const { return available_; }

    // 99th percentile of the statements that ended since the last call; none if there were hardly
    // any.
    std::optional<double> p99_ms();

  private:
    Server &server_;
    bool available_ = false;
    LatencyHistogram last_;
};

} // namespace triage::advisor
