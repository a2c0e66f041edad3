#include "render/jobs.h"

#include "render/json.h"
#include "render/units.h"

#include <fmt/format.h>

namespace triage::advisor {

namespace {

Tone tone_of(const std::string &status) {
    if (status == "failed")
        return Tone::Bad;
    if (status == "reverted" || status == "cancelled")
        return Tone::Warning;
    return status == "kept" || status == "done" ? Tone::Good : Tone::Plain;
}

} // namespace

std::string change_of(const Job &job) {
    if (!job.before_ms || !job.after_ms || !(*job.before_ms > 0))
        return {};
    return fmt::format("{:+.1f} %", (*job.after_ms / *job.before_ms - 1) * 100);
}

Table table_of_jobs(const std::vector<Job> &jobs) {
    Table table{{{"job", Align::Right},
                 {"kind"},
                 {"status"},
                 {"before", Align::Right},
                 {"after", Align::Right},
                 {"change", Align::Right},
                 {"finished"},
                 {"index", Align::Left, true}},
                {}};
    for (const Job &job : jobs)
        table.rows.push_back({std::to_string(job.id), job.kind,
                              Cell(job.status, tone_of(job.status)), show_ms(job.before_ms),
                              show_ms(job.after_ms), change_of(job), job.finished_at, job.index});
    return table;
}

List remarks_on_jobs(const std::vector<Job> &jobs) {
    List list;
    for (const Job &job : jobs) {
        const std::string &remark = job.error.empty() ? job.verdict : job.error;
        if (!remark.empty())
            list.items.push_back(
                {fmt::format("job {}, {}: {}", job.id, job.index, remark), {}, {}});
    }
    return list;
}

Table table_of_audit(const std::vector<AuditEntry> &audit) {
    Table table{{{"at"}, {"by"}, {"action"}, {"object", Align::Left, true}}, {}};
    for (const AuditEntry &it : audit)
        table.rows.push_back({it.at, it.actor, it.action, it.object});
    return table;
}

Json json_of_jobs(const std::vector<Job> &jobs) {
    Json json = Json::array();
    for (const Job &it : jobs)
        json.push_back({{"id", it.id},
                        {"kind", it.kind},
                        {"status", it.status},
                        {"phase", text_or_null(it.phase)},
                        {"progress", json_or_null(it.progress)},
                        {"attempts", it.attempts},
                        {"index", text_or_null(it.index)},
                        {"relation", text_or_null(it.relation)},
                        {"ddl", text_or_null(it.ddl)},
                        {"size_bytes", json_or_null(it.size_bytes)},
                        {"before_ms", json_or_null(it.before_ms)},
                        {"after_ms", json_or_null(it.after_ms)},
                        {"before_p95_ms", json_or_null(it.before_p95_ms)},
                        {"after_p95_ms", json_or_null(it.after_p95_ms)},
                        {"executions", json_or_null(it.executions)},
                        {"verdict", text_or_null(it.verdict)},
                        {"error", text_or_null(it.error)},
                        {"finished_at", text_or_null(it.finished_at)}});
    return json;
}

} // namespace triage::advisor
