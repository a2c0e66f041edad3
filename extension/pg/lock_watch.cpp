#include "pg/lock_watch.h"

PG_HEADERS_BEGIN
#include "storage/lock.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
PG_HEADERS_END

namespace triage::lock_watch {

namespace {

bool is_same(const LOCKTAG &a, const LOCKTAG &b) {
    return memcmp(&a, &b, sizeof(LOCKTAG)) == 0;
}

bool is_impatient(const LockInstanceData &waiter, TimestampTz since) {
    return waiter.locktag.locktag_type == LOCKTAG_RELATION && waiter.waitLockMode >= ShareLock &&
           waiter.waitStart != 0 && waiter.waitStart <= since;
}

bool find(const LockData &locks, pid_t holder, TimestampTz since) {
    const std::span<const LockInstanceData> all(locks.locks,
                                                static_cast<std::size_t>(locks.nelements));
    return std::any_of(all.begin(), all.end(), [&](const LockInstanceData &waiter) {
        return waiter.pid != holder && is_impatient(waiter, since) &&
               std::any_of(all.begin(), all.end(), [&](const LockInstanceData &lock) {
                   return lock.pid == holder && lock.holdMask != 0 &&
                          is_same(lock.locktag, waiter.locktag);
               });
    });
}

} // namespace

bool stands_in_the_way(pid_t holder, int patience_ms) {
    MemoryContext scratch =
        AllocSetContextCreate(CurrentMemoryContext, "pg_triage locks", ALLOCSET_DEFAULT_SIZES);
    MemoryContext before = MemoryContextSwitchTo(scratch);
    const TimestampTz since = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), -patience_ms);
    const bool found = find(*GetLockStatusData(), holder, since);
    MemoryContextSwitchTo(before);
    MemoryContextDelete(scratch);
    return found;
}

} // namespace triage::lock_watch
