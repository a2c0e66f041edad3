// The functions of the section "Jobs" in sql/pg_triage.sql: what users and migrations ask for.
#include "pg/compat.h"
#include "pg/index_review.h"
#include "pg/job_requests.h"
#include "pg/worker_area.h"

PG_HEADERS_BEGIN
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(pg_triage_create_index);
PG_FUNCTION_INFO_V1(pg_triage_ensure_index);
PG_FUNCTION_INFO_V1(pg_triage_drop_index);
PG_FUNCTION_INFO_V1(pg_triage_undo);
PG_FUNCTION_INFO_V1(pg_triage_cancel_job);
PG_FUNCTION_INFO_V1(pg_triage_request_worker);
PG_HEADERS_END

namespace triage {

namespace {

void refuse_null(FunctionCallInfo fcinfo, const char *argument) {
    if (PG_ARGISNULL(0))
        throw SqlError(ERRCODE_NULL_VALUE_NOT_ALLOWED, std::string(argument) + " must not be null");
}

Datum job_or_null(FunctionCallInfo fcinfo, std::int64_t job) {
    fcinfo->isnull = job == 0;
    return Int64GetDatum(job);
}

bool caller_owns(Oid relation) {
    return call_server([relation] { return owns_relation(relation, GetUserId()); });
}

std::string regclass_text(Oid relation) {
    return call_server([relation] {
        return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
                                          get_rel_name(relation));
    });
}

bool is_taken(const IndexRequest &request) {
    const char *name = request.name.c_str();
    const Oid schema = request.schema_oid;
    return call_server([=] { return OidIsValid(get_relname_relid(name, schema)); });
}

NewJob job_for(const IndexRequest &request) {
    NewJob job;
    job.relation = request.relation;
    job.index_schema = request.schema;
    job.index_name = free_index_name(request);
    job.fingerprint = request.identity;
    job.ddl = ddl_of(request, job.index_name);
    job.by_owner = caller_owns(request.relation);
    return job;
}

// The job that a recommendation led to, if it is still worth something; else 0.
std::int64_t job_of_recommendation(std::int64_t recommendation) {
    const std::vector<spi::Row> rows = spi::run(
        "SELECT j.id FROM triage.job j WHERE j.recommendation_id = $1::bigint AND j.kind = "
        "'create' "
        "AND (j.status IN ('queued', 'running') OR j.status IN ('verifying', 'kept') AND EXISTS "
        "(SELECT FROM pg_class c WHERE c.oid = j.index_oid)) ORDER BY j.id DESC LIMIT 1",
        {spi::text(recommendation)});
    return rows.empty() ? 0 : spi::integer(rows[0][0]);
}

// Somebody built such an index in the meantime.
void supersede(std::int64_t recommendation, const std::string &index) {
    as_extension([&] {
        spi::run("UPDATE triage.recommendations SET status = 'superseded' WHERE id = $1::bigint",
                 {spi::text(recommendation)});
    });
    ereport(NOTICE, (errcode(ERRCODE_DUPLICATE_OBJECT),
                     errmsg("index \"%s\" serves already what recommendation %lld is for",
                            index.c_str(), static_cast<long long>(recommendation))));
}

// 0: there is nothing to do.
std::int64_t create_index(std::int64_t recommendation) {
    require_workers();
    const std::string caller = calling_role();
    struct Recommended {
        Oid relation;
        std::string ddl, queryids;
        std::int64_t size_bytes, job;
    };
    const Recommended found = as_extension([&] {
        const std::vector<spi::Row> rows =
            spi::run("SELECT relation::oid, ddl, queryids, size_bytes, "
                     "EXISTS (SELECT FROM pg_class c WHERE c.oid = relation) "
                     "FROM triage.recommendations WHERE id = $1::bigint FOR NO KEY UPDATE",
                     {spi::text(recommendation)});
        if (rows.empty())
            throw SqlError(ERRCODE_UNDEFINED_OBJECT,
                           "recommendation " + spi::text(recommendation) + " does not exist", "",
                           "See triage.recommendations.");
        if (!spi::boolean(rows[0][4]))
            throw SqlError(ERRCODE_UNDEFINED_TABLE, "the table of recommendation " +
                                                        spi::text(recommendation) +
                                                        " does not exist any more");
        return Recommended{static_cast<Oid>(spi::integer(rows[0][0])), rows[0][1].value_or(""),
                           rows[0][2].value_or("{}"), spi::integer(rows[0][3]),
                           job_of_recommendation(recommendation)};
    });
    if (found.job != 0)
        return found.job;

    const IndexRequest request = as_extension([&] { return read_index_request(found.ddl); });
    as_extension([&] { check_functions_are_trusted(found.ddl); });
    if (const std::string server = review(request).served_by; !server.empty()) {
        supersede(recommendation, server);
        return 0;
    }
    NewJob job = job_for(request);
    job.by_owner = false; // it comes from what anybody may have run, whoever approves it
    job.queryids = found.queryids;
    job.size_bytes = found.size_bytes;
    job.recommendation = recommendation;
    return as_extension([&] {
        const std::int64_t id = queue(job, caller);
        spi::run("UPDATE triage.recommendations SET status = 'queued' WHERE id = $1::bigint",
                 {spi::text(recommendation)});
        return id;
    });
}

// 0: there is nothing to do.
std::int64_t ensure_index(const std::string &ddl) {
    require_workers();
    const IndexRequest request = read_index_request(ddl, StatementOrigin::Given);
    if (!caller_owns(request.relation))
        throw SqlError(ERRCODE_INSUFFICIENT_PRIVILEGE, "must be owner of table " + request.table,
                       "", "Only a table's owner may say what its indexes compute.");
    const IndexReview known = review(request);
    if (!known.served_by.empty())
        return 0;
    if (!request.name.empty() && is_taken(request)) {
        if (request.if_not_exists) {
            ereport(NOTICE,
                    (errcode(ERRCODE_DUPLICATE_TABLE),
                     errmsg("relation \"%s\" already exists, skipping", request.name.c_str())));
            return 0;
        }
        throw SqlError(ERRCODE_DUPLICATE_TABLE, "relation \"" + request.name + "\" already exists",
                       "It is not a valid index with this definition.",
                       "Drop it first, or choose another name.");
    }
    check_values_may_be_kept(ddl, "Use CREATE INDEX CONCURRENTLY yourself.");
    NewJob job = job_for(request);
    job.size_bytes = known.size_bytes;
    job.name_given = !request.name.empty();
    const std::string caller = calling_role();
    return as_extension([&] { return queue(job, caller); });
}

// Throws SqlError if the index is not one that may be dropped on its own.
void check_droppable(Oid index, const spi::Row &facts) {
    const std::string name = facts[1].value_or("");
    if (spi::boolean(facts[3]))
        throw SqlError(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
                       "cannot drop index " + name + " because a constraint needs it", "",
                       "Drop the constraint instead.");
    if (spi::boolean(facts[4]))
        throw SqlError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                       "cannot drop index " + name + " because it is the table's replica identity");
    if (spi::boolean(facts[5]))
        throw SqlError(ERRCODE_FEATURE_NOT_SUPPORTED, "cannot drop index " + name + " on its own",
                       "It belongs to an index on a partitioned table.", "Drop that one.");
    if (spi::boolean(facts[6]))
        throw SqlError(ERRCODE_INSUFFICIENT_PRIVILEGE,
                       "cannot drop index " + name +
                           ": it belongs to the system, to the session or "
                           "to pg_triage");
}

std::int64_t drop_index(Oid index, std::int64_t undoes) {
    require_workers();
    const std::string caller = calling_role();
    const spi::Row facts = as_extension([&] {
        const std::vector<spi::Row> rows = spi::run(
            "SELECT i.indrelid, c.relname, n.nspname, "
            "i.indisprimary OR i.indisexclusion OR EXISTS (SELECT FROM pg_constraint k WHERE "
            "k.conindid = i.indexrelid), i.indisreplident, c.relispartition, "
            "n.nspname IN ('pg_catalog', 'information_schema', 'pg_toast', 'triage') OR "
            "c.relpersistence = 't', i.indisunique, pg_get_indexdef(i.indexrelid), "
            "c.relkind = 'I' "
            "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
            "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE i.indexrelid = $1::oid",
            {spi::text(std::int64_t{index})});
        if (rows.empty()) {
            const bool exists = !spi::run("SELECT 1 FROM pg_class WHERE oid = $1::oid",
                                          {spi::text(std::int64_t{index})})
                                     .empty();
            throw SqlError(exists ? ERRCODE_WRONG_OBJECT_TYPE : ERRCODE_UNDEFINED_OBJECT,
                           exists ? "relation is not an index" : "index does not exist");
        }
        return rows[0];
    });
    check_droppable(index, facts);
    NewJob job;
    job.kind = JobKind::Drop;
    job.relation = static_cast<Oid>(spi::integer(facts[0]));
    job.index = index;
    job.index_name = facts[1].value_or("");
    job.index_schema = facts[2].value_or("");
    job.by_owner = caller_owns(job.relation);
    if (spi::boolean(facts[7]) && !job.by_owner)
        throw SqlError(ERRCODE_INSUFFICIENT_PRIVILEGE,
                       "must be owner of the table to drop unique index " + job.index_name,
                       "Without it duplicates could get in.");
    job.definition = facts[8].value_or("");
    if (undoes == 0) // else the definition is that job's already
        as_extension([&] {
            check_values_may_be_kept(job.definition, "Use DROP INDEX CONCURRENTLY yourself.");
        });
    job.fingerprint = spi::text(std::int64_t{index});
    job.ddl = (spi::boolean(facts[9]) ? "DROP INDEX " : "DROP INDEX CONCURRENTLY ") +
              regclass_text(index);
    job.undoes = undoes;
    return as_extension([&] { return queue(job, caller); });
}

std::int64_t undo(std::int64_t id) {
    require_workers();
    const std::string caller = calling_role();
    const spi::Row row = as_extension([&] {
        const std::vector<spi::Row> rows =
            spi::run("SELECT kind, status, index_oid, definition, "
                     "EXISTS (SELECT FROM pg_class c WHERE c.oid = index_oid), "
                     "EXISTS (SELECT FROM pg_class c WHERE c.oid = relation), index_name, "
                     "(SELECT u.id FROM triage.job u WHERE u.undoes = j.id AND u.status IN "
                     "('queued', 'running', 'verifying')) "
                     "FROM triage.job j WHERE id = $1::bigint FOR NO KEY UPDATE",
                     {spi::text(id)});
        if (rows.empty())
            throw SqlError(ERRCODE_UNDEFINED_OBJECT, "job " + spi::text(id) + " does not exist", "",
                           "See triage.jobs.");
        return rows[0];
    });
    if (row[7])
        return spi::integer(row[7]);
    const JobStatus status = job_status(row[1].value_or("")).value_or(JobStatus::Failed);
    if (status == JobStatus::Queued || status == JobStatus::Running)
        throw SqlError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                       "job " + spi::text(id) + " has not finished", "",
                       "Cancel it by triage.cancel_job().");
    if (status != JobStatus::Kept && status != JobStatus::Verifying)
        throw SqlError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                       "job " + spi::text(id) + " left nothing to take back",
                       std::string("Its status is ") + row[1].value_or("") + ".");
    if (row[0] == "create") {
        if (!spi::boolean(row[4]))
            throw SqlError(ERRCODE_UNDEFINED_OBJECT,
                           "index \"" + row[6].value_or("") + "\" does not exist any more");
        return drop_index(static_cast<Oid>(spi::integer(row[2])), id);
    }
    if (!spi::boolean(row[5]))
        throw SqlError(ERRCODE_UNDEFINED_TABLE, "the table of index \"" + row[6].value_or("") +
                                                    "\" does not exist any more");
    // The definition is PostgreSQL's own text of an index that was there.
    const IndexRequest request =
        as_extension([&] { return read_index_request(row[3].value_or("")); });
    NewJob job = job_for(request);
    job.by_owner = true;
    job.undoes = id;
    return as_extension([&] { return queue(job, caller); });
}

// A drop that has begun to take the index away can only go on.
bool is_past_return(const spi::Row &row) {
    return row[1] == "drop" && spi::boolean(row[3]);
}

bool cancel_job(std::int64_t id) {
    require_workers();
    const std::string caller = calling_role();
    return as_extension([&] {
        const std::vector<spi::Row> rows =
            spi::run("SELECT status, kind, recommendation_id, EXISTS (SELECT FROM pg_index i WHERE "
                     "i.indexrelid = index_oid AND NOT i.indisvalid) "
                     "FROM triage.job WHERE id = $1::bigint FOR NO KEY UPDATE",
                     {spi::text(id)});
        if (rows.empty())
            throw SqlError(ERRCODE_UNDEFINED_OBJECT, "job " + spi::text(id) + " does not exist", "",
                           "See triage.jobs.");
        const spi::Row &row = rows[0];
        const JobStatus status = job_status(row[0].value_or("")).value_or(JobStatus::Failed);
        const char *action = "cancelled";
        switch (status) {
        case JobStatus::Queued:
        case JobStatus::Running:
            if (is_past_return(row))
                throw SqlError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                               "job " + spi::text(id) + " can no longer be cancelled",
                               "Its index is half dropped already.",
                               "Take it back by triage.undo() once it has finished.");
            if (status == JobStatus::Running) {
                spi::run("UPDATE triage.job SET cancel_requested = true WHERE id = $1::bigint",
                         {spi::text(id)});
                worker_area::cancel_at_commit(id);
                worker_area::request_at_commit(worker_area::Worker::Build);
                action = "cancel requested";
                break;
            }
            spi::run("UPDATE triage.job SET status = 'cancelled', phase = NULL, "
                     "finished_at = clock_timestamp() WHERE id = $1::bigint",
                     {spi::text(id)});
            if (row[2])
                spi::run("UPDATE triage.recommendations SET status = 'open' WHERE id = $1::bigint",
                         {row[2]});
            break;
        case JobStatus::Verifying:
            if (spi::boolean(row[3]))
                throw SqlError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                               "job " + spi::text(id) + " can no longer be cancelled",
                               "Its index is being reverted.");
            spi::run("UPDATE triage.job SET status = 'kept', phase = NULL, "
                     "finished_at = clock_timestamp(), reason = 'verification was cancelled' "
                     "WHERE id = $1::bigint",
                     {spi::text(id)});
            action = "kept";
            break;
        default:
            return false;
        }
        audit_request(action, caller, id);
        return true;
    });
}

} // namespace
} // namespace triage

using namespace triage;

Datum pg_triage_create_index(PG_FUNCTION_ARGS) {
    return guard_sql([&] {
        refuse_null(fcinfo, "recommendation_id");
        return job_or_null(fcinfo, create_index(PG_GETARG_INT64(0)));
    });
}

Datum pg_triage_ensure_index(PG_FUNCTION_ARGS) {
    return guard_sql([&]() -> Datum {
        refuse_null(fcinfo, "ddl");
        const std::int64_t job =
            ensure_index(call_server([&] { return text_to_cstring(PG_GETARG_TEXT_PP(0)); }));
        return job_or_null(fcinfo, job);
    });
}

Datum pg_triage_drop_index(PG_FUNCTION_ARGS) {
    return guard_sql([&] {
        refuse_null(fcinfo, "index");
        return Int64GetDatum(drop_index(PG_GETARG_OID(0), 0));
    });
}

Datum pg_triage_undo(PG_FUNCTION_ARGS) {
    return guard_sql([&] {
        refuse_null(fcinfo, "job_id");
        return Int64GetDatum(undo(PG_GETARG_INT64(0)));
    });
}

Datum pg_triage_cancel_job(PG_FUNCTION_ARGS) {
    return guard_sql([&] {
        refuse_null(fcinfo, "job_id");
        return BoolGetDatum(cancel_job(PG_GETARG_INT64(0)));
    });
}

Datum pg_triage_request_worker(PG_FUNCTION_ARGS) {
    worker_area::request_at_commit(worker_area::Worker::Build);
    PG_RETURN_VOID();
}
