#include "emit/kubernetes.h"

#include "exit_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

namespace triage::advisor {

namespace {

void check_name(const std::string &name) {
    if (!is_kubernetes_name(name))
        throw Failure(ExitStatus::Usage,
                      fmt::format("\"{}\" is not a name of a Kubernetes deployment", name), {},
                      "Lower case letters, digits and hyphens, at most 63; give it as "
                      "\"deployment\" in the file.");
}

std::string head(const ScalingPlan &plan, const char *other) {
    return fmt::format("# Written by {}. Not beside a {} of the same deployment.\n", plan.program,
                       other);
}

std::string request_comment(const ResourceRequest &request) {
    std::string text;
    if (request.cpu_cores <= 0 && request.memory_bytes <= 0)
        return text;
    text = "# Processor use is measured against the request. For the deployment's container (90th\n"
           "# percentile of what was used, and 15 %):\n#   resources:\n#     requests:\n";
    if (request.cpu_cores > 0)
        text += fmt::format("#       cpu: {}m\n", std::lround(std::ceil(request.cpu_cores * 1000)));
    if (request.memory_bytes > 0)
        text += fmt::format("#       memory: {}Mi\n",
                            std::lround(std::ceil(request.memory_bytes / (1024 * 1024))));
    return text;
}

// How fast replicas come and go: the same for both kinds, which differ in where it stands.
std::string behavior(std::size_t indent) {
    static constexpr std::array<const char *, 14> lines = {
        "scaleUp:",
        "  # An emergency does not wait: at once, up to double in a minute.",
        "  stabilizationWindowSeconds: 0",
        "  policies:",
        "    - type: Percent",
        "      value: 100",
        "      periodSeconds: 60",
        "scaleDown:",
        "  # Pods that go and come again make and drop their connections each time.",
        "  stabilizationWindowSeconds: 300",
        "  policies:",
        "    - type: Percent",
        "      value: 25",
        "      periodSeconds: 60"};
    std::string text;
    for (const char *line : lines)
        text += fmt::format("{}{}\n", std::string(indent, ' '), line);
    return text;
}

// A window of the week, from an hour of a day (0 is Monday) to an hour of the same day or of the
// midnight that ends it, on one day or several.
struct DailyWindow {
    int start = 0, end = 24, replicas = 0;
    bool operator<(const DailyWindow &other) const {
        return std::tie(start, end, replicas) < std::tie(other.start, other.end, other.replicas);
    }
};

// Cut at midnight; days that have the same window are joined.
std::map<DailyWindow, std::set<int>> by_day(const std::vector<ReplicaWindow> &windows,
                                            int min_replicas) {
    std::map<DailyWindow, std::set<int>> days;
    for (const ReplicaWindow &window : windows) {
        if (window.replicas <= min_replicas)
            continue; // minReplicas does that
        int from = window.start_hour_of_week, to = from + window.hours;
        while (from < to) {
            const int day = from / 24, midnight = (day + 1) * 24;
            days[{from % 24, std::min(to, midnight) - day * 24, window.replicas}].insert(day % 7);
            from = std::min(to, midnight);
        }
    }
    return days;
}

// Cron counts from Sunday.
std::string cron_days(const std::set<int> &days) {
    std::set<int> numbers;
    for (int day : days)
        numbers.insert((day + 1) % 7);
    std::string text;
    for (int number : numbers)
        text += (text.empty() ? "" : ",") + std::to_string(number);
    return numbers.size() == 7 ? "*" : text;
}

} // namespace

bool is_kubernetes_name(const std::string &name) {
    auto inner = [](unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    };
    return !name.empty() && name.size() <= 63 && name.front() != '-' && name.back() != '-' &&
           std::all_of(name.begin(), name.end(), inner);
}

std::string horizontal_pod_autoscaler(const ScalingPlan &plan) {
    check_name(plan.deployment);
    return head(plan, "KEDA ScaledObject") + request_comment(plan.request) +
           fmt::format("apiVersion: autoscaling/v2\n"
                       "kind: HorizontalPodAutoscaler\n"
                       "metadata:\n"
                       "  name: {0}\n"
                       "spec:\n"
                       "  scaleTargetRef:\n"
                       "    apiVersion: apps/v1\n"
                       "    kind: Deployment\n"
                       "    name: {0}\n"
                       "  minReplicas: {1}\n"
                       "  # {2}\n"
                       "  maxReplicas: {3}\n"
                       "  metrics:\n"
                       "    - type: Resource\n"
                       "      resource:\n"
                       "        name: cpu\n"
                       "        target:\n"
                       "          type: Utilization\n"
                       "          # Room for a rush while new pods start.\n"
                       "          averageUtilization: {4}\n"
                       "  behavior:\n"
                       "{5}",
                       plan.deployment, plan.min_replicas, plan.max_reason, plan.max_replicas,
                       plan.cpu_percent, behavior(4));
}

std::string keda_scaled_object(const ScalingPlan &plan) {
    check_name(plan.deployment);
    std::string text =
        head(plan, "HorizontalPodAutoscaler") + request_comment(plan.request) +
        fmt::format("apiVersion: keda.sh/v1alpha1\n"
                    "kind: ScaledObject\n"
                    "metadata:\n"
                    "  name: {0}\n"
                    "spec:\n"
                    "  scaleTargetRef:\n"
                    "    name: {0}\n"
                    "  minReplicaCount: {1}\n"
                    "  # {2}\n"
                    "  maxReplicaCount: {3}\n"
                    "  advanced:\n"
                    "    horizontalPodAutoscalerConfig:\n"
                    "      behavior:\n"
                    "{5}"
                    "  triggers:\n"
                    "    # Whatever the hour: room for a rush while new pods start.\n"
                    "    - type: cpu\n"
                    "      metricType: Utilization\n"
                    "      metadata:\n"
                    "        value: \"{4}\"\n",
                    plan.deployment, plan.min_replicas, plan.max_reason, plan.max_replicas,
                    plan.cpu_percent, behavior(8));
    if (!plan.forecast_note.empty())
        text += fmt::format("    # {}\n", plan.forecast_note);
    for (const auto &[window, days] : by_day(plan.windows, plan.min_replicas)) {
        const bool midnight = window.end == 24;
        text += fmt::format("    # Upper bound of the demand expected in these hours.\n"
                            "    - type: cron\n"
                            "      metadata:\n"
                            "        timezone: {}\n"
                            "        start: \"0 {} * * {}\"\n"
                            "        end: \"{} {} * * {}\"\n"
                            "        desiredReplicas: \"{}\"\n",
                            plan.time_zone, window.start, cron_days(days), midnight ? 59 : 0,
                            midnight ? 23 : window.end, cron_days(days), window.replicas);
    }
    return text;
}

} // namespace triage::advisor
