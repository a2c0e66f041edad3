#include "pg/launcher.h"

#include "pg/guard.h"
#include "pg/guc.h"
#include "pg/lock_watch.h"
#include "pg/store.h"
#include "pg/worker_area.h"
#include "pg/worker_loop.h"

PG_HEADERS_BEGIN
#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_database.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PGDLLEXPORT void pg_triage_launcher_main(Datum argument);
PG_HEADERS_END

namespace triage::launcher {

namespace {

using worker_area::DatabaseView;
using worker_area::Worker;

// Of the slots that max_worker_processes gives, at most so many are taken for each kind of worker.
constexpr int max_running = 2;
constexpr std::int64_t tick_ms = 1000;
// While a build runs it is looked so often whether it stands in somebody's way.
constexpr std::int64_t lock_watch_ms = 200;
constexpr std::int64_t scan_interval_ms = 60 * 1000;
// A worker that never comes up (no connection allowed, say) is tried again after this.
constexpr std::int64_t patience_ms = 60 * 1000;
constexpr std::int64_t no_slot_retry_ms = 5 * 1000;

struct Started {
    Oid dbid;
    Worker worker;
    BackgroundWorkerHandle *handle; // in TopMemoryContext; null: this entry is free
};

struct State {
    Started started[worker_area::worker_kinds * max_running] = {};
    TimestampTz next_scan = 0;
    TimestampTz last_save = 0;
    bool told_about_slots = false; // that max_worker_processes is exhausted
    bool was_enabled = true;
    DatabaseView databases[worker_area::max_databases];
};

// Databases in which a worker could have work. No more than the area's bound are returned, those
// with the lowest OIDs first come first.
int connectable_databases(Oid *databases) {
    int count = 0;
    StartTransactionCommand();
    PushActiveSnapshot(GetTransactionSnapshot());
    ::Relation catalog = table_open(DatabaseRelationId, AccessShareLock);
    TableScanDesc scan = table_beginscan_catalog(catalog, 0, nullptr);
    HeapTuple tuple;
    while ((tuple = heap_getnext(scan, ForwardScanDirection)) != nullptr &&
           count < worker_area::max_databases) {
        auto form = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple));
        // A limit below -1 marks a database whose DROP was interrupted.
        if (form->datallowconn && form->datconnlimit >= -1)
            databases[count++] = form->oid;
    }
    table_endscan(scan);
    table_close(catalog, AccessShareLock);
    PopActiveSnapshot();
    CommitTransactionCommand();
    return count;
}

void scan_databases(State &state) {
    static Oid databases[worker_area::max_databases];
    const int count = connectable_databases(databases);
    worker_area::set_databases({databases, static_cast<std::size_t>(count)});
    state.next_scan = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), scan_interval_ms);
}

void forget_stopped(State &state) {
    for (Started &started : state.started) {
        pid_t pid;
        if (started.handle && GetBackgroundWorkerPid(started.handle, &pid) == BGWH_STOPPED) {
            pfree(started.handle);
            started.handle = nullptr;
        }
    }
}

bool start(State &state, Started &entry, Oid dbid, Worker kind) {
    BackgroundWorker worker = {};
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
    worker.bgw_restart_time = BGW_NEVER_RESTART;
    snprintf(worker.bgw_library_name, sizeof(worker.bgw_library_name), "pg_triage");
    snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name), "pg_triage_%s_worker_main",
             name_of(kind));
    snprintf(worker.bgw_type, sizeof(worker.bgw_type), "pg_triage %s worker", name_of(kind));
    snprintf(worker.bgw_name, sizeof(worker.bgw_name), "pg_triage %s worker", name_of(kind));
    worker.bgw_main_arg = ObjectIdGetDatum(dbid);
    worker.bgw_notify_pid = MyProcPid;

    MemoryContext before = MemoryContextSwitchTo(TopMemoryContext);
    BackgroundWorkerHandle *handle = nullptr;
    const bool registered = RegisterDynamicBackgroundWorker(&worker, &handle);
    MemoryContextSwitchTo(before);

    if (registered) {
        entry = {dbid, kind, handle};
        state.told_about_slots = false;
    } else if (!state.told_about_slots) {
        state.told_about_slots = true;
        ereport(LOG, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
                      errmsg("pg_triage cannot start a worker: no background worker slot is free"),
                      errdetail("Index builds and verifications wait until one is."),
                      errhint("Consider increasing max_worker_processes.")));
    }
    return registered;
}

// Has builds give way that hold up others. Well before deadlock_timeout: a statement that waits for
// a build which waits for that statement's transaction must not be the one that fails. Returns true
// if any build runs.
bool watch_locks(State &state) {
    const int patience_ms = std::min(guc::lock_timeout_ms, DeadlockTimeout / 2);
    bool any_busy = false;
    const int count = worker_area::read(state.databases);
    for (int i = 0; i < count; i++)
        for (int kind = 0; kind < worker_area::worker_kinds; kind++) {
            const DatabaseView &database = state.databases[i];
            if (!database.busy[kind])
                continue;
            any_busy = true;
            if (lock_watch::stands_in_the_way(database.pid[kind], patience_ms))
                worker_area::interrupt(database.pid[kind], worker_area::Stop::Yield);
        }
    return any_busy;
}

// Starts what is due; returns when the next worker will be.
TimestampTz start_due_workers(State &state) {
    const TimestampTz now = GetCurrentTimestamp();
    TimestampTz next = DT_NOEND;
    const int count = worker_area::read(state.databases);
    for (int i = 0; i < count; i++)
        for (int kind = 0; kind < worker_area::worker_kinds; kind++) {
            const DatabaseView &database = state.databases[i];
            const auto worker = static_cast<Worker>(kind);
            Started *free_entry = nullptr;
            int running = 0;
            bool is_there = database.pid[kind] != 0;
            for (Started &started : state.started) {
                if (!started.handle)
                    free_entry = &started;
                else if (started.worker == worker) {
                    running++;
                    is_there = is_there || started.dbid == database.dbid;
                }
            }
            if (is_there) // its exit sets the latch
                continue;
            if (database.due[kind] > now) {
                next = std::min(next, database.due[kind]);
                continue;
            }
            if (running >= max_running || !free_entry)
                continue;
            worker_area::set_due_of(database.dbid, worker,
                                    TimestampTzPlusMilliseconds(now, patience_ms));
            if (!start(state, *free_entry, database.dbid, worker)) {
                const TimestampTz retry = TimestampTzPlusMilliseconds(now, no_slot_retry_ms);
                worker_area::set_due_of(database.dbid, worker, retry);
                next = std::min(next, retry);
            }
        }
    return next;
}

// The sampler's store, on standbys too.
void keep_statistics(State &state) {
    store::maintain();
    const TimestampTz now = GetCurrentTimestamp();
    if (state.last_save == 0)
        state.last_save = now; // just started: what there is came from the file
    if (guc::save_interval_s > 0 &&
        TimestampDifferenceExceeds(state.last_save, now, guc::save_interval_s * 1000)) {
        store::save(false);
        state.last_save = now;
    }
}

// Work that only a primary has; returns when there will be more.
TimestampTz serve_databases(State &state) {
    if (RecoveryInProgress())
        return DT_NOEND;
    forget_stopped(state);
    if (!guc::enabled) {
        if (state.was_enabled)
            worker_area::interrupt_all(worker_area::Stop::Disable);
        state.was_enabled = false;
        return DT_NOEND;
    }
    if (!state.was_enabled)
        worker_area::set_all_due();
    state.was_enabled = true;
    if (GetCurrentTimestamp() >= state.next_scan)
        scan_databases(state);
    const TimestampTz next = start_due_workers(state);
    return watch_locks(state)
               ? std::min(next, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), lock_watch_ms))
               : next;
}

void run() {
    static State state;
    worker_area::attach_launcher();
    while (!ShutdownRequestPending) {
        keep_statistics(state);
        const TimestampTz next = serve_databases(state);
        const long until_next = next == DT_NOEND
                                    ? tick_ms
                                    : TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next);
        WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
                  std::clamp<long>(until_next, 10, tick_ms), PG_WAIT_EXTENSION);
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
        if (ConfigReloadPending) {
            ConfigReloadPending = false;
            ProcessConfigFile(PGC_SIGHUP);
        }
    }
}

} // namespace

void install() {
    worker_area::install();
    BackgroundWorker worker = {};
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    worker.bgw_start_time = BgWorkerStart_ConsistentState;
    worker.bgw_restart_time = 1;
    snprintf(worker.bgw_library_name, sizeof(worker.bgw_library_name), "pg_triage");
    snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name), "pg_triage_launcher_main");
    snprintf(worker.bgw_type, sizeof(worker.bgw_type), "pg_triage launcher");
    snprintf(worker.bgw_name, sizeof(worker.bgw_name), "pg_triage launcher");
    RegisterBackgroundWorker(&worker);
}

} // namespace triage::launcher

void pg_triage_launcher_main(Datum) {
    triage::worker_loop::accept_signals();
    BackgroundWorkerInitializeConnection(nullptr, nullptr, 0);
    pgstat_report_appname("pg_triage launcher");
    triage::launcher::run();
    triage::worker_loop::leave();
}
