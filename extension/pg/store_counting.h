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

// Whether the slot still belongs to the statement that the handle was made for.
inline bool is_current_statement(Handle handle) noexcept {
    if (faults::hits(faults::Point::statement_full) || faults::hits(faults::Point::statement_busy))
        return false;
    return segment.statements[handle.slot].generation.load(std::memory_order_relaxed) ==
           handle.generation;
}

inline bool is_current_plan(Handle handle) noexcept {
    if (faults::hits(faults::Point::plan_full))
        return false;
    return segment.plans[handle.slot].generation.load(std::memory_order_relaxed) ==
           handle.generation;
}

inline std::uint64_t times_sampled(Handle statement) noexcept {
    return segment.statements[statement.slot].sampled.load(std::memory_order_relaxed);
}

// `bucket`: that of LatencyBuckets for `ns`.
inline void count_execution(Handle statement, std::uint64_t ns, int bucket, std::uint64_t rows,
                            TimestampTz at) noexcept {
    StatementSlot &slot = segment.statements[statement.slot];
    if (slot.low[bucket].fetch_add(1, std::memory_order_relaxed) == UINT32_MAX)
        slot.high[bucket].fetch_add(1, std::memory_order_relaxed);
    slot.total_ns.fetch_add(ns, std::memory_order_relaxed);
    if (rows != 0)
        slot.rows.fetch_add(rows, std::memory_order_relaxed);
    raise_to(slot.max_ns, ns);
    slot.last_seen.store(at, std::memory_order_relaxed);
}

// Returns how often the plan was sampled.
inline std::uint64_t count_plan(Handle plan, std::uint64_t ns, int bucket, bool sampled,
                                TimestampTz at) noexcept {
    PlanSlot &slot = segment.plans[plan.slot];
    slot.executions.fetch_add(1, std::memory_order_relaxed);
    std::atomic<std::uint32_t> &count = slot.counts[CoarseBuckets::bucket_of(bucket)];
    if (count.fetch_add(1, std::memory_order_relaxed) == UINT32_MAX)
        count.store(UINT32_MAX, std::memory_order_relaxed);
    slot.total_ns.fetch_add(ns, std::memory_order_relaxed);
    slot.last_seen.store(at, std::memory_order_relaxed);
    return sampled ? slot.sampled.fetch_add(1, std::memory_order_relaxed) + 1
                   : slot.sampled.load(std::memory_order_relaxed);
}

} // namespace triage::store
