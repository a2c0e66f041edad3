#include "scaling_advice.h"

#include "pool_advice.h"

#include <fmt/format.h>

namespace triage::advisor {

namespace {

std::string forecast_note(const HeldOutError &error) {
    if (error.weeks == 0)
        return "The forecast could not be tested: less than three weeks are known.";
    return fmt::format("Forecast error on {} held-out weeks: {:.1f} %; of the same hour of last "
                       "week: {:.1f} %.",
                       error.weeks, 100 * error.model, 100 * error.seasonal_naive);
}

} // namespace

ScalingAdvice advise_scaling(const PoolObservations &observations, int quiet_hours) {
    ScalingAdvice advice;
    // Pools of the poolers count as they are advised, lanes and all.
    const PoolsAdvice pools = advise_pools(observations, {Saturation::Normal});
    advice.budget = *pools.budget;
    for (std::size_t i = 0; i < observations.applications.size(); ++i) {
        const ScaledApplication &given = observations.applications[i];
        const FittedApplication &fitted = advice.budget.applications[i];
        AdvisedScaling scaling;
        scaling.application = given;
        scaling.forecast = forecast_demand(given.demand);
        scaling.quiet = quiet_window(scaling.forecast.points, quiet_hours);

        ScalingPlan &plan = scaling.plan;
        plan.deployment = given.deployment;
        plan.min_replicas = given.application.min_replicas;
        plan.max_replicas = fitted.application.max_replicas;
        plan.max_reason =
            given.application.through_pooler
                ? fmt::format("Each pod has {} connections to the pooler: not to the server.",
                              fitted.application.pool)
                : fmt::format("{} pods in a rollout, with {} connections each: {} of the {} that "
                              "may be used.",
                              fitted.application.max_replicas + fitted.application.surge +
                                  fitted.application.terminating,
                              fitted.application.pool, fitted.connections, advice.budget.limit);
        plan.request = given.request;
        if (!scaling.forecast.points.empty()) {
            plan.forecast_note = forecast_note(scaling.forecast.held_out);
            plan.windows = replica_windows(scaling.forecast.points, given.demand_a_replica,
                                           plan.min_replicas, plan.max_replicas);
        }
        advice.applications.push_back(scaling);
    }
    return advice;
}

} // namespace triage::advisor
