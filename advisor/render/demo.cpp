#include "render/demo.h"

#include "render/json.h"
#include "render/recommendations.h"
#include "render/report.h"
#include "render/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace triage::advisor {

namespace {

// "3.4" or "1250": enough digits for a rate.
std::string show_rate(double per_second) {
    return fmt::format("{:.{}f}", per_second, per_second < 10 ? 1 : 0);
}

// "-99.8 %" of the time.
Cell change_of(const WorkflowResult &workflow) {
    const auto improvement = improvement_of(workflow.before, workflow.after);
    if (!improvement)
        return {"–", Tone::Faint};
    return {fmt::format("{:+.1f} %", -*improvement * 100),
            got_slower(workflow.before, workflow.after) ? Tone::Bad
            : *improvement > 0                          ? Tone::Good
                                                        : Tone::Plain};
}

std::vector<Cell> cells_of(const Figures &figures) {
    return {show_rate(figures.per_second), show_ms(figures.mean_ms), show_ms(figures.p50_ms),
            show_ms(figures.p95_ms), show_ms(figures.p99_ms)};
}

Table table_of_workflows(const std::vector<WorkflowResult> &workflows, bool writes) {
    Table table{{{writes ? "writing workflow" : "reading workflow", Align::Left, true},
                 {""},
                 {"per s", Align::Right},
                 {"mean", Align::Right},
                 {"p50", Align::Right},
                 {"p95", Align::Right},
                 {"p99", Align::Right},
                 {"mean time", Align::Right}},
                {}};
    for (const WorkflowResult &workflow : workflows) {
        if (workflow.writes != writes)
            continue;
        std::vector<Cell> before = {workflow.name, {"before", Tone::Faint}};
        for (const Cell &cell : cells_of(workflow.before))
            before.push_back(cell);
        before.push_back("");
        std::vector<Cell> after = {"", {"after", Tone::Faint}};
        for (const Cell &cell : cells_of(workflow.after))
            after.push_back(cell);
        after.push_back(change_of(workflow));
        table.rows.push_back(std::move(before));
        table.rows.push_back(std::move(after));
    }
    return table;
}

Table table_of_indexes(const LoopResult &loop) {
    Table table{{{"index", Align::Left, true},
                 {"status"},
                 {"built in", Align::Right},
                 {"predicted", Align::Right},
                 {"real", Align::Right},
                 {"scans", Align::Right}},
                {}};
    const auto number = [](const std::optional<std::int64_t> &value) {
        return value ? std::optional(double(*value)) : std::nullopt;
    };
    for (const BuiltIndex &index : loop.indexes)
        table.rows.push_back(
            {index.name.empty() ? index.recommendation.relation : index.name,
             Cell(index.job.status, index.job.status == "kept" ? Tone::Good : Tone::Warning),
             index.build_seconds ? show_ms(*index.build_seconds * 1000) : "–",
             show_bytes(double(index.recommendation.size_bytes)), show_bytes(number(index.bytes)),
             show_count(number(index.scans))});
    return table;
}

double rate_of(const DemoResult &result, Figures WorkflowResult::*when) {
    return std::accumulate(
        result.workflows.begin(), result.workflows.end(), 0.0,
        [when](double sum, const auto &workflow) { return sum + (workflow.*when).per_second; });
}

List list_of_checks(const std::vector<DemoCheck> &checks) {
    List list;
    for (const DemoCheck &check : checks)
        list.items.push_back(
            {Cell(fmt::format("{}: {}{}", check.ok ? "yes" : "NO", check.what,
                              check.detail.empty() ? "" : fmt::format(" ({})", check.detail)),
                  check.ok ? Tone::Good : Tone::Bad),
             {},
             {}});
    return list;
}

Json json_of(const Figures &figures) {
    return {{"transactions", figures.transactions},     {"per_second", figures.per_second},
            {"mean_ms", json_or_null(figures.mean_ms)}, {"p50_ms", json_or_null(figures.p50_ms)},
            {"p95_ms", json_or_null(figures.p95_ms)},   {"p99_ms", json_or_null(figures.p99_ms)},
            {"max_ms", json_or_null(figures.max_ms)}};
}

} // namespace

Document document_of_demo(const DemoResult &result) {
    Document document;
    document.title = "The whole loop on a hospital's workload";
    document.subtitle = fmt::format(
        "PostgreSQL {}, {} tables, {} rows, {}; load measured for {:.0f} s before and {:.0f} s "
        "after",
        result.server_version, result.hospital.tables, show_count(result.hospital.rows),
        show_bytes(result.hospital.bytes), result.before.seconds(), result.after.seconds());

    std::vector<Recommendation> recommendations;
    for (const BuiltIndex &index : result.loop.indexes)
        recommendations.push_back(index.recommendation);
    document.sections.push_back({"Recommended", {list_of_recommendations(recommendations)}});

    document.sections.push_back(
        {"Built while the load ran",
         {table_of_indexes(result.loop),
          Paragraph{fmt::format("The builds took {:.1f} s. The longest transaction of a writer "
                                "took {} meanwhile, and {} before.",
                                result.loop.building.seconds(),
                                show_ms(result.longest_write_building_ms),
                                show_ms(result.longest_write_before_ms))}}});

    document.sections.push_back(
        {"The load before and after",
         {table_of_workflows(result.workflows, false), table_of_workflows(result.workflows, true),
          Paragraph{
              fmt::format("All workflows together: {} transactions a second before, {} after.",
                          show_rate(rate_of(result, &WorkflowResult::before)),
                          show_rate(rate_of(result, &WorkflowResult::after)))}}});

    document.sections.push_back({"Did it work?", {list_of_checks(result.checks)}});

    const Document report = document_of_report(result.report);
    document.sections.push_back({"pg_triage report", {Paragraph{report.title, Tone::Faint}}});
    document.sections.insert(document.sections.end(), report.sections.begin(),
                             report.sections.end());
    return document;
}

Json json_of_demo(const DemoResult &result) {
    Json workflows = Json::array(), indexes = Json::array(), checks = Json::array();
    for (const WorkflowResult &it : result.workflows)
        workflows.push_back({{"workflow", it.name},
                             {"kind", it.writes ? "write" : "read"},
                             {"before", json_of(it.before)},
                             {"after", json_of(it.after)},
                             {"improvement", json_or_null(improvement_of(it.before, it.after))}});
    for (const BuiltIndex &it : result.loop.indexes)
        indexes.push_back({{"relation", it.recommendation.relation},
                           {"ddl", it.recommendation.ddl},
                           {"kind", it.recommendation.kind},
                           {"estimated_improvement", it.recommendation.improvement},
                           {"reason", it.recommendation.reason},
                           {"index", text_or_null(it.name)},
                           {"job", it.job.id},
                           {"status", it.job.status},
                           {"build_seconds", json_or_null(it.build_seconds)},
                           {"predicted_bytes", it.recommendation.size_bytes},
                           {"bytes", json_or_null(it.bytes)},
                           {"scans", json_or_null(it.scans)}});
    for (const DemoCheck &it : result.checks)
        checks.push_back({{"check", it.what}, {"ok", it.ok}, {"detail", it.detail}});
    return {{"server_version", result.server_version},
            {"tables", result.hospital.tables},
            {"rows", result.hospital.rows},
            {"bytes", result.hospital.bytes},
            {"indexes", indexes},
            {"build_seconds", result.loop.building.seconds()},
            {"invalid_indexes", result.loop.invalid_indexes},
            {"longest_write_ms",
             {{"before", json_or_null(result.longest_write_before_ms)},
              {"building", json_or_null(result.longest_write_building_ms)}}},
            {"workflows", workflows},
            {"median_read_improvement", json_or_null(median_read_improvement(result))},
            {"checks", checks},
            {"report", json_of_report(result.report)}};
}

} // namespace triage::advisor
