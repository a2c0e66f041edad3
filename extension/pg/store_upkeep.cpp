// The rare passes over the whole store: eviction, reset, forgetting values, state. None runs in an
// executor; they are kept apart from each other by the lock `maintenance`.
#include "pg/store.h"

#include "pg/store_file.h"
#include "pg/store_layout.h"

#include <cmath>

PG_HEADERS_BEGIN
#include "utils/timestamp.h"
PG_HEADERS_END

namespace triage::store {

namespace {

// Eviction begins above the first share of used slots and ends at the second.
constexpr double crowded = 0.85, comfortable = 0.75;

// What a slot did loses half of its weight in this time.
constexpr double half_life_s = 3600;

// Between two passes over all slots, unless slots get scarce before.
constexpr double pass_interval_s = EvictionPace::longest_s;

// How the pass below reads, and frees, a slot of one of the three arrays.
struct StatementArray {
    static SlotDirectory &directory() { return segment.statement_directory; }
    static StatementSlot &slot(std::uint32_t number) { return segment.statements[number]; }
    // Time spent.
    static std::uint64_t work(const StatementSlot &slot) {
        return slot.total_ns.load(std::memory_order_relaxed);
    }
    static std::uint64_t &work_then(StatementSlot &slot) { return slot.total_ns_then; }
    static bool free(std::uint32_t number) {
        segment.statements[number].generation.fetch_add(1, std::memory_order_acq_rel);
        directory().remove(number);
        return true;
    }
};

struct ScanArray {
    static SlotDirectory &directory() { return segment.scan_directory; }
    static ScanSlot &slot(std::uint32_t number) { return segment.scans[number]; }
    static std::uint64_t work(const ScanSlot &slot) { return slot.totals.executions; }
    static std::uint64_t &work_then(ScanSlot &slot) { return slot.executions_then; }
    static bool free(std::uint32_t number) {
        return change_scan(number, [&](ScanSlot &slot) {
            slot.key = StatementKey{};
            slot.relation = InvalidOid;
            slot.totals = ScanTotals{};
            directory().remove(number);
        });
    }
};

struct PlanArray {
    static SlotDirectory &directory() { return segment.plan_directory; }
    static PlanSlot &slot(std::uint32_t number) { return segment.plans[number]; }
    static std::uint64_t work(const PlanSlot &slot) {
        return slot.executions.load(std::memory_order_relaxed);
    }
    static std::uint64_t &work_then(PlanSlot &slot) { return slot.executions_then; }
    static bool free(std::uint32_t number) {
        segment.plans[number].generation.fetch_add(1, std::memory_order_acq_rel);
        directory().remove(number);
        return true;
    }
};

template <class Array> bool is_crowded() {
    return Array::directory().used() > crowded * Array::directory().slots();
}

// Adds what was done since the last pass to each slot's heat.
template <class Array> HeatCensus cool(double decay) {
    HeatCensus census;
    for (std::uint32_t i = 0; i < Array::directory().slots(); i++) {
        if (!Array::directory().is_ready(i))
            continue;
        auto &slot = Array::slot(i);
        const std::uint64_t work = Array::work(slot);
        std::uint64_t &then = Array::work_then(slot);
        const bool newcomer = slot.heat == 0;
        slot.heat = slot.heat * decay + static_cast<double>(work > then ? work - then : 0);
        then = work;
        census.count(slot.heat, newcomer);
    }
    return census;
}

// If slots get scarce, frees the coldest.
template <class Array> HeatCensus::Coldest evict(const HeatCensus &census) {
    const std::uint32_t slots = Array::directory().slots();
    if (census.slots() <= crowded * slots)
        return {};
    const auto coldest =
        census.coldest(static_cast<std::uint32_t>(census.slots() - comfortable * slots));
    std::uint32_t freed = 0;
    for (int pass = 0; pass < 2 && freed < coldest.slots; pass++)
        for (std::uint32_t i = 0; i < slots && freed < coldest.slots; i++) {
            if (!Array::directory().is_ready(i))
                continue;
            const int here = HeatCensus::level_of(Array::slot(i).heat);
            if ((pass == 0 ? here < coldest.level : here == coldest.level) && Array::free(i))
                freed++;
        }
    return coldest;
}

template <class Array> void free_all() {
    for (std::uint32_t i = 0; i < Array::directory().slots(); i++)
        if (Array::directory().is_ready(i))
            Array::free(i);
}

} // namespace

void maintain() {
    if (!available())
        return;
    MaintenanceLock lock(LW_EXCLUSIVE);
    Header &header = *segment.header;
    const TimestampTz now = GetCurrentTimestamp();
    const TimestampTz then = header.last_maintained;
    const double elapsed_s = then == 0 ? 0 : std::max(0.0, static_cast<double>(now - then) / 1e6);
    const bool may_wait = then != 0 && elapsed_s < pass_interval_s;
    if (may_wait &&
        (elapsed_s < header.pace.wait_s() ||
         (!is_crowded<StatementArray>() && !is_crowded<ScanArray>() && !is_crowded<PlanArray>())))
        return;
    header.last_maintained = now;
    const double decay = std::exp2(-elapsed_s / half_life_s);
    const HeatCensus statements = cool<StatementArray>(decay);
    header.long_ns = static_cast<std::uint64_t>(statements.median());
    const auto evicted = evict<StatementArray>(statements);
    const auto scans = evict<ScanArray>(cool<ScanArray>(decay));
    const auto plans = evict<PlanArray>(cool<PlanArray>(decay));
    header.pace.note(evicted.slots + scans.slots + plans.slots,
                     evicted.newcomers + scans.newcomers + plans.newcomers);
    add_losses(Loss::Evicted, evicted.slots);
}

void save(bool at_shutdown) {
    if (!available())
        return;
    if (at_shutdown) {
        store_file::save();
        return;
    }
    MaintenanceLock lock(LW_EXCLUSIVE);
    store_file::save();
}

void reset() {
    if (!available())
        return;
    MaintenanceLock lock(LW_EXCLUSIVE);
    free_all<StatementArray>();
    free_all<ScanArray>();
    free_all<PlanArray>();
    for (Losses &losses : segment.header->losses)
        for (Counter &count : losses.counts)
            count = 0;
    segment.header->pace = {};
    segment.header->long_ns = 0;
    segment.header->stats_since = GetCurrentTimestamp();
}

void forget_values(Oid dbid) {
    if (!available())
        return;
    // Samples decided on before are on their way: they look at the epoch inside their slot's lock.
    segment.header->label_epoch.fetch_add(1, std::memory_order_acq_rel);
    MaintenanceLock lock(LW_EXCLUSIVE);
    for (std::uint32_t i = 0; i < segment.scan_directory.slots(); i++) {
        if (!segment.scan_directory.is_ready(i))
            continue;
        // A writer holds a slot for some hundred instructions: insist.
        while (!change_scan(i, [&](ScanSlot &slot) {
            if (slot.key.dbid == dbid)
                slot.totals.forget_values();
        }))
            pg_usleep(10);
    }
}

std::uint64_t losses(Loss loss) {
    std::uint64_t sum = 0;
    if (available())
        for (const Losses &losses : segment.header->losses)
            sum += losses.counts[static_cast<std::size_t>(loss)].load(std::memory_order_relaxed);
    return sum;
}

State state() {
    State state;
    if (!available())
        return state;
    const Header &header = *segment.header;
    state.bytes = header.bytes;
    state.statement_slots = header.statement_slots;
    state.scan_slots = header.scan_slots;
    state.plan_slots = header.plan_slots;
    state.statements = segment.statement_directory.used();
    state.scans = segment.scan_directory.used();
    state.plans = segment.plan_directory.used();
    state.stats_since = header.stats_since;
    state.last_saved = header.last_saved;
    state.last_maintained = header.last_maintained;
    state.file_set_aside = header.file_set_aside;
    state.save_failed = header.save_failed;
    return state;
}

void dump(std::string &out) {
    if (available())
        out.assign(reinterpret_cast<const char *>(segment.header), segment.header->bytes);
}

} // namespace triage::store
