// From a fleet and its demand to replicas: those that the connection budget lets run, and those
// that the hours of the week need.
#pragma once

#include "emit/kubernetes.h"
#include "pool_observations.h"

#include <optional>
#include <vector>

namespace triage::advisor {

struct AdvisedScaling {
    ScaledApplication application; // as given
    ScalingPlan plan;
    Forecast forecast;
    std::optional<QuietWindow> quiet;
};

struct ScalingAdvice {
    ConnectionBudget budget;
    std::vector<AdvisedScaling> applications;
};

ScalingAdvice advise_scaling(const PoolObservations &observations, int quiet_hours);

} // namespace triage::advisor
