#include "pg/worker_area.h"

#include "pg/guard.h"

#include <csignal>

PG_HEADERS_BEGIN
#include "access/xact.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"
PG_HEADERS_END

namespace triage::worker_area {

namespace {

struct WorkerSlot {
    TimestampTz due;  // DT_NOEND: nothing to do that is known of
    pid_t pid;        // 0: not running
    std::int64_t job; // may be interrupted on behalf of this job; 0: not now
    Stop stop;        // who interrupted it
};

struct DatabaseSlot {
    Oid dbid; // InvalidOid: free
    TimestampTz last_refresh;
    WorkerSlot workers[worker_kinds];
};

struct Area {
    Latch *launcher; // null: not running
    DatabaseSlot databases[max_databases];
};
static_assert(std::is_trivially_copyable_v<Area>);

Area *area = nullptr;
LWLock *lock = nullptr;
shmem_request_hook_type previous_request_hook = nullptr;
shmem_startup_hook_type previous_startup_hook = nullptr;

// The slot of this process, if it is a database worker.
WorkerSlot *my_slot = nullptr;
DatabaseSlot *my_database = nullptr;

// What the current transaction asks for when it commits. A cancel is forgotten if its
// subtransaction rolls back; one too many for the list is noticed by the worker a little later.
struct PendingCancel {
    SubTransactionId subtransaction;
    std::int64_t job;
};
constexpr int max_pending_cancels = 16;
bool pending_requests[worker_kinds];
bool request_pending = false; // one of them at least
PendingCancel pending_cancels[max_pending_cancels];
int pending_cancel_count = 0;

constexpr const char *tranche_name = "pg_triage workers";

void request_shared_memory() {
    if (previous_request_hook)
        previous_request_hook();
    RequestAddinShmemSpace(MAXALIGN(sizeof(Area)));
    RequestNamedLWLockTranche(tranche_name, 1);
}

void forget(WorkerSlot &slot) {
    slot = {DT_NOEND, 0, 0, Stop::None};
}

void start_shared_memory() {
    if (previous_startup_hook)
        previous_startup_hook();
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    bool found;
    area = static_cast<Area *>(ShmemInitStruct("pg_triage workers", sizeof(Area), &found));
    if (!found) {
        area->launcher = nullptr;
        for (DatabaseSlot &database : area->databases) {
            database.dbid = InvalidOid;
            database.last_refresh = 0;
            for (WorkerSlot &slot : database.workers)
                forget(slot);
        }
    }
    lock = &GetNamedLWLockTranche(tranche_name)->lock;
    LWLockRelease(AddinShmemInitLock);
}

// The callers below hold the lock.

DatabaseSlot *find(Oid dbid) {
    for (DatabaseSlot &database : area->databases)
        if (database.dbid == dbid)
            return &database;
    return nullptr;
}

DatabaseSlot *find_or_add(Oid dbid) {
    if (DatabaseSlot *database = find(dbid))
        return database;
    DatabaseSlot *database = find(InvalidOid);
    if (database) {
        database->dbid = dbid;
        database->last_refresh = GetCurrentTimestamp();
        for (WorkerSlot &slot : database->workers)
            forget(slot);
    }
    return database;
}

void interrupt_slot(WorkerSlot &slot, Stop reason) {
    if (slot.pid == 0 || slot.job == 0)
        return;
    if (slot.stop == Stop::None)
        slot.stop = reason;
    kill(slot.pid, SIGINT);
}

void forget_pending() {
    request_pending = false;
    for (bool &pending : pending_requests)
        pending = false;
    pending_cancel_count = 0;
}

void do_pending() {
    LWLockAcquire(lock, LW_EXCLUSIVE);
    if (DatabaseSlot *database = find_or_add(MyDatabaseId)) {
        const TimestampTz now = GetCurrentTimestamp();
        for (int kind = 0; kind < worker_kinds; kind++)
            if (pending_requests[kind])
                database->workers[kind].due = std::min(database->workers[kind].due, now);
        for (int i = 0; i < pending_cancel_count; i++)
            for (WorkerSlot &slot : database->workers)
                if (slot.job == pending_cancels[i].job)
                    interrupt_slot(slot, Stop::Cancel);
    }
    Latch *launcher = area->launcher;
    LWLockRelease(lock);
    if (launcher)
        SetLatch(launcher);
}

bool anything_pending() {
    return pending_cancel_count > 0 || request_pending;
}

void at_transaction_end(XactEvent event, void *) {
    // A prepared transaction is committed by another session: what it queued waits for the worker's
    // next look.
    if (!anything_pending() ||
        (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE))
        return;
    if (event == XACT_EVENT_COMMIT)
        do_pending();
    forget_pending();
}

void at_subtransaction_end(SubXactEvent event, SubTransactionId mine, SubTransactionId parent,
                           void *) {
    if (pending_cancel_count == 0)
        return;
    if (event == SUBXACT_EVENT_COMMIT_SUB) {
        for (int i = 0; i < pending_cancel_count; i++)
            if (pending_cancels[i].subtransaction == mine)
                pending_cancels[i].subtransaction = parent;
    } else if (event == SUBXACT_EVENT_ABORT_SUB) {
        int kept = 0;
        for (int i = 0; i < pending_cancel_count; i++)
            if (pending_cancels[i].subtransaction != mine)
                pending_cancels[kept++] = pending_cancels[i];
        pending_cancel_count = kept;
    }
}

// With the first thing that waits for a commit: most sessions never ask for any.
void watch_transactions() {
    static bool watching = false;
    if (watching)
        return;
    call_server([] {
        RegisterXactCallback(at_transaction_end, nullptr);
        RegisterSubXactCallback(at_subtransaction_end, nullptr);
    });
    watching = true;
}

// A worker that failed is started again after a while.
constexpr std::int64_t restart_after_failure_ms = 60 * 1000;

void detach(int code, Datum) {
    LWLockAcquire(lock, LW_EXCLUSIVE);
    if (code != 0)
        my_slot->due =
            std::min(my_slot->due,
                     TimestampTzPlusMilliseconds(GetCurrentTimestamp(), restart_after_failure_ms));
    my_slot->pid = 0;
    my_slot->job = 0;
    my_slot->stop = Stop::None;
    Latch *launcher = area->launcher;
    LWLockRelease(lock);
    if (launcher)
        SetLatch(launcher);
}

void detach_launcher(int, Datum) {
    LWLockAcquire(lock, LW_EXCLUSIVE);
    area->launcher = nullptr;
    LWLockRelease(lock);
}

} // namespace

const char *name_of(Worker worker) {
    return worker == Worker::Build ? "build" : "watch";
}

void install() {
    previous_request_hook = shmem_request_hook;
    shmem_request_hook = request_shared_memory;
    previous_startup_hook = shmem_startup_hook;
    shmem_startup_hook = start_shared_memory;
}

bool available() {
    return area != nullptr;
}

void request_at_commit(Worker worker) {
    watch_transactions();
    request_pending |= pending_requests[static_cast<int>(worker)] = available();
}

void cancel_at_commit(std::int64_t job) {
    watch_transactions();
    if (available() && pending_cancel_count < max_pending_cancels)
        pending_cancels[pending_cancel_count++] = {GetCurrentSubTransactionId(), job};
}

bool attach(Oid dbid, Worker worker) {
    LWLockAcquire(lock, LW_EXCLUSIVE);
    DatabaseSlot *database = find_or_add(dbid);
    const bool is_free = database && database->workers[static_cast<int>(worker)].pid == 0;
    if (is_free) {
        my_database = database;
        my_slot = &database->workers[static_cast<int>(worker)];
        my_slot->pid = MyProcPid;
        my_slot->job = 0;
        my_slot->stop = Stop::None;
    }
    LWLockRelease(lock);
    if (is_free)
        before_shmem_exit(detach, 0);
    return is_free;
}

void begin_round() {
    LWLockAcquire(lock, LW_EXCLUSIVE);
    my_slot->due = DT_NOEND;
    LWLockRelease(lock);
}

void set_due(Worker worker, TimestampTz due) {
    WorkerSlot &slot = my_database->workers[static_cast<int>(worker)];
    LWLockAcquire(lock, LW_EXCLUSIVE);
    slot.due = std::min(slot.due, due);
    Latch *launcher = area->launcher;
    LWLockRelease(lock);
    if (launcher)
        SetLatch(launcher);
}

TimestampTz last_refresh() {
    LWLockAcquire(lock, LW_SHARED);
    const TimestampTz at = my_database->last_refresh;
    LWLockRelease(lock);
    return at;
}

void note_refresh() {
    LWLockAcquire(lock, LW_EXCLUSIVE);
    my_database->last_refresh = GetCurrentTimestamp();
    LWLockRelease(lock);
}

bool round_is_due() {
    LWLockAcquire(lock, LW_SHARED);
    const TimestampTz due = my_slot->due;
    LWLockRelease(lock);
    return due <= GetCurrentTimestamp();
}

void begin_interruptible(std::int64_t job) {
    LWLockAcquire(lock, LW_EXCLUSIVE);
    my_slot->job = job;
    my_slot->stop = Stop::None;
    LWLockRelease(lock);
}

Stop end_interruptible() {
    LWLockAcquire(lock, LW_EXCLUSIVE);
    const Stop stop = my_slot->stop;
    my_slot->job = 0;
    my_slot->stop = Stop::None;
    LWLockRelease(lock);
    QueryCancelPending = false; // one that came too late must not hit what follows
    return stop;
}

void attach_launcher() {
    LWLockAcquire(lock, LW_EXCLUSIVE);
    area->launcher = MyLatch;
    LWLockRelease(lock);
    before_shmem_exit(detach_launcher, 0);
}

void set_databases(std::span<const Oid> databases) {
    const TimestampTz now = GetCurrentTimestamp();
    LWLockAcquire(lock, LW_EXCLUSIVE);
    for (DatabaseSlot &database : area->databases) {
        const bool is_gone =
            database.dbid != InvalidOid &&
            std::find(databases.begin(), databases.end(), database.dbid) == databases.end();
        const bool is_served = std::any_of(std::begin(database.workers), std::end(database.workers),
                                           [](const WorkerSlot &slot) { return slot.pid != 0; });
        if (is_gone && !is_served)
            database.dbid = InvalidOid;
    }
    for (Oid dbid : databases)
        if (!find(dbid))
            if (DatabaseSlot *database = find_or_add(dbid))
                database->workers[static_cast<int>(Worker::Build)].due = now;
    LWLockRelease(lock);
}

int read(DatabaseView *views) {
    int count = 0;
    LWLockAcquire(lock, LW_SHARED);
    for (const DatabaseSlot &database : area->databases) {
        if (database.dbid == InvalidOid)
            continue;
        DatabaseView &view = views[count++];
        view.dbid = database.dbid;
        for (int kind = 0; kind < worker_kinds; kind++) {
            view.due[kind] = database.workers[kind].due;
            view.pid[kind] = database.workers[kind].pid;
            view.busy[kind] = database.workers[kind].job != 0;
        }
    }
    LWLockRelease(lock);
    return count;
}

void set_due_of(Oid dbid, Worker worker, TimestampTz due) {
    LWLockAcquire(lock, LW_EXCLUSIVE);
    if (DatabaseSlot *database = find(dbid))
        database->workers[static_cast<int>(worker)].due = due;
    LWLockRelease(lock);
}

void set_all_due() {
    const TimestampTz now = GetCurrentTimestamp();
    LWLockAcquire(lock, LW_EXCLUSIVE);
    for (DatabaseSlot &database : area->databases)
        for (WorkerSlot &slot : database.workers)
            slot.due = std::min(slot.due, now);
    LWLockRelease(lock);
}

void interrupt(pid_t pid, Stop reason) {
    LWLockAcquire(lock, LW_EXCLUSIVE);
    for (DatabaseSlot &database : area->databases)
        for (WorkerSlot &slot : database.workers)
            if (slot.pid == pid)
                interrupt_slot(slot, reason);
    LWLockRelease(lock);
}

void interrupt_all(Stop reason) {
    LWLockAcquire(lock, LW_EXCLUSIVE);
    for (DatabaseSlot &database : area->databases)
        for (WorkerSlot &slot : database.workers)
            interrupt_slot(slot, reason);
    LWLockRelease(lock);
}

} // namespace triage::worker_area
