#include "render/report.h"

#include "render/jobs.h"
#include "render/recommendations.h"
#include "render/targets.h"
#include "render/units.h"

#include <fmt/format.h>

#include <map>
#include <numeric>

namespace triage::advisor {

namespace {

constexpr std::size_t query_length = 280; // of a statement's text on the page; JSON has all of it

Paragraph faint(std::string text) {
    return {std::move(text), Tone::Faint};
}

Table table_of_workflows(const std::vector<WorkflowFigures> &workflows) {
    Table table{{{"workflow"},
                 {"executions", Align::Right},
                 {"p50", Align::Right},
                 {"p95", Align::Right},
                 {"p99", Align::Right}},
                {}};
    for (const WorkflowFigures &it : workflows)
        table.rows.push_back({it.workflow.empty() ? "all" : it.workflow,
                              show_count(static_cast<double>(it.executions)), show_ms(it.p50_ms),
                              show_ms(it.p95_ms), show_ms(it.p99_ms)});
    return table;
}

Table table_of_statements(const std::vector<StatementFigures> &statements) {
    Table table{{{"#", Align::Right},
                 {"time", Align::Right},
                 {"share", Align::Right},
                 {"calls", Align::Right},
                 {"p50", Align::Right},
                 {"p95", Align::Right},
                 {"p99", Align::Right},
                 {"workflow", Align::Left, true},
                 {"data class"}},
                {}};
    int number = 0;
    for (const StatementFigures &it : statements)
        table.rows.push_back({std::to_string(++number), show_ms(it.total_ms),
                              show_percent(it.share), show_count(static_cast<double>(it.calls)),
                              show_ms(it.p50_ms), show_ms(it.p95_ms), show_ms(it.p99_ms),
                              it.workflow, it.data_class});
    return table;
}

List list_of_queries(const std::vector<StatementFigures> &statements) {
    List list;
    list.numbered = true;
    for (const StatementFigures &it : statements)
        list.items.push_back(
            {shortened(it.query.empty() ? "text not available" : it.query, query_length), {}, {}});
    return list;
}

Section what_hurts(const Report &report) {
    Section section{"What hurts", {}};
    if (!report.workflows.empty())
        section.blocks.emplace_back(table_of_workflows(report.workflows));
    if (report.statements.empty())
        section.blocks.emplace_back(faint("No statement has been seen yet."));
    else {
        section.blocks.emplace_back(table_of_statements(report.statements));
        section.blocks.emplace_back(list_of_queries(report.statements));
    }
    if (!report.identity.sees_all_statements)
        section.blocks.emplace_back(Paragraph{
            fmt::format("Statements are those of {} only: others' take the role pg_read_all_stats.",
                        report.identity.user),
            Tone::Warning});
    return section;
}

std::string condition(const std::string &column, const std::string &kind) {
    static const std::map<std::string, std::string> forms = {{"equal", "= ?"},
                                                             {"in", "IN (?)"},
                                                             {"range", "in a range"},
                                                             {"prefix", "LIKE ?"},
                                                             {"not equal", "<> ?"},
                                                             {"is null", "IS NULL"},
                                                             {"is not null", "IS NOT NULL"}};
    const auto form = forms.find(kind);
    return column + " " + (form == forms.end() ? kind : form->second);
}

std::string conditions_of(const CostlyAccess &access) {
    std::string all;
    for (std::size_t i = 0; i < access.columns.size() && i < access.operators.size(); i++)
        all += (i ? ", " : "") + condition(access.columns[i], access.operators[i]);
    return all.empty() ? "none" : all;
}

Table table_of_accesses(const std::vector<CostlyAccess> &accesses) {
    Table table{{{"relation", Align::Left, true},
                 {"size", Align::Right},
                 {"sampled", Align::Right},
                 {"sequential", Align::Right},
                 {"rows used", Align::Right},
                 {"rows removed", Align::Right},
                 {"conditions", Align::Left, true}},
                {}};
    for (const CostlyAccess &it : accesses)
        table.rows.push_back({it.relation, show_bytes(static_cast<double>(it.relation_bytes)),
                              show_count(static_cast<double>(it.executions)),
                              show_percent(it.sequential), show_count(it.rows_used),
                              show_count(it.rows_removed), conditions_of(it)});
    return table;
}

Section why(const Report &report) {
    Section section{"Why", {}};
    if (report.accesses.empty())
        section.blocks.emplace_back(
            faint("No sampled statement reads much more of a large relation than it needs."));
    else {
        section.blocks.emplace_back(Paragraph{
            "Sampled scans that read much more of a large relation than they use, an execution:"});
        section.blocks.emplace_back(table_of_accesses(report.accesses));
    }
    return section;
}

Section what_to_do(const Report &report) {
    Section section{"What to do", {}};
    const auto &open = report.recommendations;
    if (open.empty()) {
        section.blocks.emplace_back(faint(
            "No recommendation is open. SELECT triage.refresh_recommendations() looks anew."));
        return section;
    }
    const std::int64_t bytes =
        std::accumulate(open.begin(), open.end(), std::int64_t{0},
                        [](std::int64_t sum, const auto &it) { return sum + it.size_bytes; });
    section.blocks.emplace_back(list_of_recommendations(open));
    section.blocks.emplace_back(faint(fmt::format(
        "Improvements and sizes are estimates by the planner's cost; {} in all. To build: "
        "pg_triage indexes --apply",
        show_bytes(static_cast<double>(bytes)))));
    return section;
}

Section what_was_done(const Report &report) {
    Section section{"What was done", {}};
    if (report.jobs.empty())
        section.blocks.emplace_back(faint("No job has run."));
    else {
        section.blocks.emplace_back(table_of_jobs(report.jobs));
        const List remarks = remarks_on_jobs(report.jobs);
        if (!remarks.items.empty())
            section.blocks.emplace_back(remarks);
    }
    if (!report.audit.empty())
        section.blocks.emplace_back(table_of_audit(report.audit));
    return section;
}

Section health(const Report &report) {
    Section section{"Health", {}};
    List list;
    std::size_t fine = 0;
    for (const HealthCheck &it : report.health) {
        if (it.ok) {
            fine++;
            continue;
        }
        Item item{Cell(fmt::format("{}: {}", it.check, it.detail), Tone::Warning), {}, {}};
        if (!it.hint.empty())
            item.lines.push_back(it.hint);
        list.items.push_back(item);
    }
    if (!list.items.empty())
        section.blocks.emplace_back(list);
    section.blocks.emplace_back(
        Paragraph{fmt::format("{} of {} self-checks passed.", fine, report.health.size()),
                  list.items.empty() ? Tone::Good : Tone::Plain});
    return section;
}

Section targets(const Report &report) {
    return {"Targets", {table_of_targets(report.targets)}};
}

} // namespace

Document document_of_report(const Report &report) {
    const Identity &identity = report.identity;
    Document document;
    document.title =
        fmt::format("pg_triage report on {}, {}", identity.database, identity.taken_at);
    document.subtitle = fmt::format(
        "PostgreSQL {}{}, pg_triage {}{}", identity.server_version,
        identity.in_recovery ? " (standby)" : "", identity.extension_version,
        report.statistics_since.empty() ? "" : ", statistics since " + report.statistics_since);
    document.sections = {what_hurts(report),    why(report),     what_to_do(report),
                         what_was_done(report), targets(report), health(report)};
    return document;
}

} // namespace triage::advisor
