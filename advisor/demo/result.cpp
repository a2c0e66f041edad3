#include "demo/result.h"

#include "emit/index_ddl.h"
#include "render/units.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace triage::advisor {

namespace {

constexpr double wanted_improvement = 0.60;

std::string list_of(const std::vector<std::string> &names) {
    return fmt::format("{}", fmt::join(names, ", "));
}

DemoCheck check_builds(const DemoResult &result) {
    std::vector<std::string> failed;
    for (const BuiltIndex &index : result.loop.indexes)
        if (index.job.status != "kept" && index.job.status != "reverted")
            failed.push_back(fmt::format("job {}: {}", index.job.id, index.job.status));
    return {"every build succeeded", failed.empty(), list_of(failed)};
}

DemoCheck check_use(const DemoResult &result) {
    std::vector<std::string> unused;
    for (const BuiltIndex &index : result.loop.indexes)
        if (index.job.status == "kept" && index.scans.value_or(0) == 0)
            unused.push_back(index.name);
    return {"every index that was kept is used", unused.empty(), list_of(unused)};
}

DemoCheck check_reads(const DemoResult &result) {
    const auto improvement = median_read_improvement(result);
    return {fmt::format("reading workflows take at least {:.0f} % less time (median of the means)",
                        wanted_improvement * 100),
            improvement.value_or(0) >= wanted_improvement, show_percent(improvement)};
}

DemoCheck check_none_slower(const DemoResult &result) {
    std::vector<std::string> slower;
    for (const WorkflowResult &workflow : result.workflows)
        if (got_slower(workflow.before, workflow.after))
            slower.push_back(fmt::format("{} ({} to {})", workflow.name,
                                         show_ms(workflow.before.mean_ms),
                                         show_ms(workflow.after.mean_ms)));
    return {"no workflow got slower", slower.empty(), list_of(slower)};
}

DemoCheck check_measured(const DemoResult &result) {
    std::vector<std::string> missing;
    for (const WorkflowResult &workflow : result.workflows)
        if (workflow.before.transactions == 0 || workflow.after.transactions == 0)
            missing.push_back(workflow.name);
    return {"every workflow ran before and after", missing.empty(), list_of(missing)};
}

} // namespace

std::optional<double> median_read_improvement(const DemoResult &result) {
    std::vector<double> improvements;
    for (const WorkflowResult &workflow : result.workflows)
        if (const auto improvement = improvement_of(workflow.before, workflow.after);
            improvement && !workflow.writes)
            improvements.push_back(*improvement);
    return median(improvements);
}

std::vector<DemoCheck> check_demo(const DemoResult &result) {
    const std::size_t recommended = result.loop.indexes.size();
    return {{"indexes were recommended", recommended > 0, fmt::format("{}", recommended)},
            check_builds(result),
            {"no invalid index is left", result.loop.invalid_indexes == 0,
             fmt::format("{}", result.loop.invalid_indexes)},
            check_use(result),
            check_measured(result),
            check_reads(result),
            check_none_slower(result)};
}

} // namespace triage::advisor
