// The store's shared memory, byte by byte; only pg/store* include this.
//
// Locking contract:
//  - Statements and plans are counted by relaxed atomic additions through a slot number and the
//    slot's generation. Recycling a slot raises its generation; an addition that races with that
//    may be counted for the slot's next owner (one execution; accepted).
//  - A scan's totals change under its sequence number: odd while being written. A writer that finds
//    it odd gives up after a few tries and counts that; a reader reads again until it saw the same
//    even number before and after. Nobody waits, nothing can raise while it is odd.
//  - The LWLock `maintenance` keeps the rare passes over everything (evict, reset, forget, save)
//    apart from each other. No executor ever takes it.
#pragma once

#include "core/eviction.h"
#include "core/slot_directory.h"
#include "pg/faults.h"
#include "pg/store.h"

PG_HEADERS_BEGIN
#include "storage/lwlock.h"
PG_HEADERS_END

namespace triage::store {

static_assert(std::atomic<std::uint64_t>::is_always_lock_free &&
              std::atomic<std::uint32_t>::is_always_lock_free);

using Counter = std::atomic<std::uint64_t>;

// A histogram bucket of 40 bits in five bytes: the low word carries into the high one.
struct alignas(64) StatementSlot {
    // First cache line: all that a counted execution touches beside its bucket.
    std::atomic<std::uint32_t> generation;
    std::atomic<std::uint32_t> main_relation;
    Counter total_ns;
    Counter max_ns;
    Counter rows;
    std::atomic<std::int64_t> last_seen;
    Counter sampled;
    StatementKey key;

    Counter generic_plans;
    Counter current_plan; // its id; 0: none yet
    std::int64_t first_seen;
    // Of the last eviction pass only (under `maintenance`).
    std::uint64_t total_ns_then;
    double heat;

    Counter habits[static_cast<std::size_t>(Habit::Count)];
    std::atomic<std::uint32_t> low[LatencyBuckets::count];
    std::atomic<std::uint8_t> high[LatencyBuckets::count];
};

struct alignas(64) ScanSlot {
    std::atomic<std::uint32_t> sequence;
    Oid relation;
    StatementKey key;
    std::uint64_t clauses_hash;
    std::uint64_t executions_then;
    double heat;
    ScanTotals totals;
};

struct alignas(64) PlanSlot {
    std::atomic<std::uint32_t> generation;
    StatementKey key;
    std::uint64_t planid;
    Counter executions;
    Counter total_ns;
    Counter sampled;
    std::atomic<std::int64_t> last_seen;
    std::int64_t first_seen;
    std::uint64_t executions_then;
    double heat;
    std::atomic<std::int64_t> taken_up;
    Counter succeeded, times_taken_up;
    std::atomic<std::uint32_t> counts[CoarseBuckets::count]; // a full one stays full
    PlanShape shape;
};

// One of several, so that backends that lose at the same time do not take turns at it.
struct alignas(64) Losses {
    std::array<Counter, static_cast<std::size_t>(Loss::Count)> counts;
};

// How many slots have an owner. Written where some get one, read where others find none.
struct alignas(64) Used {
    std::atomic<std::uint32_t> statements, scans, plans;
};

struct alignas(64) Header {
    LWLock *maintenance;
    std::uint64_t bytes;
    std::uint32_t statement_slots, scan_slots, plan_slots;
    // Raised whenever a column's label changes: values decided on before are not to be stored any
    // more.
    std::atomic<std::uint32_t> label_epoch;
    // An execution that took so long gives its statement a claim to the reserve: what half of the
    // statements did not take together of late, and more with each slot of the reserve that goes.
    Counter long_ns;
    std::atomic<std::int64_t> stats_since;
    std::atomic<std::int64_t> last_saved;
    std::atomic<std::int64_t> last_maintained;
    std::atomic<bool> file_set_aside;
    std::atomic<bool> save_failed;
    EvictionPace pace; // under `maintenance`
    Used used;
    std::array<Losses, 16> losses; // by process
};

// The arrays, as this process sees them.
struct Segment {
    Header *header = nullptr;
    StatementSlot *statements = nullptr;
    ScanSlot *scans = nullptr;
    PlanSlot *plans = nullptr;
    SlotDirectory statement_directory, scan_directory, plan_directory;
};

extern Segment segment;

std::uint64_t hash_of(const StatementKey &key) noexcept;
void add_losses(Loss loss, std::uint64_t count) noexcept;

// Copies of one slot; false if it is free or being recycled.
bool copy_statement(std::uint32_t slot, store_image::StatementRecord &record) noexcept;
bool copy_scan(std::uint32_t slot, store_image::ScanRecord &record) noexcept;
bool copy_plan(std::uint32_t slot, store_image::PlanRecord &record) noexcept;

// Puts back what a file held; only while nobody else looks (startup).
void restore(const store_image::StatementRecord &record) noexcept;
void restore(const store_image::ScanRecord &record) noexcept;
void restore(const store_image::PlanRecord &record) noexcept;

// Runs `change(slot)` with the scan slot's sequence odd; false if another writer holds it.
template <class Change> bool change_scan(std::uint32_t slot, const Change &change) noexcept {
    if (faults::hits(faults::Point::scan_busy))
        return false;
    std::atomic<std::uint32_t> &sequence = segment.scans[slot].sequence;
    for (int attempt = 0; attempt < 100; attempt++) {
        std::uint32_t even = sequence.load(std::memory_order_relaxed);
        if ((even & 1) == 0 &&
            sequence.compare_exchange_weak(even, even + 1, std::memory_order_acq_rel)) {
            std::atomic_thread_fence(std::memory_order_release);
            change(segment.scans[slot]);
            sequence.store(even + 2, std::memory_order_release);
            return true;
        }
    }
    return false;
}

// Holds `maintenance` for the scope. Releasing raises nothing; acquiring waits, so not in a hook.
class MaintenanceLock {
  public:
    explicit MaintenanceLock(LWLockMode mode) { LWLockAcquire(segment.header->maintenance, mode); }
    ~MaintenanceLock() { LWLockRelease(segment.header->maintenance); }
    MaintenanceLock(const MaintenanceLock &) = delete;
    MaintenanceLock &operator=(const MaintenanceLock &) = delete;
};

} // namespace triage::store
