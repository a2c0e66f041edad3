#include "pg/builder.h"

#include "pg/guc.h"
#include "pg/index_command.h"
#include "pg/index_request.h"
#include "pg/partitioned_build.h"
#include "pg/verifier.h"
#include "pg/worker_area.h"

#include <sys/statvfs.h>

PG_HEADERS_BEGIN
#include "catalog/namespace.h"
#include "catalog/pg_tablespace_d.h"
#include "commands/defrem.h"
#include "common/relpath.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
PG_HEADERS_END

namespace triage::builder {

namespace {

// Room that a build needs beyond the index itself: sorting spills to disk, and WAL grows.
constexpr double room_for_build = 2.5;
// A drop of a leftover that waits for a transaction to end is tried again; meanwhile other jobs
// run.
constexpr int cleanup_timeout_ms = 5 * 1000;
// Between a build that gave way and the next attempt.
constexpr double delay_after_yield_s = 10;
// For an index that is half dropped there is no way back, only further attempts.
constexpr double delay_of_unfinished_drop_s = 5;

struct Cancelled {};

// Thrown nowhere else than between the steps of an attempt.
void check_cancelled(const Job &job) {
    if (worker_transaction([&] { return jobs::cancel_requested(job.id); }))
        throw Cancelled{};
}

void set_phase(const Job &job, const char *phase) {
    worker_transaction([&] { jobs::set_phase(job, phase); });
}

// Where the files of a tablespace are. Its directory for this database may not be there yet.
std::string directory_of(Oid tablespace) {
    if (OidIsValid(tablespace) && tablespace != DEFAULTTABLESPACE_OID)
        return "pg_tblspc/" + std::to_string(tablespace);
    return call_server([] { return GetDatabasePath(MyDatabaseId, MyDatabaseTableSpace); });
}

// Throws WorkerError if the index would not fit.
void check_disk_space(const Job &job) {
    std::int64_t expected = job.size_bytes;
    Oid tablespace = InvalidOid;
    worker_transaction([&] {
        tablespace = read_index_request_for(job.ddl, job.relation).tablespace;
        if (expected <= 0) // not predicted: an index is rarely larger than its table
            expected =
                spi::integer(spi::run("SELECT coalesce((SELECT sum(pg_table_size(relid))::bigint "
                                      "FROM pg_partition_tree($1::oid)), pg_table_size($1::oid))",
                                      {spi::text(std::int64_t{job.relation})})[0][0]);
    });
    struct statvfs space;
    if (statvfs(directory_of(tablespace).c_str(), &space) != 0)
        return; // the build itself will tell
    const double free_bytes = double(space.f_bavail) * double(space.f_frsize);
    if (free_bytes < room_for_build * double(expected))
        throw WorkerError("53100",
                          "not enough disk space for the index: about " +
                              std::to_string(expected / 1024 / 1024) + " MB expected, " +
                              std::to_string(std::int64_t(free_bytes) / 1024 / 1024) + " MB free",
                          false);
}

// The role that the build runs as: the table's owner, who could not do more by asking. Where only
// the right to create in the schema is missing, whoever may approve an index stands in for a
// superuser.
Oid role_for(const Job &job, const Table &table) {
    return worker_transaction([&] {
        const bool by_superuser =
            !spi::run("SELECT 1 FROM pg_roles WHERE rolname = $1 AND rolsuper", {job.requested_by})
                 .empty();
        const bool owner_may =
            spi::boolean(spi::run("SELECT has_schema_privilege($1::oid, $2, 'CREATE')",
                                  {spi::text(std::int64_t{table.owner}), table.schema})[0][0]);
        const bool as_owner = owner_may || (job.by_owner && !by_superuser);
        return as_owner ? table.owner : InvalidOid;
    });
}

// The table may have been renamed and the name been taken since the job was queued. What is
// persisted here is what recovery looks for.
void settle_name(Job &job, const Table &table) {
    worker_transaction([&] {
        const char *schema = table.schema.c_str(), *wanted = job.index_name.c_str();
        const bool keep = job.name_given;
        job.index_name = call_server([=]() -> const char * {
            const Oid schema_oid = get_namespace_oid(schema, false);
            if (keep || !OidIsValid(get_relname_relid(wanted, schema_oid)))
                return wanted;
            return ChooseRelationName(wanted, nullptr, "2", schema_oid, false);
        });
        job.index_schema = table.schema;
        job.ddl = ddl_of(read_index_request_for(job.ddl, table.oid), job.index_name);
        jobs::set_index_name(job, job.ddl);
    });
}

void analyze_if_needed(const Table &table, bool expressions) {
    try {
        worker_transaction([&] {
            const bool never_analyzed =
                spi::run("SELECT 1 FROM pg_stat_all_tables WHERE relid = $1::oid "
                         "AND (last_analyze IS NOT NULL OR last_autoanalyze IS NOT NULL)",
                         {spi::text(std::int64_t{table.oid})})
                    .empty();
            if (!expressions && !never_analyzed)
                return;
            const char *schema = table.schema.c_str(), *name = table.name.c_str();
            const std::string relation =
                call_server([=] { return quote_qualified_identifier(schema, name); });
            spi::run(("ANALYZE " + relation).c_str());
        });
    } catch (const WorkerError &error) {
        // The index is there; autovacuum will see to its statistics.
        ereport(LOG, (errcode(ERRCODE_WARNING),
                      errmsg("pg_triage could not analyze the table of a new index (SQLSTATE %s)",
                             error.sqlstate.c_str())));
    }
}

// Records that the index is there. If a cancel came first, it goes again.
void set_built(Job &job, Oid index) {
    const bool verify = verifier::can_verify(job);
    const bool recorded = worker_transaction([&] {
        if (!jobs::set_built(job, index, verify,
                             verify ? "" : "built as asked; there are no statements to compare"))
            return false;
        verifier::record_built(job);
        return true;
    });
    if (!recorded)
        throw Cancelled{};
    if (verify)
        worker_area::set_due(worker_area::Worker::Watch, GetCurrentTimestamp());
}

// What has to be known before anything is built.
struct Prepared {
    Table table;
    bool expressions;
};

Prepared prepare(Job &job) {
    set_lock_timeout(guc::lock_timeout_ms);
    set_phase(job, "waiting for the table");
    const TableLock lock(job.relation);
    check_cancelled(job);
    check_disk_space(job);
    settle_name(job, lock.table());
    const bool expressions = worker_transaction([&] {
        if (!job.by_owner)
            check_functions_are_trusted(job.ddl);
        return read_index_request(job.ddl).expressions;
    });
    if (lock.table().partitioned)
        partitioned_build::rehearse(job, lock.table());
    worker_transaction([&] {
        verifier::record_before(job);
        jobs::set_phase(job, "building");
    });
    return {lock.table(), expressions};
}

void build(Job &job, AttemptStage &stage) {
    const Prepared prepared = prepare(job);
    stage = AttemptStage::InBuild;
    if (prepared.table.partitioned) {
        partitioned_build::build(job, prepared.table,
                                 {[&] { check_cancelled(job); },
                                  [&](const Table &leaf) { return role_for(job, leaf); }});
    } else {
        const TableLock lock(job.relation);
        const Oid role = role_for(job, lock.table());
        set_lock_timeout(guc::wait_timeout_ms);
        create_index_concurrently(job.ddl, lock.table(), job.index_name, role);
    }
    const Oid index = worker_transaction(
        [&] { return find_index(job.relation, job.index_schema, job.index_name).oid; });
    set_lock_timeout(guc::lock_timeout_ms);
    analyze_if_needed(prepared.table, prepared.expressions);
    set_built(job, index);
}

void drop(Job &job, AttemptStage &stage) {
    set_lock_timeout(guc::lock_timeout_ms);
    set_phase(job, "waiting for the table");
    const TableLock lock(job.relation);
    check_cancelled(job);
    set_phase(job, "dropping");
    stage = AttemptStage::InBuild;
    // Only a concurrent drop waits without holding anybody up.
    if (lock.table().partitioned)
        stage = AttemptStage::BeforeBuild;
    else
        set_lock_timeout(guc::wait_timeout_ms);
    const bool is_there =
        OidIsValid(worker_transaction([&] { return find_index(job.relation, job.index).oid; }));
    if (is_there)
        drop_index_of(lock.table(), job.index);
    worker_transaction(
        [&] { jobs::finish(job, JobStatus::Kept, is_there ? "" : "the index was gone already"); });
}

// An index that is half built or half dropped, or that a cancel came too late for.
FoundIndex find_own_index(const Job &job) {
    return worker_transaction([&] {
        return job.kind == JobKind::Drop
                   ? find_index(job.relation, job.index)
                   : find_index(job.relation, job.index_schema, job.index_name);
    });
}

// Removes what the build left of the index, and on the partitions; those of them that are valid
// stay for a further attempt. Gives way like a build. Throws WorkerError.
void remove_leftovers(const Job &job, Oid index, bool will_go_on) {
    set_lock_timeout(cleanup_timeout_ms);
    worker_area::begin_interruptible(job.id);
    try {
        if (OidIsValid(index))
            drop_index(job.relation, index);
        partitioned_build::remove_parts(job, !will_go_on);
    } catch (const WorkerError &) {
        worker_area::end_interruptible();
        throw;
    }
    worker_area::end_interruptible();
}

// Removes what a failed attempt left and gives the job its next status. False if something held the
// removal up; the job stays 'running' then.
bool clean_up(Job &job) {
    const JobStatus after = job.after_cleanup.value_or(JobStatus::Queued);
    try {
        const FoundIndex found = find_own_index(job);
        if (job.kind == JobKind::Drop) {
            if (!OidIsValid(found.oid)) {
                worker_transaction([&] { jobs::finish(job, JobStatus::Kept, ""); });
                return true;
            }
            if (!found.valid) {
                worker_transaction([&] {
                    jobs::put_back(job, delay_of_unfinished_drop_s,
                                   "the drop cannot be taken back");
                });
                return true;
            }
        } else {
            if (found.valid && after != JobStatus::Cancelled) {
                set_built(job, found.oid);
                return true;
            }
            remove_leftovers(job, found.oid, after == JobStatus::Queued);
        }
    } catch (const Cancelled &) {
        // Recorded on the next round, with the index then removed.
        job.after_cleanup = JobStatus::Cancelled;
        worker_transaction([&] { jobs::begin_cleanup(job, {JobStatus::Cancelled, 0}, "", ""); });
        return false;
    } catch (const WorkerError &) {
        return false;
    }
    worker_transaction([&] { jobs::end_cleanup(job); });
    return true;
}

void fail(Job &job, AttemptStage stage, const WorkerError &error, worker_area::Stop stop) {
    using worker_area::Stop;
    NextStep next;
    std::string message = safe_message(error.sqlstate, error.message, error.in_user_code);
    const bool interrupted = error.sqlstate == "57014";
    if (stop == Stop::Disable) {
        next = {JobStatus::Queued, 0};
        message = "stopped: pg_triage.enabled was switched off";
    } else if (stop == Stop::Yield) {
        next = {JobStatus::Queued, delay_after_yield_s};
        message = "gave way to a statement that waited for the table";
    } else if (stop == Stop::Cancel || interrupted) {
        next = {JobStatus::Cancelled, 0};
    } else {
        int &attempts = stage == AttemptStage::InBuild ? job.build_attempts : job.lock_attempts;
        next = after_failure({stage, error.sqlstate, ++attempts});
    }
    worker_transaction([&] { jobs::begin_cleanup(job, next, error.sqlstate, message); });
    clean_up(job);
}

} // namespace

void drop_index(Oid relation, Oid index) {
    const TableLock lock(relation);
    drop_index_of(lock.table(), index);
}

void attempt(Job &job) {
    AttemptStage stage = AttemptStage::BeforeBuild;
    worker_area::begin_interruptible(job.id);
    try {
        check_cancelled(job);
        if (job.kind == JobKind::Create)
            build(job, stage);
        else
            drop(job, stage);
        worker_area::end_interruptible();
    } catch (const Cancelled &) {
        worker_area::end_interruptible();
        fail(job, stage, WorkerError("57014", "", false), worker_area::Stop::Cancel);
    } catch (const WorkerError &error) {
        fail(job, stage, error, worker_area::end_interruptible());
    }
}

bool recover(Job &job) {
    if (!job.after_cleanup) {
        job.crashes++;
        const NextStep next = job.cancel_requested
                                  ? NextStep{JobStatus::Cancelled, 0}
                                  : after_failure({AttemptStage::Crash, "", job.crashes});
        worker_transaction([&] {
            jobs::begin_cleanup(job, next, "57P02",
                                "the worker or the server stopped during the build");
        });
        job.after_cleanup = next.status;
    }
    return clean_up(job);
}

} // namespace triage::builder
