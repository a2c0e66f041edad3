// The reading side of the store: consistent copies of slots, and what other rooms make of them.
#include "pg/store.h"

#include "pg/guc.h"
#include "pg/store_layout.h"

#include <cstring>
#include <tuple>

namespace triage::store {

namespace {

constexpr double ns_a_ms = 1e6;

// Calls `visit(record)` for each used slot of an array.
template <class Record, class Copy, class Visit>
void for_each(const SlotDirectory &directory, Copy copy, Visit visit) {
    Record record;
    for (std::uint32_t slot = 0; slot < directory.slots(); slot++)
        if (directory.is_ready(slot) && copy(slot, record))
            visit(record);
}

bool of_database(const StatementKey &key, Oid dbid) {
    return !OidIsValid(dbid) || key.dbid == dbid;
}

StatementStats statement_stats(const store_image::StatementRecord &record) {
    StatementStats stats;
    stats.key = record.key;
    for (int i = 0; i < LatencyBuckets::count; i++)
        stats.latency.counts[i] = record.counts[i];
    stats.latency.total_ms = static_cast<double>(record.total_ns) / ns_a_ms;
    stats.calls = stats.latency.executions();
    stats.sampled = record.sampled;
    stats.generic_plans = record.generic_plans;
    stats.rows = record.rows;
    stats.max_ms = static_cast<double>(record.max_ns) / ns_a_ms;
    stats.first_seen = record.first_seen;
    stats.last_seen = record.last_seen;
    stats.main_relation = record.main_relation;
    stats.current_plan = record.current_plan;
    stats.habits = record.habits;
    return stats;
}

ClauseStats clause_stats(const ScanTotals &totals, std::uint32_t number) {
    const ClauseTotals &clause = totals.clauses[number];
    ClauseStats stats;
    stats.attribute = clause.identity.attribute;
    stats.opno = clause.identity.opno;
    stats.op = clause.identity.op;
    stats.operand = clause.identity.operand;
    stats.estimates = clause.estimates;
    stats.withheld = clause.withheld;
    if (clause.estimates > 0) {
        stats.mean_selectivity = clause.selectivity_sum / static_cast<double>(clause.estimates);
        stats.worst_selectivity = clause.worst_selectivity;
    }
    for (std::uint32_t v = 0; v < totals.value_count; v++) {
        const KeptValue &value = totals.values[v];
        if (value.clause != number)
            continue;
        // k may have been raised since the value was let in.
        if (value.sharing_rows >= guc::min_shared_rows)
            stats.values.push_back({value.text, value.executions});
        else
            stats.withheld += value.executions;
    }
    return stats;
}

ScanStats scan_stats(const store_image::ScanRecord &record) {
    const ScanTotals &totals = record.totals;
    ScanStats stats;
    stats.userid = record.key.userid;
    stats.dbid = record.key.dbid;
    stats.queryid = record.key.queryid;
    stats.relid = record.relation;
    for (std::uint32_t i = 0; i < totals.clause_count; i++)
        stats.clauses.push_back(clause_stats(totals, i));
    stats.ranges.assign(totals.ranges, totals.ranges + totals.range_count);
    stats.executions = totals.executions;
    stats.sequential = totals.sequential;
    stats.sorted = totals.sorted;
    stats.limited = totals.limited;
    if (totals.executions > 0) {
        const auto executions = static_cast<double>(totals.executions);
        stats.estimated_rows = totals.estimated_rows / executions;
        stats.actual_rows = totals.actual_rows / executions;
        stats.rows_removed = totals.rows_removed / executions;
    }
    return stats;
}

PlanStats plan_stats(const store_image::PlanRecord &record) {
    PlanStats stats;
    stats.key = record.key;
    stats.planid = record.planid;
    stats.executions = record.executions;
    stats.first_seen = record.first_seen;
    stats.last_seen = record.last_seen;
    stats.taken_up = record.taken_up;
    stats.succeeded = record.succeeded;
    stats.times_taken_up = record.times_taken_up;
    for (int i = 0; i < CoarseBuckets::count; i++)
        stats.latency.counts[CoarseBuckets::middle(i)] = record.counts[i];
    stats.latency.total_ms = static_cast<double>(record.total_ns) / ns_a_ms;
    stats.shape = record.shape;
    return stats;
}

// A key may, rarely, have two slots (core/slot_directory.h): adds up neighbours of a sorted list.
template <class Item, class Same, class Merge>
void merge_neighbours(std::vector<Item> &items, Same same, Merge merge) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < items.size(); i++) {
        if (kept > 0 && same(items[kept - 1], items[i]))
            merge(items[kept - 1], items[i]);
        else if (kept++ != i)
            items[kept - 1] = std::move(items[i]);
    }
    items.resize(kept);
}

} // namespace

bool copy_statement(std::uint32_t number, store_image::StatementRecord &record) noexcept {
    const StatementSlot &slot = segment.statements[number];
    const std::uint32_t generation = slot.generation.load(std::memory_order_acquire);
    record.key = slot.key;
    record.main_relation = slot.main_relation.load(std::memory_order_relaxed);
    record.rows = slot.rows.load(std::memory_order_relaxed);
    record.sampled = slot.sampled.load(std::memory_order_relaxed);
    record.generic_plans = slot.generic_plans.load(std::memory_order_relaxed);
    record.current_plan = slot.current_plan.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < std::size(slot.habits); i++)
        record.habits.counts[i] = slot.habits[i].load(std::memory_order_relaxed);
    record.total_ns = slot.total_ns.load(std::memory_order_relaxed);
    record.max_ns = slot.max_ns.load(std::memory_order_relaxed);
    record.first_seen = slot.first_seen;
    record.last_seen = slot.last_seen.load(std::memory_order_relaxed);
    // As blocks, a fifth of the work; a machine word is copied whole.
    std::uint32_t low[LatencyBuckets::count];
    std::uint8_t high[LatencyBuckets::count];
    std::memcpy(low, static_cast<const void *>(slot.low), sizeof low);
    std::memcpy(high, static_cast<const void *>(slot.high), sizeof high);
    for (int i = 0; i < LatencyBuckets::count; i++)
        record.counts[i] = static_cast<std::uint64_t>(high[i]) << 32 | low[i];
    std::atomic_thread_fence(std::memory_order_acquire);
    return segment.statement_directory.is_ready(number) &&
           slot.generation.load(std::memory_order_relaxed) == generation;
}

bool copy_scan(std::uint32_t number, store_image::ScanRecord &record) noexcept {
    const ScanSlot &slot = segment.scans[number];
    for (int attempt = 0; attempt < 1000; attempt++) {
        const std::uint32_t before = slot.sequence.load(std::memory_order_acquire);
        if (before & 1)
            continue;
        record.key = slot.key;
        record.relation = slot.relation;
        record.totals = slot.totals;
        std::atomic_thread_fence(std::memory_order_acquire);
        if (slot.sequence.load(std::memory_order_relaxed) == before)
            return segment.scan_directory.is_ready(number);
    }
    return false;
}

bool copy_plan(std::uint32_t number, store_image::PlanRecord &record) noexcept {
    const PlanSlot &slot = segment.plans[number];
    const std::uint32_t generation = slot.generation.load(std::memory_order_acquire);
    record.key = slot.key;
    record.planid = slot.planid;
    record.executions = slot.executions.load(std::memory_order_relaxed);
    record.sampled = slot.sampled.load(std::memory_order_relaxed);
    record.total_ns = slot.total_ns.load(std::memory_order_relaxed);
    record.first_seen = slot.first_seen;
    record.last_seen = slot.last_seen.load(std::memory_order_relaxed);
    record.taken_up = slot.taken_up.load(std::memory_order_relaxed);
    record.succeeded = slot.succeeded.load(std::memory_order_relaxed);
    record.times_taken_up = slot.times_taken_up.load(std::memory_order_relaxed);
    for (int i = 0; i < CoarseBuckets::count; i++)
        record.counts[i] = slot.counts[i].load(std::memory_order_relaxed);
    record.shape = slot.shape;
    std::atomic_thread_fence(std::memory_order_acquire);
    return segment.plan_directory.is_ready(number) &&
           slot.generation.load(std::memory_order_relaxed) == generation;
}

std::vector<StatementStats> read_statements(Oid dbid) {
    std::vector<StatementStats> all;
    if (!available())
        return all;
    for_each<store_image::StatementRecord>(segment.statement_directory, copy_statement,
                                           [&](const store_image::StatementRecord &record) {
                                               if (of_database(record.key, dbid))
                                                   all.push_back(statement_stats(record));
                                           });
    // Known from its start, but never finished.
    std::erase_if(all, [](const StatementStats &statement) { return statement.calls == 0; });
    std::sort(all.begin(), all.end(), [](const auto &a, const auto &b) { return a.key < b.key; });
    merge_neighbours(
        all, [](const auto &a, const auto &b) { return a.key == b.key; },
        [](StatementStats &into, const StatementStats &other) {
            into.calls += other.calls;
            into.sampled += other.sampled;
            into.generic_plans += other.generic_plans;
            into.rows += other.rows;
            into.max_ms = std::max(into.max_ms, other.max_ms);
            if (other.last_seen > into.last_seen)
                into.current_plan = other.current_plan;
            into.first_seen = std::min(into.first_seen, other.first_seen);
            into.last_seen = std::max(into.last_seen, other.last_seen);
            into.habits += other.habits;
            into.latency += other.latency;
        });
    return all;
}

std::vector<ScanStats> read_scans(Oid dbid) {
    std::vector<store_image::ScanRecord> records;
    std::vector<ScanStats> all;
    if (!available())
        return all;
    for_each<store_image::ScanRecord>(segment.scan_directory, copy_scan,
                                      [&](const store_image::ScanRecord &record) {
                                          if (of_database(record.key, dbid))
                                              records.push_back(record);
                                      });
    auto identity = [](const store_image::ScanRecord &record) {
        return std::make_tuple(record.key, record.relation, hash_of_clauses(record.totals));
    };
    std::sort(records.begin(), records.end(),
              [&](const auto &a, const auto &b) { return identity(a) < identity(b); });
    merge_neighbours(
        records, [&](const auto &a, const auto &b) { return identity(a) == identity(b); },
        [](store_image::ScanRecord &into, const store_image::ScanRecord &other) {
            into.totals.add(other.totals);
        });
    for (const store_image::ScanRecord &record : records)
        all.push_back(scan_stats(record));
    return all;
}

std::vector<PlanStats> read_plans(Oid dbid) {
    std::vector<PlanStats> all;
    if (!available())
        return all;
    for_each<store_image::PlanRecord>(segment.plan_directory, copy_plan,
                                      [&](const store_image::PlanRecord &record) {
                                          if (!of_database(record.key, dbid))
                                              return;
                                          all.push_back(plan_stats(record));
                                      });
    auto identity = [](const PlanStats &plan) { return std::make_pair(plan.key, plan.planid); };
    std::sort(all.begin(), all.end(),
              [&](const auto &a, const auto &b) { return identity(a) < identity(b); });
    merge_neighbours(
        all, [&](const auto &a, const auto &b) { return identity(a) == identity(b); },
        [](PlanStats &into, const PlanStats &other) {
            into.executions += other.executions;
            into.first_seen = std::min(into.first_seen, other.first_seen);
            into.last_seen = std::max(into.last_seen, other.last_seen);
            if (other.taken_up > into.taken_up) {
                into.taken_up = other.taken_up;
                into.succeeded = other.succeeded;
            }
            into.times_taken_up += other.times_taken_up;
            into.latency += other.latency;
        });
    return all;
}

} // namespace triage::store
