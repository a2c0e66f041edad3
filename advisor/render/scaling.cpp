#include "render/scaling.h"

#include "render/pools.h"
#include "render/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace triage::advisor {

namespace {

std::string hour_name(int hour_of_week) {
    static const std::array<const char *, 7> days = {"Mon", "Tue", "Wed", "Thu",
                                                     "Fri", "Sat", "Sun"};
    const int hour = ((hour_of_week % hours_a_week) + hours_a_week) % hours_a_week;
    return fmt::format("{} {:02}:00", days[static_cast<std::size_t>(hour / 24)], hour % 24);
}

Section section_of(const AdvisedScaling &scaling) {
    Section section;
    const ScalingPlan &plan = scaling.plan;
    section.title = fmt::format("{}: {} to {} replicas", scaling.application.application.name,
                                plan.min_replicas, plan.max_replicas);
    section.blocks.emplace_back(Paragraph{plan.max_reason});
    if (plan.request.cpu_cores > 0 || plan.request.memory_bytes > 0)
        section.blocks.emplace_back(Paragraph{
            fmt::format("Requests: {:.0f}m of processor, {} of memory.",
                        plan.request.cpu_cores * 1000, show_bytes(plan.request.memory_bytes))});
    if (scaling.forecast.points.empty()) {
        section.blocks.emplace_back(
            Paragraph{"No forecast: less than a week of demand is known.", Tone::Faint});
        return section;
    }
    const auto &points = scaling.forecast.points;
    const auto peak = std::max_element(
        points.begin(), points.end(),
        [](const ForecastPoint &a, const ForecastPoint &b) { return a.expected < b.expected; });
    section.blocks.emplace_back(Paragraph{fmt::format(
        "Busiest: {}, {:.1f} expected, {:.1f} to {:.1f} in nine of ten weeks. {}",
        hour_name(peak->hour_of_week), peak->expected, peak->low, peak->high, plan.forecast_note)});
    if (scaling.quiet)
        section.blocks.emplace_back(Paragraph{
            fmt::format("Quietest {} hours: from {}, at {} of the week's mean. Good for "
                        "pg_triage.build_window.",
                        scaling.quiet->hours, hour_name(scaling.quiet->start_hour_of_week),
                        show_percent(scaling.quiet->share_of_mean))});
    if (!plan.windows.empty()) {
        Table table{{{"From"}, {"to"}, {"replicas", Align::Right}}, {}};
        for (const ReplicaWindow &window : plan.windows)
            table.rows.push_back({hour_name(window.start_hour_of_week),
                                  hour_name(window.start_hour_of_week + window.hours),
                                  std::to_string(window.replicas)});
        section.blocks.emplace_back(table);
    }
    return section;
}

Json json_of(const AdvisedScaling &scaling) {
    const ScalingPlan &plan = scaling.plan;
    Json forecast = Json::array(), windows = Json::array();
    for (const ForecastPoint &point : scaling.forecast.points)
        forecast.push_back({{"hour_of_week", point.hour_of_week},
                            {"expected", point.expected},
                            {"low", point.low},
                            {"high", point.high}});
    for (const ReplicaWindow &window : plan.windows)
        windows.push_back({{"start_hour_of_week", window.start_hour_of_week},
                           {"hours", window.hours},
                           {"replicas", window.replicas}});
    const HeldOutError &error = scaling.forecast.held_out;
    Json json = {{"application", scaling.application.application.name},
                 {"min_replicas", plan.min_replicas},
                 {"max_replicas", plan.max_replicas},
                 {"windows", windows},
                 {"forecast", forecast},
                 {"held_out",
                  {{"weeks", error.weeks},
                   {"error", error.model},
                   {"seasonal_naive_error", error.seasonal_naive},
                   {"interval_coverage", error.interval_coverage}}},
                 {"quiet_window", nullptr}};
    if (scaling.quiet)
        json["quiet_window"] = {{"start_hour_of_week", scaling.quiet->start_hour_of_week},
                                {"hours", scaling.quiet->hours},
                                {"share_of_mean", scaling.quiet->share_of_mean}};
    return json;
}

} // namespace

Document document_of_scaling(const ScalingAdvice &advice) {
    Document document;
    document.title = "Replicas and connections";
    document.sections.push_back({"Connection budget",
                                 {table_of_budget(advice.budget),
                                  Paragraph{sentence_of_budget(advice.budget),
                                            advice.budget.fits ? Tone::Plain : Tone::Bad}}});
    for (const AdvisedScaling &scaling : advice.applications)
        document.sections.push_back(section_of(scaling));
    return document;
}

Json json_of_scaling(const ScalingAdvice &advice) {
    Json applications = Json::array();
    for (const AdvisedScaling &scaling : advice.applications)
        applications.push_back(json_of(scaling));
    return {{"budget", json_of_budget(advice.budget)}, {"applications", applications}};
}

} // namespace triage::advisor
