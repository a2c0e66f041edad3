#include "core/speedup.h"

#include <algorithm>

namespace triage {
namespace {

// Servers with queues of their own are taken to be all busy from so many requests each.
constexpr double requests_for_all = 100;

} // namespace

Speedup::Speedup(double servers, double apart)
    : apart_(servers > 1 ? std::clamp(apart, 0.0, 1.0) : 0), most_(servers),
      saturation_(apart_ > 0 ? servers * requests_for_all : servers) {}

Speedup::Speedup(std::vector<Measured> points) {
    std::erase_if(
        points, [](const Measured &point) { return !(point.requests > 0) || !(point.per_s > 0); });
    if (points.empty())
        return;
    std::sort(points.begin(), points.end(),
              [](const Measured &a, const Measured &b) { return a.requests < b.requests; });
    double best = 0;
    for (Measured &point : points)
        point.per_s = best = std::max(best, point.per_s);
    points_ = std::move(points);
    most_ = best;
    for (const Measured &point : points_)
        if (point.per_s == best) {
            saturation_ = point.requests;
            break;
        }
    const double alone = at(1);
    for (Measured &point : points_)
        point.per_s /= alone;
    most_ /= alone;
}

double Speedup::at(double requests) const {
    if (requests >= saturation_)
        return most_;
    if (points_.empty()) {
        const double together = std::min(requests, most_);
        return together + apart_ * (most_ * requests / (requests + most_ - 1) - together);
    }
    Measured before;
    for (const Measured &point : points_) {
        if (point.requests >= requests)
            return before.per_s + (point.per_s - before.per_s) * (requests - before.requests) /
                                      (point.requests - before.requests);
        before = point;
    }
    return most_;
}

} // namespace triage
