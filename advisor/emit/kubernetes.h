// Scaling of an application as Kubernetes manifests: a HorizontalPodAutoscaler (autoscaling/v2), or
// KEDA's ScaledObject with cron triggers from the demand by hour of week. One or the other: two
// autoscalers of one deployment fight.
#pragma once

#include "core/forecast.h"
#include "core/resource_request.h"

#include <string>
#include <vector>

namespace triage::advisor {

struct ScalingPlan {
    std::string program;    // name and version of who writes this
    std::string deployment; // a valid name in Kubernetes
    int min_replicas = 3;
    int max_replicas = 100;
    std::string max_reason; // a sentence: why no more replicas
    int cpu_percent = 70;
    std::string time_zone = "Etc/UTC";  // of the hours of the week
    std::vector<ReplicaWindow> windows; // of a week; empty: no forecast
    std::string forecast_note;          // a sentence on its error; may be empty
    ResourceRequest request;            // zeros: not known
};

// Lower case letters, digits and hyphens, 63 at most: RFC 1123.
bool is_kubernetes_name(const std::string &name);

// Both raise Failure if the deployment's name is none.
std::string horizontal_pod_autoscaler(const ScalingPlan &plan);
std::string keda_scaled_object(const ScalingPlan &plan);

} // namespace triage::advisor
