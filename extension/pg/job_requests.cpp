#include "pg/job_requests.h"

#include "pg/worker_area.h"

PG_HEADERS_BEGIN
#include "access/xlog.h"
#include "catalog/pg_authid.h"
#include "utils/guc.h"
PG_HEADERS_END

namespace triage {

namespace request_detail {

Identity::Identity() {
    GetUserIdAndSecContext(&user_, &context_);
    SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID, context_ | SECURITY_LOCAL_USERID_CHANGE);
}

Identity::~Identity() {
    SetUserIdAndSecContext(user_, context_);
}

int narrow_search_path() {
    return call_server([] {
        const int level = NewGUCNestLevel();
        set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
                          GUC_ACTION_SAVE, true, 0, false);
        return level;
    });
}

void restore_search_path(int level) {
    call_server([level] { AtEOXact_GUC(true, level); });
}

} // namespace request_detail

void require_workers() {
    if (RecoveryInProgress())
        throw SqlError(ERRCODE_READ_ONLY_SQL_TRANSACTION, "cannot change indexes during recovery",
                       "This server is a standby.", "Do it on the primary.");
    if (!worker_area::available())
        throw SqlError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                       "pg_triage has no background worker to build indexes",
                       "The library was not loaded at server start.",
                       "Add pg_triage to shared_preload_libraries and restart the server.");
}

std::string calling_role() {
    return call_server([] { return GetUserNameFromId(GetUserId(), false); });
}

namespace {

// The unfinished job that wants the same; 0 if there is none.
std::int64_t unfinished(const NewJob &job, const char *kind) {
    const std::vector<spi::Row> rows =
        spi::run("SELECT id FROM triage.job WHERE relation = $1::oid AND kind = $2 AND "
                 "fingerprint = $3 AND status IN ('queued', 'running', 'verifying')",
                 {spi::text(std::int64_t{job.relation}), kind, job.fingerprint});
    return rows.empty() ? 0 : spi::integer(rows[0][0]);
}

} // namespace

std::int64_t queue(const NewJob &job, const std::string &requested_by) {
    const auto number = [](std::int64_t value) {
        return value == 0 ? spi::Value() : spi::Value(spi::text(value));
    };
    const char *kind = job.kind == JobKind::Create ? "create" : "drop";
    worker_area::request_at_commit(worker_area::Worker::Build);
    if (const std::int64_t same = unfinished(job, kind))
        return same;
    const std::vector<spi::Row> inserted = spi::run(
        "INSERT INTO triage.job (kind, ddl, fingerprint, relation, index_schema, index_name, "
        "index_oid, definition, by_owner, name_given, size_bytes, recommendation_id, undoes, "
        "queryids, requested_by) VALUES ($1, $2, $3, $4::oid, $5, $6, $7::oid, $8, $9::bool, "
        "$10::bool, $11::bigint, $12::bigint, $13::bigint, $14::bigint[], $15) "
        "ON CONFLICT (relation, kind, fingerprint) "
        "WHERE status IN ('queued', 'running', 'verifying') DO NOTHING RETURNING id",
        {kind, job.ddl, job.fingerprint, spi::text(std::int64_t{job.relation}), job.index_schema,
         job.index_name, number(job.index),
         job.definition.empty() ? spi::Value() : spi::Value(job.definition),
         job.by_owner ? "t" : "f", job.name_given ? "t" : "f", number(job.size_bytes),
         number(job.recommendation), number(job.undoes), job.queryids, requested_by});
    if (inserted.empty()) { // another session was faster
        if (const std::int64_t same = unfinished(job, kind))
            return same;
        throw SqlError(ERRCODE_T_R_SERIALIZATION_FAILURE,
                       "a job for the same index finished in this moment", "", "Try again.");
    }
    const std::int64_t id = spi::integer(inserted[0][0]);
    audit_request("queued", requested_by, id);
    return id;
}

void audit_request(const char *action, const std::string &actor, std::int64_t job) {
    spi::run("INSERT INTO triage.audit_log (actor, action, object, job_id, details) "
             "SELECT $1, $2, format('%I.%I', index_schema, index_name), id, "
             "jsonb_build_object('ddl', ddl) FROM triage.job WHERE id = $3::bigint",
             {actor, action, spi::text(job)});
}

} // namespace triage
