// Counting an execution in the store, inline: what each statement of each backend pays.
#pragma once

#include "pg/store_layout.h"

namespace triage::store {

// `max = std::max(max, value)`, giving up where others race to the same end.
inline void raise_to(Counter &max, std::uint64_t value) noexcept {
    std::uint64_t seen = max.load(std::memory_order_relaxed);
    for (int attempt = 0; attempt < 4 && value > seen; attempt++)
        if (max.compare_exchange_weak(seen, value, std::memory_order_relaxed))
            return;
}

// Whether the slot still belongs to what the handle, which is not null, was made for.
inline bool is_current(StatementHandle handle) noexcept {
    if (faults::hits(faults::Point::statement_full) || faults::hits(faults::Point::statement_busy))
        return false;
    return handle.slot->generation.load(std::memory_order_relaxed) == handle.generation;
}

inline bool is_current(PlanHandle handle) noexcept {
    if (faults::hits(faults::Point::plan_full))
        return false;
    return handle.slot->generation.load(std::memory_order_relaxed) == handle.generation;
}

// Which room an execution that took so long gives its statement a claim to.
inline Room room_for(std::uint64_t ns) noexcept {
    return segment.header && ns >= segment.header->long_ns.load(std::memory_order_relaxed)
               ? Room::Reserve
               : Room::Common;
}

template <class Slot> std::uint64_t times_sampled(Handle<Slot> handle) noexcept {
    return handle.slot->sampled.load(std::memory_order_relaxed);
}

// `bucket`: that of LatencyBuckets for `ns`.
inline void count_execution(StatementHandle statement, std::uint64_t ns, int bucket,
                            std::uint64_t rows, TimestampTz at) noexcept {
    StatementSlot &slot = *statement.slot;
    if (slot.low[bucket].fetch_add(1, std::memory_order_relaxed) == UINT32_MAX)
        slot.high[bucket].fetch_add(1, std::memory_order_relaxed);
    slot.total_ns.fetch_add(ns, std::memory_order_relaxed);
    if (rows != 0)
        slot.rows.fetch_add(rows, std::memory_order_relaxed);
    raise_to(slot.max_ns, ns);
    slot.last_seen.store(at, std::memory_order_relaxed);
}

inline void count_plan(PlanHandle plan, std::uint64_t ns, int bucket, TimestampTz at) noexcept {
    PlanSlot &slot = *plan.slot;
    slot.executions.fetch_add(1, std::memory_order_relaxed);
    std::atomic<std::uint32_t> &count = slot.counts[CoarseBuckets::bucket_of(bucket)];
    if (count.fetch_add(1, std::memory_order_relaxed) == UINT32_MAX)
        count.store(UINT32_MAX, std::memory_order_relaxed);
    slot.total_ns.fetch_add(ns, std::memory_order_relaxed);
    slot.last_seen.store(at, std::memory_order_relaxed);
}

} // namespace triage::store
