#include "emit/kubernetes.h"

#include "exit_status.h"

#include <gtest/gtest.h>

namespace triage::advisor {
namespace {

bool has(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

std::size_t count(const std::string &text, const std::string &part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++found;
    return found;
}

ScalingPlan plan() {
    ScalingPlan plan;
    plan.program = "pg_triage";
    plan.deployment = "web-1";
    plan.max_replicas = 40;
    plan.max_reason = "The server takes no more.";
    return plan;
}

TEST(Kubernetes, KnowsItsNames) {
    for (const char *good : {"a", "web-1", "0a"})
        EXPECT_TRUE(is_kubernetes_name(good)) << good;
    for (const char *bad : {"", "-a", "a-", "Web", "a_b", "a.b", "a b", "a: b"})
        EXPECT_FALSE(is_kubernetes_name(bad)) << bad;
    EXPECT_FALSE(is_kubernetes_name(std::string(64, 'a')));
    ScalingPlan wrong = plan();
    wrong.deployment = "a\nkind: Secret";
    EXPECT_THROW(horizontal_pod_autoscaler(wrong), Failure);
    EXPECT_THROW(keda_scaled_object(wrong), Failure);
}

TEST(Kubernetes, JoinsDaysAndCutsAtMidnight) {
    ScalingPlan week = plan();
    // Monday and Tuesday mornings alike; Friday night into Saturday.
    week.windows = {{0, 7, 3},
                    {7, 4, 9},
                    {11, 20, 3},
                    {31, 4, 9},
                    {35, 4 * 24 + 22 - 35, 3},
                    {4 * 24 + 22, 6, 12},
                    {5 * 24 + 4, 44, 3}};
    std::string text = keda_scaled_object(week);
    EXPECT_EQ(count(text, "type: cron"), 3u);
    EXPECT_TRUE(has(text, "start: \"0 7 * * 1,2\"\n        end: \"0 11 * * 1,2\""));
    EXPECT_TRUE(has(text, "start: \"0 22 * * 5\"\n        end: \"59 23 * * 5\""));
    EXPECT_TRUE(has(text, "start: \"0 0 * * 6\"\n        end: \"0 4 * * 6\""));
}

TEST(Kubernetes, CronCountsSundayAsZero) {
    ScalingPlan week = plan();
    week.windows = {{6 * 24 + 10, 2, 5}};
    EXPECT_TRUE(has(keda_scaled_object(week), "start: \"0 10 * * 0\""));
    week.windows = {{0, 168, 5}};
    EXPECT_TRUE(has(keda_scaled_object(week), "start: \"0 0 * * *\""));
}

TEST(Kubernetes, TellsRequestsAndReasons) {
    ScalingPlan known = plan();
    known.request = {0.4831, 500.0 * 1024 * 1024};
    std::string text = horizontal_pod_autoscaler(known);
    EXPECT_TRUE(has(text, "cpu: 484m"));
    EXPECT_TRUE(has(text, "memory: 500Mi"));
    EXPECT_TRUE(has(text, "# The server takes no more.\n  maxReplicas: 40\n"));
}

} // namespace
} // namespace triage::advisor
