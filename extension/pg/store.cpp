#include "pg/store.h"

#include "pg/activity_store.h"
#include "pg/faults.h"
#include "pg/guc.h"
#include "pg/heat_store.h"
#include "pg/store_file.h"
#include "pg/store_counting.h"

#include <cstring>
#include <type_traits>

PG_HEADERS_BEGIN
#include "access/xact.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"
PG_HEADERS_END

namespace triage::store {

PG_TRIAGE_READ_MOSTLY Segment segment;

namespace {

constexpr const char *tranche = "pg_triage";

// Left of pg_triage.memory, beside what heat map and activity take, for what the workers share.
constexpr std::size_t reserved_bytes = 64 * 1024;

struct Layout {
    std::uint32_t statements = 0, scans = 0, plans = 0;
    std::size_t statement_tags = 0, scan_tags = 0, plan_tags = 0;
    std::size_t statement_slots = 0, scan_slots = 0, plan_slots = 0;
    std::size_t bytes = 0;
};

constexpr std::size_t tag_bytes = sizeof(std::atomic<std::uint64_t>);

std::uint32_t whole_lines(std::size_t slots) {
    return static_cast<std::uint32_t>(std::max<std::size_t>(slots / SlotDirectory::tags_a_line, 1) *
                                      SlotDirectory::tags_a_line);
}

// Statements get what they ask for, up to half of the memory; scans three quarters of the rest,
// plans what is left.
Layout lay_out() {
    const std::size_t budget = static_cast<std::size_t>(guc::memory_kb) * 1024 -
                               heat::shared_bytes() - activity::shared_bytes() - reserved_bytes;
    constexpr std::size_t a_statement = sizeof(StatementSlot) + tag_bytes;
    constexpr std::size_t a_scan = sizeof(ScanSlot) + tag_bytes;
    constexpr std::size_t a_plan = sizeof(PlanSlot) + tag_bytes;

    Layout layout;
    layout.statements = whole_lines(
        std::min(static_cast<std::size_t>(guc::max_statements), budget / 2 / a_statement));
    const std::size_t rest = budget - sizeof(Header) - layout.statements * a_statement;
    layout.scans = whole_lines(rest / 4 * 3 / a_scan);
    layout.plans = whole_lines((rest - layout.scans * a_scan) / a_plan);

    std::size_t at = sizeof(Header);
    auto take = [&](std::size_t &start, std::size_t bytes) {
        start = at;
        at += bytes;
    };
    take(layout.statement_tags, layout.statements * tag_bytes);
    take(layout.scan_tags, layout.scans * tag_bytes);
    take(layout.plan_tags, layout.plans * tag_bytes);
    take(layout.statement_slots, layout.statements * sizeof(StatementSlot));
    take(layout.scan_slots, layout.scans * sizeof(ScanSlot));
    take(layout.plan_slots, layout.plans * sizeof(PlanSlot));
    layout.bytes = at;
    return layout;
}

shmem_request_hook_type previous_request = nullptr;
shmem_startup_hook_type previous_startup = nullptr;

void request() {
    if (previous_request)
        previous_request();
    const Layout layout = lay_out();
    RequestAddinShmemSpace(add_size(layout.bytes, PG_CACHE_LINE_SIZE));
    RequestNamedLWLockTranche(tranche, 1);
    if (layout.statements < static_cast<std::uint32_t>(guc::max_statements) / 8 * 8)
        ereport(WARNING, (errcode(ERRCODE_INSUFFICIENT_RESOURCES),
                          errmsg("pg_triage.memory is too small for pg_triage.max_statements"),
                          errdetail("There is room for %u statements; %d were asked for.",
                                    layout.statements, guc::max_statements),
                          errhint("Raise pg_triage.memory or lower pg_triage.max_statements.")));
}

void attach(char *base, const Layout &layout) {
    segment.header = reinterpret_cast<Header *>(base);
    segment.statements = reinterpret_cast<StatementSlot *>(base + layout.statement_slots);
    segment.scans = reinterpret_cast<ScanSlot *>(base + layout.scan_slots);
    segment.plans = reinterpret_cast<PlanSlot *>(base + layout.plan_slots);
    auto tags = [&](std::size_t at) { return reinterpret_cast<Counter *>(base + at); };
    Used &used = segment.header->used;
    segment.statement_directory = {tags(layout.statement_tags), layout.statements,
                                   &used.statements};
    segment.scan_directory = {tags(layout.scan_tags), layout.scans, &used.scans};
    segment.plan_directory = {tags(layout.plan_tags), layout.plans, &used.plans};
}

void startup() {
    if (previous_startup)
        previous_startup();
    segment = Segment{};
    const Layout layout = lay_out();

    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    bool found = false;
    void *memory = ShmemInitStruct("pg_triage", add_size(layout.bytes, PG_CACHE_LINE_SIZE), &found);
    char *base = reinterpret_cast<char *>(CACHELINEALIGN(memory));
    if (!found) {
        memset(base, 0, layout.bytes);
        auto *header = new (base) Header{};
        header->maintenance = &GetNamedLWLockTranche(tranche)->lock;
        header->bytes = layout.bytes;
        header->statement_slots = layout.statements;
        header->scan_slots = layout.scans;
        header->plan_slots = layout.plans;
        header->stats_since = GetCurrentTimestamp();
    }
    LWLockRelease(AddinShmemInitLock);
    attach(base, layout);

    if (!found)
        store_file::load();
    // The postmaster writes the last word; it outlives every backend.
    if (!IsUnderPostmaster)
        on_shmem_exit(
            [](int code, Datum) {
                if (code == 0) // after a crash nothing in memory is to be trusted
                    save(true);
            },
            0);
}

template <class Slot, class Key> auto matching(Slot *slots, const Key &matches) {
    return [slots, &matches](std::uint32_t slot) { return matches(slots[slot]); };
}

bool fails(faults::Point point, Loss loss) noexcept {
    if (!faults::hits(point))
        return false;
    count_loss(loss);
    return true;
}

void note_place(const SlotDirectory::Place &place, Loss if_full) noexcept {
    if (place.outcome == SlotDirectory::Outcome::Full)
        count_loss(if_full);
    else if (place.outcome == SlotDirectory::Outcome::Busy)
        count_loss(Loss::Busy);
}

// Sets atomic counters to 0 as a block, which is a twentieth of the work: whoever still counts in
// the slot counts for its last owner, so that it is all the same which of both comes first.
template <class Counters> void zero(Counters &counters) noexcept {
    static_assert(std::is_trivially_copyable_v<Counters>);
    std::memset(static_cast<void *>(&counters), 0, sizeof counters);
}

// A free slot's counters are whatever its last owner left, and a late addition: clean it when
// taken.
void clean(StatementSlot &slot, const StatementKey &key) noexcept {
    slot.main_relation.store(0, std::memory_order_relaxed);
    for (Counter *counter : {&slot.total_ns, &slot.max_ns, &slot.rows, &slot.sampled,
                             &slot.generic_plans, &slot.current_plan})
        counter->store(0, std::memory_order_relaxed);
    zero(slot.habits);
    zero(slot.low);
    zero(slot.high);
    slot.key = key;
    slot.first_seen = GetCurrentStatementStartTimestamp();
    slot.last_seen.store(slot.first_seen, std::memory_order_relaxed);
    slot.total_ns_then = 0;
    slot.heat = 0;
}

void clean(PlanSlot &slot, const StatementKey &key, const PlanShape &shape) noexcept {
    for (Counter *counter :
         {&slot.executions, &slot.total_ns, &slot.sampled, &slot.succeeded, &slot.times_taken_up})
        counter->store(0, std::memory_order_relaxed);
    zero(slot.counts);
    slot.taken_up.store(0, std::memory_order_relaxed);
    slot.key = key;
    slot.planid = shape.id();
    slot.shape = shape;
    slot.first_seen = GetCurrentStatementStartTimestamp();
    slot.last_seen.store(slot.first_seen, std::memory_order_relaxed);
    slot.executions_then = 0;
    slot.heat = 0;
}

// Claims the slot of a scan; its totals are empty if it is new.
SlotDirectory::Place scan_place(const StatementKey &key, Oid relation,
                                std::uint64_t clauses_hash) noexcept {
    const std::uint64_t hash = mix(mix(hash_of(key), relation), clauses_hash);
    auto matches = [&](const ScanSlot &slot) {
        return slot.relation == relation && slot.clauses_hash == clauses_hash && slot.key == key;
    };
    return segment.scan_directory.find_or_add(hash, matching(segment.scans, matches),
                                              [&](std::uint32_t slot) {
                                                  return change_scan(slot, [&](ScanSlot &scan) {
                                                      scan.relation = relation;
                                                      scan.key = key;
                                                      scan.clauses_hash = clauses_hash;
                                                      scan.executions_then = 0;
                                                      scan.heat = 0;
                                                      scan.totals = ScanTotals{};
                                                  });
                                              });
}

// As a slot of the reserve is gone. From the first to the last of them it rises by some millions,
// so that it is soon beyond what is common, and for the rest beyond what is rare.
void raise_price_of_reserve() noexcept {
    const SlotDirectory &directory = segment.statement_directory;
    const std::uint32_t reserve = directory.reserve();
    if (directory.used() + reserve <= directory.slots())
        return; // it was a common one
    Counter &price = segment.header->long_ns;
    const std::uint64_t now = price.load(std::memory_order_relaxed);
    price.store(now + now * 16 / reserve + 1, std::memory_order_relaxed);
}

} // namespace

std::uint64_t hash_of(const StatementKey &key) noexcept {
    return mix(mix(0, static_cast<std::uint64_t>(key.queryid)),
               static_cast<std::uint64_t>(key.userid) << 32 | key.dbid);
}

void add_losses(Loss loss, std::uint64_t count) noexcept {
    if (segment.header == nullptr)
        return;
    auto &mine =
        segment.header->losses[static_cast<unsigned>(MyProcPid) % segment.header->losses.size()];
    mine.counts[static_cast<std::size_t>(loss)].fetch_add(count, std::memory_order_relaxed);
}

void count_loss(Loss loss) noexcept {
    add_losses(loss, 1);
}

bool available() {
    return segment.header != nullptr;
}

void install_hooks() {
    previous_request = shmem_request_hook;
    shmem_request_hook = request;
    previous_startup = shmem_startup_hook;
    shmem_startup_hook = startup;
}

StatementHandle statement(const StatementKey &key, Room room, Loss &why_not) noexcept {
    why_not = Loss::Statement;
    if (faults::hits(faults::Point::statement_full))
        return {};
    why_not = Loss::Busy;
    if (faults::hits(faults::Point::statement_busy))
        return {};
    auto matches = [&](const StatementSlot &slot) { return slot.key == key; };
    const auto place = segment.statement_directory.find_or_add(
        hash_of(key), matching(segment.statements, matches),
        [&](std::uint32_t slot) {
            clean(segment.statements[slot], key);
            return true;
        },
        room);
    if (place.outcome == SlotDirectory::Outcome::Full)
        why_not = Loss::Statement;
    if (!place.usable())
        return {};
    if (place.outcome == SlotDirectory::Outcome::Added && room == Room::Reserve)
        raise_price_of_reserve();
    // The generation first, the key again after it: a slot recycled in between is not ours.
    StatementSlot &slot = segment.statements[place.slot];
    const std::uint32_t generation = slot.generation.load(std::memory_order_acquire);
    return slot.key == key ? StatementHandle{&slot, generation} : StatementHandle{};
}

PlanHandle plan(const StatementKey &key, const PlanShape &shape) noexcept {
    if (fails(faults::Point::plan_full, Loss::Plan))
        return {};
    const std::uint64_t planid = shape.id();
    auto matches = [&](const PlanSlot &slot) { return slot.planid == planid && slot.key == key; };
    const auto place = segment.plan_directory.find_or_add(
        mix(hash_of(key), planid), matching(segment.plans, matches), [&](std::uint32_t slot) {
            clean(segment.plans[slot], key, shape);
            return true;
        });
    note_place(place, Loss::Plan);
    if (!place.usable())
        return {};
    PlanSlot &slot = segment.plans[place.slot];
    const std::uint32_t generation = slot.generation.load(std::memory_order_acquire);
    return matches(slot) ? PlanHandle{&slot, generation} : PlanHandle{};
}

void take_up_plan(StatementHandle statement, PlanHandle plan, TimestampTz at) noexcept {
    PlanSlot &slot = *plan.slot;
    const std::uint64_t until_now =
        statement.slot->current_plan.exchange(slot.planid, std::memory_order_relaxed);
    if (until_now == slot.planid)
        return;
    slot.succeeded.store(until_now, std::memory_order_relaxed);
    slot.taken_up.store(at, std::memory_order_relaxed);
    slot.times_taken_up.fetch_add(1, std::memory_order_relaxed);
}

void count_sample(StatementHandle statement, PlanHandle plan, bool generic_plan,
                  Oid main_relation) noexcept {
    StatementSlot &slot = *statement.slot;
    slot.sampled.fetch_add(1, std::memory_order_relaxed);
    if (plan)
        plan.slot->sampled.fetch_add(1, std::memory_order_relaxed);
    if (generic_plan)
        slot.generic_plans.fetch_add(1, std::memory_order_relaxed);
    if (OidIsValid(main_relation))
        slot.main_relation.store(main_relation, std::memory_order_relaxed);
}

void add_habit(StatementHandle statement, Habit habit, std::uint64_t count) noexcept {
    statement.slot->habits[static_cast<std::size_t>(habit)].fetch_add(count,
                                                                      std::memory_order_relaxed);
}

void raise_habit(StatementHandle statement, Habit habit, std::uint64_t at_least) noexcept {
    raise_to(statement.slot->habits[static_cast<std::size_t>(habit)], at_least);
}

void add_scan(const StatementKey &key, ScanSample &sample, std::uint32_t epoch) noexcept {
    if (fails(faults::Point::scan_full, Loss::Scan))
        return;
    const std::uint64_t clauses_hash = hash_of_clauses(sample);
    const auto place = scan_place(key, sample.relation, clauses_hash);
    note_place(place, Loss::Scan);
    if (!place.usable())
        return;
    const bool added = change_scan(place.slot, [&](ScanSlot &slot) {
        if (slot.relation != sample.relation || slot.clauses_hash != clauses_hash ||
            slot.key != key)
            return; // recycled since
        // Inside: a change of labels raises the epoch first and goes through the slots after.
        if (label_epoch() != epoch) {
            for (int v = 0; v < sample.value_count; v++)
                sample.clauses[sample.values[v].clause].withheld = true;
            sample.value_count = 0;
        }
        slot.totals.add(sample);
    });
    if (!added)
        count_loss(Loss::Busy);
}

std::uint32_t label_epoch() noexcept {
    return segment.header ? segment.header->label_epoch.load(std::memory_order_acquire) : 0;
}

void restore(const store_image::StatementRecord &record) noexcept {
    Loss why_not;
    const StatementHandle handle = statement(record.key, Room::Reserve, why_not);
    if (!handle) {
        count_loss(why_not);
        return;
    }
    StatementSlot &slot = *handle.slot;
    slot.main_relation = record.main_relation;
    slot.total_ns = record.total_ns;
    slot.max_ns = record.max_ns;
    slot.rows = record.rows;
    slot.sampled = record.sampled;
    slot.generic_plans = record.generic_plans;
    slot.current_plan = record.current_plan;
    slot.first_seen = record.first_seen;
    slot.last_seen = record.last_seen;
    for (std::size_t i = 0; i < std::size(slot.habits); i++)
        slot.habits[i] = record.habits.counts[i];
    for (int i = 0; i < LatencyBuckets::count; i++) {
        slot.low[i] = static_cast<std::uint32_t>(record.counts[i]);
        slot.high[i] = static_cast<std::uint8_t>(record.counts[i] >> 32);
    }
}

void restore(const store_image::ScanRecord &record) noexcept {
    const auto place = scan_place(record.key, record.relation, hash_of_clauses(record.totals));
    if (place.usable())
        change_scan(place.slot, [&](ScanSlot &slot) { slot.totals = record.totals; });
}

void restore(const store_image::PlanRecord &record) noexcept {
    const PlanHandle handle = plan(record.key, record.shape);
    if (!handle)
        return;
    PlanSlot &slot = *handle.slot;
    slot.executions = record.executions;
    slot.sampled = record.sampled;
    slot.total_ns = record.total_ns;
    slot.first_seen = record.first_seen;
    slot.last_seen = record.last_seen;
    slot.taken_up = record.taken_up;
    slot.succeeded = record.succeeded;
    slot.times_taken_up = record.times_taken_up;
    for (int i = 0; i < CoarseBuckets::count; i++)
        slot.counts[i] = record.counts[i];
}

} // namespace triage::store
