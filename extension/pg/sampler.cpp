#include "pg/sampler.h"

#include <chrono>

#include "core/time_budget.h"
#include "pg/compat.h"
#include "pg/faults.h"
#include "pg/guc.h"
#include "pg/predicates.h"
#include "pg/recent_statements.h"

PG_HEADERS_BEGIN
#include "access/parallel.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "utils/memutils.h"
PG_HEADERS_END

namespace triage::sampler {

using recent_statements::Statement;

namespace {

PG_TRIAGE_READ_MOSTLY ExecutorStart_hook_type previous_start = nullptr;
PG_TRIAGE_READ_MOSTLY ExecutorEnd_hook_type previous_end = nullptr;

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

PG_TRIAGE_WRITTEN ActiveSample *active = nullptr;

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

[[gnu::noinline]] bool within_budget() noexcept {
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

// --- Which executions are sampled
// ------------------------------------------------------------------------------------------

// How many executions go by before the next one that chance chooses: geometrically distributed, so
// that each is chosen with the probability `rate`, and drawn once a sample rather than once an
// execution. xorshift: which ones are looked at need not be unpredictable.
std::int64_t draw_gap(double rate) noexcept {
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
    return static_cast<std::int64_t>(std::min(std::log(uniform) / std::log1p(-rate), longest));
}

// Counts down to the execution that chance chooses; 0 before it was drawn.
PG_TRIAGE_WRITTEN std::int64_t until_chosen = 0;

[[gnu::noinline]] bool choose() noexcept {
    if (until_chosen < 0)
        until_chosen = draw_gap(guc::sample_rate);
    if (until_chosen > 0)
        return false;
    until_chosen = draw_gap(guc::sample_rate) + 1;
    return true;
}

bool chosen_by_chance() noexcept {
    return --until_chosen <= 0 && choose();
}

// --- The hooks
// ------------------------------------------------------------------------------------------
//
// What an execution pays that is not sampled is the straight way through executor_start and
// executor_end. All else is out of line, so that this has few registers to save.

// What the last ExecutorStart looked up: mostly the next ExecutorEnd's.
struct Latest {
    const QueryDesc *query = nullptr;
    Statement *statement = nullptr; // null: there was no room, for this reason
    store::Loss why_not = store::Loss::Statement;
};
PG_TRIAGE_WRITTEN Latest latest;

bool counts(const QueryDesc *query, int eflags) noexcept {
    return guc::enabled && query->plannedstmt->queryId != 0 && !IsParallelWorker() &&
           (eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0;
}

// Time and rows are measured as pg_stat_statements does it, and together with it if it is there.
// All options: whoever comes later finds its counters too.
[[gnu::noinline]] void allocate_total(QueryDesc *query) noexcept {
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

void measure_total(QueryDesc *query) noexcept {
    if (query->totaltime == nullptr)
        allocate_total(query);
}

// INSERT ... VALUES of one row reads no relation: there is no scan whose rows to count.
bool inserts_one_row(const PlannedStmt *statement) noexcept {
    const Plan *plan = statement->planTree;
    return IsA(plan, ModifyTable) && IsA(outerPlan(plan), Result) &&
           outerPlan(outerPlan(plan)) == nullptr && statement->subplans == NIL;
}

[[gnu::noinline]] void start_sampled(QueryDesc *query, int eflags) {
    // Before other statements can start in between.
    const auto reader = latest.statement->habits.reader;
    if (!inserts_one_row(query->plannedstmt))
        query->instrument_options |= INSTRUMENT_ROWS;
    previous_start(query, eflags);
    measure_total(query);
    begin_sample(query, reader);
}

void executor_start(QueryDesc *query, int eflags) {
    const Oid userid = GetUserId(); // a call, before there is more to keep over it
    if (!counts(query, eflags)) [[unlikely]] {
        latest.query = nullptr;
        return previous_start(query, eflags);
    }
    latest.query = query;
    latest.statement = recent_statements::find(query, userid, store::Room::Common, latest.why_not);
    if (latest.statement) [[likely]] {
        client_habits::note_start(latest.statement->habits, query, latest.statement->in_store);
        if ((latest.statement->wants_sample || chosen_by_chance()) && within_budget()) [[unlikely]]
            return start_sampled(query, eflags);
    }
    previous_start(query, eflags);
    measure_total(query);
}

// Where the last ExecutorStart was another's, or the store has no place for the statement (any
// more).
[[gnu::noinline]] Statement *find_at_end(const QueryDesc *query) noexcept {
    const store::Room room = store::room_for(elapsed_ns(query->totaltime));
    if (latest.query == query && latest.statement == nullptr &&
        (room == store::Room::Common || latest.why_not != store::Loss::Statement)) {
        // Where all statements are new ones, looking a second time would be half of the work.
        store::count_loss(latest.why_not);
        return nullptr;
    }
    if (!counts(query, query->estate->es_top_eflags))
        return nullptr;
    latest.query = nullptr; // its statement's place may be taken now
    store::Loss why_not;
    Statement *statement = recent_statements::find(query, GetUserId(), room, why_not);
    if (statement == nullptr)
        store::count_loss(why_not);
    return statement;
}

// Null if it does not count, or is lost.
Statement *statement_at_end(const QueryDesc *query) noexcept {
    if (latest.query == query && latest.statement && is_current(latest.statement->in_store))
        [[likely]]
        return latest.statement;
    return find_at_end(query);
}

[[gnu::noinline]] void end_sample(const QueryDesc *query, Statement &statement) noexcept {
    ActiveSample *sample = find_sample(query);
    if (sample == nullptr)
        return;
    const Oid main_relation = write_scans(recent_statements::key_of(query), sample->sample);
    store::count_sample(statement.in_store, statement.plan, sample->sample.generic_plan,
                        main_relation);
    client_habits::note_sample(sample->reader, statement.in_store, query);
}

[[gnu::noinline]] void count_new_plan(const QueryDesc *query, Statement &statement,
                                      std::uint64_t ns, int bucket, TimestampTz at) noexcept {
    if (recent_statements::find_plan(statement, query, at))
        store::count_plan(statement.plan, ns, bucket, at);
}

void record(const QueryDesc *query, Statement &statement) noexcept {
    const TimestampTz at = GetCurrentStatementStartTimestamp();
    const std::uint64_t ns = elapsed_ns(query->totaltime);
    const int bucket = LatencyBuckets::bucket_of(ns);
    store::count_execution(statement.in_store, ns, bucket, rows_processed(query->estate), at);
    if (recent_statements::has_last_plan(statement, query)) [[likely]]
        store::count_plan(statement.plan, ns, bucket, at);
    else
        count_new_plan(query, statement, ns, bucket, at);
    if (active) [[unlikely]]
        end_sample(query, statement);
    if (statement.wants_sample) [[unlikely]]
        statement.wants_sample = recent_statements::hardly_sampled(statement);
    if (rows_processed(query->estate) == 0)
        client_habits::note_empty(statement.habits, statement.in_store);
}

void executor_end(QueryDesc *query) {
    if (query->totaltime) [[likely]]
        if (Statement *statement = statement_at_end(query)) [[likely]]
            record(query, *statement);
    previous_end(query);
}

} // namespace

void start_over() {
    latest.query = nullptr;
    recent_statements::forget();
    until_chosen = 0;
}

void install_hooks() {
    recent_statements::install();
    previous_start = ExecutorStart_hook ? ExecutorStart_hook : standard_ExecutorStart;
    ExecutorStart_hook = executor_start;
    previous_end = ExecutorEnd_hook ? ExecutorEnd_hook : standard_ExecutorEnd;
    ExecutorEnd_hook = executor_end;
}

} // namespace triage::sampler
