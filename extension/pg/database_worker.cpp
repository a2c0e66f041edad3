// The two workers of a database. The build worker first repairs what an earlier one left behind,
// then works off the queue, one build at a time. The watch worker gives verdicts on built indexes
// and keeps recommendations fresh. Both exit when nothing is due and say when they want to be
// started again.
#include "pg/build_hours.h"
#include "pg/builder.h"
#include "pg/guc.h"
#include "pg/jobs.h"
#include "pg/verifier.h"
#include "pg/worker_area.h"
#include "pg/worker_transaction.h"

PG_HEADERS_BEGIN
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

PGDLLEXPORT void pg_triage_build_worker_main(Datum argument);
PGDLLEXPORT void pg_triage_watch_worker_main(Datum argument);
PG_HEADERS_END

namespace triage {

namespace {

using worker_area::Worker;

// Leftovers whose removal was held up are tried again after this.
constexpr int cleanup_retry_ms = 2 * 1000;
// What no session announced (a job of a prepared transaction, say) is found after this.
constexpr int routine_look_ms = 10 * 60 * 1000;

TimestampTz from_now(std::int64_t milliseconds) {
    return TimestampTzPlusMilliseconds(GetCurrentTimestamp(), milliseconds);
}

// Nothing that a database or a role has set may change what a worker does.
void set_up_session() {
    static constexpr const char *settings[][2] = {
        {"search_path", "pg_catalog, pg_temp"},
        {"default_transaction_isolation", "read committed"},
        {"default_transaction_read_only", "off"},
        {"default_transaction_deferrable", "off"},
        {"statement_timeout", "0"},
        {"idle_in_transaction_session_timeout", "0"},
        {"session_replication_role", "origin"},
        {"DateStyle", "ISO"},
    };
    for (const auto &[name, value] : settings)
        SetConfigOption(name, value, PGC_SUSET, PGC_S_SESSION);
}

// False if this database is served already.
bool start_worker(Oid dbid, Worker worker) {
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    pqsignal(SIGTERM, die);
    BackgroundWorkerUnblockSignals();
    BackgroundWorkerInitializeConnectionByOid(dbid, InvalidOid, 0);
    pgstat_report_appname("pg_triage");
    set_up_session();
    return worker_area::attach(dbid, worker);
}

void between_jobs() {
    call_server([] {
        pgstat_report_stat(true);
        CHECK_FOR_INTERRUPTS();
        if (ConfigReloadPending) {
            ConfigReloadPending = false;
            ProcessConfigFile(PGC_SIGHUP);
        }
    });
}

void recover_interrupted() {
    bool all_recovered = true;
    for (Job &job : worker_transaction(jobs::interrupted))
        all_recovered = builder::recover(job) && all_recovered;
    if (!all_recovered)
        worker_area::set_due(Worker::Build, from_now(cleanup_retry_ms));
}

// True if a build may start now; if not, says when to look again.
bool window_is_open() {
    const int minutes = build_hours::minutes_until_open();
    if (minutes > 0)
        worker_area::set_due(Worker::Build, from_now(std::int64_t{minutes} * 60 * 1000));
    return minutes == 0;
}

void work_off_queue() {
    while (guc::enabled && window_is_open()) {
        std::optional<Job> job = worker_transaction(jobs::take_next);
        if (!job)
            break;
        call_server([&] { pgstat_report_activity(STATE_RUNNING, job->ddl.c_str()); });
        builder::attempt(*job);
        call_server([] { pgstat_report_activity(STATE_IDLE, nullptr); });
        between_jobs();
    }
}

// When the recommendations should be fresh again; DT_NOEND if nobody wants them to be.
TimestampTz refresh_due() {
    if (guc::auto_index == static_cast<int>(guc::AutoIndex::Off))
        return DT_NOEND;
    return TimestampTzPlusMilliseconds(worker_area::last_refresh(),
                                       std::int64_t{guc::refresh_interval_s} * 1000);
}

void schedule_watch() {
    worker_area::set_due(Worker::Watch, refresh_due());
    if (!worker_transaction(jobs::verifying).empty())
        worker_area::set_due(Worker::Watch, GetCurrentTimestamp());
}

void log_failure(const char *what, const WorkerError &error) {
    ereport(LOG, (errcode(ERRCODE_WARNING),
                  errmsg("pg_triage could not %s (SQLSTATE %s)", what, error.sqlstate.c_str())));
}

// Queues what is recommended, best first, as long as it fits the budget.
void queue_recommendations() {
    const spi::Value budget =
        guc::storage_budget_mb < 0
            ? std::nullopt
            : spi::Value(spi::text(std::int64_t{guc::storage_budget_mb} * 1024 * 1024));
    const std::vector<spi::Row> affordable = worker_transaction([&] {
        return spi::run(
            "WITH taken AS (SELECT coalesce(sum(coalesce(pg_relation_size(c.oid), j.size_bytes)), "
            "0) "
            "AS bytes FROM triage.job j LEFT JOIN pg_class c ON c.oid = j.index_oid "
            "WHERE j.kind = 'create' AND j.status IN ('queued', 'running', 'verifying', 'kept')), "
            "planned AS (SELECT id, sum(size_bytes) OVER (ORDER BY rank, id) AS bytes "
            "FROM triage.recommendations WHERE status = 'open') "
            "SELECT planned.id FROM planned, taken WHERE $1::bigint IS NULL "
            "OR planned.bytes + taken.bytes <= $1::bigint ORDER BY planned.bytes",
            {budget});
    });
    for (const spi::Row &row : affordable) {
        try {
            worker_transaction(
                [&] { spi::run("SELECT triage.create_index($1::bigint)", {row[0]}); });
        } catch (const WorkerError &error) {
            log_failure("queue a recommended index", error);
        }
    }
}

void refresh_recommendations() {
    worker_area::note_refresh();
    try {
        const bool refreshed = worker_transaction([] {
            if (spi::run("SELECT 1 FROM pg_proc WHERE proname = 'refresh_recommendations' "
                         "AND pronamespace = 'triage'::regnamespace")
                    .empty())
                return false;
            spi::run("SELECT count(*) FROM triage.refresh_recommendations()");
            return true;
        });
        if (refreshed && guc::auto_index == static_cast<int>(guc::AutoIndex::Create))
            queue_recommendations();
    } catch (const WorkerError &error) {
        log_failure("refresh the recommendations", error);
    }
}

void watch_rounds() {
    do {
        worker_area::begin_round();
        if (!worker_transaction(jobs::exist) || !guc::enabled)
            return;
        worker_area::set_due(Worker::Watch, verifier::check_all());
        if (refresh_due() <= GetCurrentTimestamp())
            refresh_recommendations();
        worker_area::set_due(Worker::Watch, refresh_due());
        between_jobs();
    } while (guc::enabled && worker_area::round_is_due());
}

void build_rounds() {
    do {
        worker_area::begin_round();
        if (!worker_transaction(jobs::exist))
            return;
        worker_area::set_due(Worker::Build, from_now(routine_look_ms));
        recover_interrupted();
        work_off_queue();
        schedule_watch();
        if (guc::enabled && build_hours::minutes_until_open() == 0)
            worker_area::set_due(Worker::Build, worker_transaction(jobs::next_due));
        between_jobs();
    } while (guc::enabled && worker_area::round_is_due());
}

} // namespace
} // namespace triage

void pg_triage_build_worker_main(Datum argument) {
    using namespace triage;
    const Oid dbid = DatumGetObjectId(argument);
    if (start_worker(dbid, worker_area::Worker::Build))
        guard_sql(build_rounds);
    proc_exit(0);
}

void pg_triage_watch_worker_main(Datum argument) {
    using namespace triage;
    const Oid dbid = DatumGetObjectId(argument);
    if (start_worker(dbid, worker_area::Worker::Watch))
        guard_sql(watch_rounds);
    proc_exit(0);
}
