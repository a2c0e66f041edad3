#include "pg/jobs.h"

#include <charconv>

PG_HEADERS_BEGIN
#include "commands/extension.h"
#include "utils/timestamp.h"
PG_HEADERS_END

namespace triage::jobs {

namespace {

// The columns of a Job, in the order in which read_row takes them.
#define JOB_COLUMNS                                                                                \
    "id, kind, ddl, relation, index_schema, index_name, index_oid, by_owner, name_given, "         \
    "size_bytes, recommendation_id, undoes, array_to_string(queryids, ','), lock_attempts, "       \
    "build_attempts, crashes, cancel_requested, after_cleanup, requested_by"

std::vector<std::int64_t> integers(const std::string &list) {
    std::vector<std::int64_t> result;
    const char *at = list.data(), *end = at + list.size();
    while (at < end) {
        std::int64_t value = 0;
        at = std::from_chars(at, end, value).ptr + 1;
        result.push_back(value);
    }
    return result;
}

Job read_row(const spi::Row &row) {
    std::size_t at = 0;
    const auto next = [&]() -> const spi::Value & { return row[at++]; };
    Job job;
    job.id = spi::integer(next());
    job.kind = next() == "create" ? JobKind::Create : JobKind::Drop;
    job.ddl = next().value_or("");
    job.relation = static_cast<Oid>(spi::integer(next()));
    job.index_schema = next().value_or("");
    job.index_name = next().value_or("");
    job.index = static_cast<Oid>(spi::integer(next()));
    job.by_owner = spi::boolean(next());
    job.name_given = spi::boolean(next());
    job.size_bytes = spi::integer(next());
    job.recommendation = spi::integer(next());
    job.undoes = spi::integer(next());
    job.queryids = integers(next().value_or(""));
    job.lock_attempts = static_cast<int>(spi::integer(next()));
    job.build_attempts = static_cast<int>(spi::integer(next()));
    job.crashes = static_cast<int>(spi::integer(next()));
    job.cancel_requested = spi::boolean(next());
    if (const spi::Value &status = next())
        job.after_cleanup = job_status(*status);
    job.requested_by = next().value_or("");
    return job;
}

std::string id_of(const Job &job) {
    return spi::text(job.id);
}

std::string seconds(double value) {
    return spi::text(value);
}

// What became of a job becomes of its recommendation as well.
void set_recommendation(const Job &job, const char *status) {
    if (job.recommendation != 0)
        spi::run("UPDATE triage.recommendations SET status = $2 WHERE id = $1::bigint",
                 {spi::text(job.recommendation), status});
}

const char *recommendation_status(JobStatus status) {
    switch (status) {
    case JobStatus::Queued:
    case JobStatus::Running:
        return "queued";
    case JobStatus::Verifying:
    case JobStatus::Kept:
        return "built";
    case JobStatus::Reverted:
        return "reverted";
    case JobStatus::Failed:
        return "failed";
    case JobStatus::Cancelled:
        break;
    }
    return "open";
}

// A finished job that took another one back says so there as well.
void settle_undone_job(const Job &job) {
    if (job.undoes == 0)
        return;
    const std::vector<spi::Row> rows =
        spi::run("UPDATE triage.job SET status = 'reverted', reason = 'taken back by job ' || $2, "
                 "phase = NULL, finished_at = clock_timestamp() WHERE id = $1::bigint "
                 "RETURNING " JOB_COLUMNS,
                 {spi::text(job.undoes), id_of(job)});
    if (rows.empty())
        return;
    const Job undone = read_row(rows[0]);
    set_recommendation(undone, "reverted");
    audit(undone, "undone", "taken back by job " + id_of(job));
}

} // namespace

bool exist() {
    return call_server([] { return OidIsValid(get_extension_oid("pg_triage", true)); }) &&
           !spi::run("SELECT 1 WHERE to_regclass('triage.job') IS NOT NULL").empty();
}

std::optional<Job> take_next() {
    const std::vector<spi::Row> rows =
        spi::run("UPDATE triage.job SET status = 'running', phase = 'checking', "
                 "attempts = attempts + 1, worker_pid = pg_backend_pid(), sqlstate = NULL, "
                 "error = NULL, started_at = coalesce(started_at, clock_timestamp()) "
                 "WHERE id = (SELECT id FROM triage.job WHERE status = 'queued' "
                 "AND not_before <= clock_timestamp() ORDER BY id LIMIT 1 "
                 "FOR NO KEY UPDATE SKIP LOCKED) "
                 "RETURNING attempts, " JOB_COLUMNS);
    if (rows.empty())
        return std::nullopt;
    const Job job = read_row({rows[0].begin() + 1, rows[0].end()});
    if (spi::integer(rows[0][0]) == 1)
        audit(job, "started", "");
    return job;
}

std::vector<Job> interrupted() {
    std::vector<Job> found;
    for (const spi::Row &row :
         spi::run("SELECT " JOB_COLUMNS " FROM triage.job WHERE status = 'running' ORDER BY id"))
        found.push_back(read_row(row));
    return found;
}

Job read(std::int64_t id) {
    const std::vector<spi::Row> rows =
        spi::run("SELECT " JOB_COLUMNS " FROM triage.job WHERE id = $1::bigint", {spi::text(id)});
    if (rows.empty())
        throw SqlError(ERRCODE_UNDEFINED_OBJECT, "job " + spi::text(id) + " does not exist");
    return read_row(rows[0]);
}

bool cancel_requested(std::int64_t id) {
    return read(id).cancel_requested;
}

void set_phase(const Job &job, const std::string &phase) {
    spi::run("UPDATE triage.job SET phase = $2 WHERE id = $1::bigint", {id_of(job), phase});
}

void set_index_name(const Job &job, const std::string &ddl) {
    spi::run("UPDATE triage.job SET index_schema = $2, index_name = $3, ddl = $4 "
             "WHERE id = $1::bigint",
             {id_of(job), job.index_schema, job.index_name, ddl});
}

void set_part(const Job &job, const Part &part) {
    spi::run(
        "INSERT INTO triage.job_parts (job_id, relation, index_schema, index_name) "
        "VALUES ($1::bigint, $2::oid, $3, $4) ON CONFLICT (job_id, relation) DO UPDATE SET "
        "index_schema = excluded.index_schema, index_name = excluded.index_name",
        {id_of(job), spi::text(std::int64_t{part.relation}), part.index_schema, part.index_name});
}

std::vector<Part> parts(const Job &job) {
    std::vector<Part> found;
    for (const spi::Row &row : spi::run("SELECT relation, index_schema, index_name FROM "
                                        "triage.job_parts WHERE job_id = $1::bigint",
                                        {id_of(job)}))
        found.push_back(
            {static_cast<Oid>(spi::integer(row[0])), row[1].value_or(""), row[2].value_or("")});
    return found;
}

void set_part_count(const Job &job, std::size_t done, std::size_t all) {
    spi::run("UPDATE triage.job SET parts_done = $2::int, parts_all = $3::int "
             "WHERE id = $1::bigint",
             {id_of(job), std::to_string(done), std::to_string(all)});
}

void begin_cleanup(Job &job, const NextStep &next, const std::string &sqlstate,
                   const std::string &message) {
    job.after_cleanup = next.status;
    const bool failed = next.status == JobStatus::Failed || next.status == JobStatus::Queued;
    spi::run("UPDATE triage.job SET phase = 'cleaning up', after_cleanup = $2, "
             "not_before = clock_timestamp() + make_interval(secs => $3::float8), sqlstate = $4, "
             "error = $5, lock_attempts = $6::int, build_attempts = $7::int, crashes = $8::int "
             "WHERE id = $1::bigint",
             {id_of(job), name_of(next.status), seconds(next.delay_s),
              failed ? spi::Value(sqlstate) : std::nullopt,
              failed ? spi::Value(message) : std::nullopt,
              spi::text(std::int64_t{job.lock_attempts}),
              spi::text(std::int64_t{job.build_attempts}), spi::text(std::int64_t{job.crashes})});
}

void end_cleanup(const Job &job) {
    const JobStatus status = job.after_cleanup.value_or(JobStatus::Queued);
    const std::vector<spi::Row> rows = spi::run(
        "UPDATE triage.job SET "
        // A cancel that arrived in the meantime wins over a further attempt.
        "status = CASE WHEN cancel_requested AND $2 = 'queued' THEN 'cancelled' ELSE $2 END, "
        "phase = CASE WHEN $2 = 'queued' AND NOT cancel_requested THEN 'waiting to try again' END, "
        "after_cleanup = NULL, worker_pid = NULL, "
        "finished_at = CASE WHEN $2 <> 'queued' OR cancel_requested THEN clock_timestamp() END "
        "WHERE id = $1::bigint RETURNING status, error",
        {id_of(job), name_of(status)});
    if (rows.empty())
        return;
    const JobStatus now = job_status(rows[0][0].value_or("")).value_or(JobStatus::Failed);
    set_recommendation(job, recommendation_status(now));
    if (now != JobStatus::Queued)
        audit(job, name_of(now), now == JobStatus::Failed ? rows[0][1].value_or("") : "");
}

void put_back(const Job &job, double delay_s, const std::string &phase) {
    spi::run("UPDATE triage.job SET status = 'queued', phase = $3, worker_pid = NULL, "
             "after_cleanup = NULL, "
             "not_before = clock_timestamp() + make_interval(secs => $2::float8) "
             "WHERE id = $1::bigint",
             {id_of(job), seconds(delay_s), phase});
}

bool set_built(const Job &job, Oid index, bool verify, const std::string &reason) {
    const std::vector<spi::Row> rows = spi::run(
        "UPDATE triage.job SET status = $3, phase = CASE WHEN $3 = 'verifying' THEN "
        "'comparing its statements before and after' END, index_oid = $2::oid, worker_pid = NULL, "
        "built_at = clock_timestamp(), reason = $4, built_bytes = coalesce("
        "(SELECT sum(pg_relation_size(t.relid)) FROM pg_partition_tree($2::oid::regclass) t), "
        "pg_relation_size($2::oid::regclass)), "
        "finished_at = CASE WHEN $3 = 'kept' THEN clock_timestamp() END "
        "WHERE id = $1::bigint AND NOT cancel_requested RETURNING 1",
        {id_of(job), spi::text(std::int64_t{index}), verify ? "verifying" : "kept",
         reason.empty() ? std::nullopt : spi::Value(reason)});
    if (rows.empty())
        return false;
    set_recommendation(job, "built");
    audit(job, "built", "");
    if (!verify) {
        audit(job, "kept", reason);
        settle_undone_job(job);
    }
    return true;
}

void finish(const Job &job, JobStatus status, const std::optional<std::string> &reason) {
    const std::vector<spi::Row> rows =
        spi::run("UPDATE triage.job SET status = $2, phase = NULL, worker_pid = NULL, "
                 "reason = coalesce($3, reason), sqlstate = NULL, error = NULL, "
                 "finished_at = clock_timestamp() WHERE id = $1::bigint RETURNING reason",
                 {id_of(job), name_of(status), reason});
    if (rows.empty())
        return;
    if (job.kind == JobKind::Create)
        set_recommendation(job, recommendation_status(status));
    audit(job, job.kind == JobKind::Drop ? "dropped" : name_of(status), rows[0][0].value_or(""));
    if (status == JobStatus::Kept)
        settle_undone_job(job);
}

TimestampTz next_due() {
    const std::vector<spi::Row> rows =
        spi::run("SELECT ceil(greatest(0, extract(epoch FROM min(not_before) - clock_timestamp())) "
                 "* 1000)::bigint FROM triage.job WHERE status = 'queued' "
                 "AND not_before > '-infinity' HAVING count(*) > 0");
    const bool at_once =
        !spi::run("SELECT 1 FROM triage.job WHERE status = 'queued' AND not_before = '-infinity' "
                  "LIMIT 1")
             .empty();
    if (at_once)
        return GetCurrentTimestamp();
    if (rows.empty())
        return DT_NOEND;
    return TimestampTzPlusMilliseconds(GetCurrentTimestamp(), spi::integer(rows[0][0]));
}

std::vector<std::int64_t> verifying() {
    std::vector<std::int64_t> found;
    for (const spi::Row &row :
         spi::run("SELECT id FROM triage.job WHERE status = 'verifying' ORDER BY id"))
        found.push_back(spi::integer(row[0]));
    return found;
}

void audit(const Job &job, const char *action, const std::string &reason) {
    spi::run("INSERT INTO triage.audit_log (actor, action, object, job_id, details) VALUES "
             "('pg_triage', $1, format('%I.%I', $2, $3), $4::bigint, "
             "jsonb_strip_nulls(jsonb_build_object('ddl', $5, 'requested_by', $6, 'reason', $7)))",
             {action, job.index_schema, job.index_name, id_of(job), job.ddl, job.requested_by,
              reason.empty() ? std::nullopt : spi::Value(reason)});
}

} // namespace triage::jobs
