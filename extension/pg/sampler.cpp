#include "pg/sampler.h"

#include <chrono>

#include "core/time_budget.h"
#include "pg/client_habits.h"
#include "pg/compat.h"
#include "pg/faults.h"
#include "pg/guc.h"
#include "pg/plan_walk.h"
#include "pg/predicates.h"
#include "pg/store_counting.h"

PG_HEADERS_BEGIN
#include "access/parallel.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "utils/inval.h"
#include "utils/memutils.h"
PG_HEADERS_END

namespace triage::sampler {

namespace {

// A statement's and a plan's first executions are always sampled.
constexpr std::uint64_t statement_first_samples = 5, plan_first_samples = 2;

ExecutorStart_hook_type previous_start = nullptr;
ExecutorEnd_hook_type previous_end = nullptr;

// --- Where this backend found statements and plans last time
// -------------------------------------------

struct CacheEntry {
    std::int64_t queryid = 0;
    Oid userid = InvalidOid;
    bool plan_wants_sample = false; // its last plan is new
    store::Handle statement;
    // Its last plan, how that looked, and as of which catalogs.
    std::uint64_t planid = 0, plan_look = 0, plan_catalogs = 0;
    store::Handle plan;
    client_habits::Recent recent;
};

constexpr std::uint32_t cache_entries = 512;
CacheEntry cache[cache_entries];

// Not inline: for statements that are new here, or whose slot was taken.
[[gnu::noinline]] CacheEntry *take_entry(CacheEntry &entry, const store::StatementKey &key,
                                         store::Loss &why_not) noexcept {
    if (entry.queryid != key.queryid || entry.userid != key.userid) {
        entry = CacheEntry{};
        entry.queryid = key.queryid;
        entry.userid = key.userid;
    }
    entry.statement = store::statement(key, why_not);
    return store::is_current_statement(entry.statement) ? &entry : nullptr;
}

// Null if there is no room for it in the store.
inline CacheEntry *entry_of(const store::StatementKey &key, store::Loss &why_not) noexcept {
    const std::uint64_t mixed =
        (static_cast<std::uint64_t>(key.queryid) ^ key.userid) * 0x9E3779B97F4A7C15u;
    CacheEntry &entry = cache[mixed >> 55];
    if (entry.queryid == key.queryid && entry.userid == key.userid &&
        store::is_current_statement(entry.statement))
        return &entry;
    return take_entry(entry, key, why_not);
}
static_assert(cache_entries == 512, "entry_of takes the nine highest bits");

// What the last ExecutorStart looked up: mostly the next ExecutorEnd's.
struct {
    const QueryDesc *query = nullptr;
    CacheEntry *entry = nullptr; // null: there was no room, for this reason
    store::Loss why_not = store::Loss::Statement;
    store::Handle statement; // tells whether the entry is still of the same one
} latest;

store::StatementKey key_of(const QueryDesc *query) noexcept {
    return {GetUserId(), MyDatabaseId, static_cast<std::int64_t>(query->plannedstmt->queryId)};
}

// --- Samples under way
// ----------------------------------------------------------------------------------

// Lives in its query's memory and leaves the list with it, also when the statement fails.
struct ActiveSample {
    QueryDesc *query;
    ActiveSample *next;
    client_habits::Reader reader;
    predicates::Sample sample;
    MemoryContextCallback unlink;
};

ActiveSample *active = nullptr;

void unlink_sample(void *argument) {
    for (ActiveSample **link = &active; *link; link = &(*link)->next)
        if (*link == argument) {
            *link = (*link)->next;
            return;
        }
}

ActiveSample *find_sample(const QueryDesc *query) noexcept {
    for (ActiveSample *sample = active; sample; sample = sample->next)
        if (sample->query == query)
            return sample;
    return nullptr;
}

// What looking at plans took of this backend's time. What else a sample costs, the counters of each
// node and the words written at its end, is a fixed part of the statement's own work.
TimeBudget budget;

std::uint64_t now_ns() noexcept {
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch() /
                                      std::chrono::nanoseconds(1));
}

bool within_budget() noexcept {
    if (budget.allows(guc::sample_budget))
        return true;
    budget.pass(now_ns(), guc::sample_budget);
    if (budget.allows(guc::sample_budget))
        return true;
    store::count_loss(store::Loss::Budget);
    return false;
}

void inspect_on_the_clock(QueryDesc *query, predicates::Sample &sample) {
    const std::uint64_t begin = now_ns();
    budget.pass(begin, guc::sample_budget);
    predicates::inspect(query, sample);
    budget.spend(now_ns() - begin);
}

void begin_sample(QueryDesc *query, client_habits::Reader reader) {
    MemoryContext context = query->estate->es_query_cxt;
    auto *begun = faults::hits(faults::Point::sample_out_of_memory)
                      ? nullptr
                      : static_cast<ActiveSample *>(MemoryContextAllocExtended(
                            context, sizeof(ActiveSample), MCXT_ALLOC_NO_OOM));
    if (begun == nullptr) {
        store::count_loss(store::Loss::Sample);
        return;
    }
    new (begun) ActiveSample{};
    begun->query = query;
    begun->reader = reader;
    begun->unlink.func = unlink_sample;
    begun->unlink.arg = begun;
    inspect_on_the_clock(query, begun->sample);
    if (begun->sample.outcome == predicates::Sample::Outcome::Failed)
        store::count_loss(store::Loss::Sample);
    else if (begun->sample.outcome == predicates::Sample::Outcome::Unguarded)
        store::count_loss(store::Loss::Unguarded);
    begun->next = active;
    active = begun;
    MemoryContextRegisterResetCallback(context, &begun->unlink);
}

// Adds what the instrumented nodes did; the relation that most rows were read of.
Oid write_scans(const store::StatementKey &key, predicates::Sample &sample) noexcept {
    Oid most_read = InvalidOid;
    double most_rows = -1;
    for (predicates::SampledScan *scan = sample.scans; scan; scan = scan->next) {
        Instrumentation *instrument = scan->state->instrument;
        if (instrument == nullptr)
            continue;
        InstrEndLoop(instrument);
        if (instrument->nloops <= 0)
            continue; // never executed
        scan->scan.estimated_rows = scan->state->plan->plan_rows * instrument->nloops;
        scan->scan.actual_rows = instrument->ntuples;
        scan->scan.rows_removed = instrument->nfiltered1 + instrument->nfiltered2;
        store::add_scan(key, scan->scan, sample.label_epoch);
        const double rows = instrument->ntuples + instrument->nfiltered1;
        if (rows > most_rows) {
            most_rows = rows;
            most_read = scan->scan.relation;
        }
    }
    for (std::uint32_t i = 0; i < sample.scans_left_out; i++)
        store::count_loss(store::Loss::BigPlan);
    return OidIsValid(sample.target) ? sample.target : most_read;
}

// --- The hooks
// ------------------------------------------------------------------------------------------

bool counts(const QueryDesc *query, int eflags) noexcept {
    return guc::enabled && query->plannedstmt->queryId != 0 && !IsParallelWorker() &&
           (eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0 && store::available();
}

// How many executions go by before the next one that chance chooses: geometrically distributed, so
// that each is chosen with the probability `rate`, and drawn once a sample rather than once an
// execution. xorshift: which ones are looked at need not be unpredictable.
std::uint64_t draw_gap(double rate) noexcept {
    static std::uint64_t state = 0;
    if (state == 0)
        state = static_cast<std::uint64_t>(MyProcPid) * 0x9E3779B97F4A7C15u ^
                static_cast<std::uint64_t>(MyStartTimestamp) ^ 1;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    constexpr double longest = 1e12;
    if (rate >= 1)
        return 0;
    const double uniform = (static_cast<double>(state >> 11) + 0.5) * 0x1p-53;
    return static_cast<std::uint64_t>(std::min(std::log(uniform) / std::log1p(-rate), longest));
}

bool chosen_by_chance() noexcept {
    static double rate = -1;
    static std::uint64_t gap = 0;
    if (rate != guc::sample_rate) {
        rate = guc::sample_rate;
        gap = draw_gap(rate);
    }
    if (gap > 0) {
        gap--;
        return false;
    }
    gap = draw_gap(rate);
    return true;
}

bool is_sampled(const QueryDesc *query) noexcept {
    if (guc::sample_rate <= 0)
        return false;
    // What has no slot is counted as lost when it ends.
    latest.query = query;
    latest.entry = entry_of(key_of(query), latest.why_not);
    CacheEntry *entry = latest.entry;
    if (entry == nullptr)
        return false;
    latest.statement = entry->statement;
    client_habits::note_start(entry->recent, query, entry->statement);
    return (store::times_sampled(entry->statement) < statement_first_samples ||
            entry->plan_wants_sample || chosen_by_chance()) &&
           within_budget();
}

// Time and rows are measured as pg_stat_statements does it, and together with it if it is there.
// All options: whoever comes later finds its counters too.
void measure_total(QueryDesc *query) noexcept {
    if (query->totaltime != nullptr)
        return;
    auto *total =
        faults::hits(faults::Point::total_out_of_memory)
            ? nullptr
            : static_cast<Instrumentation *>(MemoryContextAllocExtended(
                  query->estate->es_query_cxt, sizeof(Instrumentation), MCXT_ALLOC_NO_OOM));
    if (total == nullptr) {
        store::count_loss(store::Loss::Statement);
        return;
    }
    InstrInit(total, INSTRUMENT_ALL);
    query->totaltime = total;
}

void executor_start(QueryDesc *query, int eflags) {
    latest = {};
    const bool counted = counts(query, eflags);
    const bool sampled = counted && is_sampled(query);
    // Before other statements can start in between.
    const auto reader = sampled ? latest.entry->recent.reader : client_habits::Reader::Server;
    if (sampled)
        query->instrument_options |= INSTRUMENT_ROWS;
    if (previous_start)
        previous_start(query, eflags);
    else
        standard_ExecutorStart(query, eflags);
    if (counted)
        measure_total(query);
    if (sampled)
        begin_sample(query, reader);
}

// Not inline: the room for a whole shape is for plans that are new here.
[[gnu::noinline]] store::Handle find_plan(const store::StatementKey &key,
                                          const PlannedStmt *statement) noexcept {
    PlanShape shape;
    shape_of(statement, shape);
    return store::plan(key, shape);
}

// Counts what may change a plan without changing its costs: an index that takes another's place, a
// new definition. Starts at 1, so that an entry that never had a plan matches nothing.
std::uint64_t catalogs = 1;

void note_catalog_change(Datum, Oid) {
    catalogs++;
}

// Brings the entry's plan up to date; false if there is no room for the plan in the store.
bool recognise_plan(CacheEntry &entry, const QueryDesc *query, TimestampTz at) noexcept {
    const std::uint64_t look = look_of(query->plannedstmt);
    if (entry.plan_look == look && entry.plan_catalogs == catalogs &&
        store::is_current_plan(entry.plan))
        return true;
    entry.plan_look = look;
    entry.plan_catalogs = catalogs;
    const std::uint64_t planid = plan_id_of(query->plannedstmt);
    if (entry.planid == planid && store::is_current_plan(entry.plan))
        return true;
    entry.planid = planid;
    entry.plan = find_plan(key_of(query), query->plannedstmt);
    if (!store::is_current_plan(entry.plan))
        return false;
    store::take_up_plan(entry.statement, entry.plan, at);
    return true;
}

CacheEntry *entry_at_end(const QueryDesc *query) noexcept {
    if (latest.query == query) {
        if (latest.entry == nullptr) {
            // Where all statements are new ones, looking a second time would be half of the work.
            store::count_loss(latest.why_not);
            return nullptr;
        }
        if (latest.entry->statement == latest.statement &&
            store::is_current_statement(latest.statement))
            return latest.entry;
    }
    store::Loss why_not;
    CacheEntry *entry = entry_of(key_of(query), why_not);
    if (entry == nullptr)
        store::count_loss(why_not);
    return entry;
}

void record(QueryDesc *query) noexcept {
    CacheEntry *found = entry_at_end(query);
    if (found == nullptr)
        return;
    CacheEntry &entry = *found;
    InstrEndLoop(query->totaltime);
    const auto ns = static_cast<std::uint64_t>(std::max(query->totaltime->total, 0.0) * 1e9);
    const TimestampTz at = GetCurrentStatementStartTimestamp();
    const int bucket = LatencyBuckets::bucket_of(ns);
    const std::uint64_t rows = rows_processed(query->estate);
    store::count_execution(entry.statement, ns, bucket, rows, at);
    if (rows == 0 && entry.recent.reader != client_habits::Reader::Server)
        client_habits::note_empty(entry.recent, entry.statement, at);

    ActiveSample *sample = active ? find_sample(query) : nullptr;
    if (recognise_plan(entry, query, at))
        entry.plan_wants_sample =
            store::count_plan(entry.plan, ns, bucket, sample != nullptr, at) < plan_first_samples;
    if (sample) {
        const Oid main_relation = write_scans(key_of(query), sample->sample);
        store::count_sample(entry.statement, sample->sample.generic_plan, main_relation);
        client_habits::note_sample(sample->reader, entry.statement, query);
    }
}

void executor_end(QueryDesc *query) {
    // What the start looked up is to be counted.
    if (query->totaltime && query->estate &&
        (latest.query == query ? guc::enabled : counts(query, query->estate->es_top_eflags)))
        record(query);
    if (previous_end)
        previous_end(query);
    else
        standard_ExecutorEnd(query);
}

} // namespace

void install_hooks() {
    CacheRegisterRelcacheCallback(note_catalog_change, 0);
    previous_start = ExecutorStart_hook;
    ExecutorStart_hook = executor_start;
    previous_end = ExecutorEnd_hook;
    ExecutorEnd_hook = executor_end;
}

} // namespace triage::sampler
