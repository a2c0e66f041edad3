// The statistics in shared memory: what each statement cost, and how it reached each relation.
// Written by the sampler, read by everybody else through the copies below. Holds no literal that
// the privacy rule (core/privacy.h) keeps back: there is no field that could.
//
// Reading never blocks a writer; a reading is consistent within one statement or scan, not across
// them.
#pragma once

#include "core/application_advice.h"
#include "core/histogram.h"
#include "core/plan_shape.h"
#include "core/scan_statistics.h"
#include "core/slot_directory.h"
#include "core/store_image.h"
#include "core/workload.h"
#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "datatype/timestamp.h"
PG_HEADERS_END

namespace triage::store {

using StatementKey = store_image::StatementKey;

// --- Reading
// ----------------------------------------------------------------------------------------

struct StatementStats {
    StatementKey key;
    std::uint64_t calls = 0;
    std::uint64_t sampled = 0;       // of the calls: executions whose plan was looked at
    std::uint64_t generic_plans = 0; // of the sampled: with a parameter left in the plan
    std::uint64_t rows = 0;
    double max_ms = 0;
    TimestampTz first_seen = 0, last_seen = 0;
    Oid main_relation = InvalidOid; // target, or the relation that it read most of; of its database
    std::uint64_t current_plan = 0; // the one taken up last; 0: none yet
    Habits habits;
    LatencyHistogram latency;
};

// A value that so many rows share that it tells nothing about a person, as its type prints it.
struct SharedValue {
    std::string text;
    std::uint64_t executions = 0;
};

// One condition of a scan: column, operator, and what stood on the other side.
struct ClauseStats {
    AttributeNumber attribute = 0;
    Oid opno = InvalidOid; // InvalidOid: IS NULL, IS NOT NULL, a boolean column
    ClauseOperator op = ClauseOperator::Other;
    Operand operand = Operand::Literal;
    std::uint64_t estimates = 0; // executions whose selectivity was estimated
    double mean_selectivity = 1, worst_selectivity = 1;
    std::vector<SharedValue> values;
    std::uint64_t withheld = 0; // executions whose value the privacy rule kept back, or had no room
};

// How a statement reached one relation: one of its scans, told apart by the set of its conditions.
struct ScanStats {
    Oid userid = InvalidOid;
    Oid dbid = InvalidOid;
    std::int64_t queryid = 0;
    Oid relid = InvalidOid;
    std::vector<ClauseStats> clauses;
    std::uint64_t executions = 0;          // sampled ones
    std::uint64_t sequential = 0;          // of those: by a sequential scan
    std::uint64_t sorted = 0, limited = 0; // of those: below a Sort, below a LIMIT
    double estimated_rows = 0, actual_rows = 0, rows_removed = 0; // means an execution
    std::vector<RangeTotals> ranges; // what the bounds on a column left of it together
};

struct PlanStats {
    StatementKey key;
    std::uint64_t planid = 0;
    std::uint64_t executions = 0;
    TimestampTz first_seen = 0, last_seen = 0;
    // When it last became its statement's plan, which one was it until then (0: unknown), and how
    // often that happened.
    TimestampTz taken_up = 0;
    std::uint64_t succeeded = 0, times_taken_up = 0;
    LatencyHistogram latency; // in half octaves
    PlanShape shape;
};

// True if the shared memory is there (shared_preload_libraries).
bool available();

// Copies of what is known of one database (InvalidOid: of all). Raise nothing but out of memory
// (std::bad_alloc).
std::vector<StatementStats> read_statements(Oid dbid);
std::vector<ScanStats> read_scans(Oid dbid);
std::vector<PlanStats> read_plans(Oid dbid);

// What could not be kept, and why; shown by triage.self_check().
enum class Loss : std::uint8_t {
    Statement, // executions of statements for which there was no slot
    Scan,      // sampled scans for which there was none
    Plan,      // executions of plans for which there was none
    Busy,      // slot just being written by another backend
    BigPlan,   // scans beyond what one sample can hold
    Sample,    // samples given up because of an error
    Unguarded, // samples without estimates, taken where no error could have been caught
    Evicted,   // statements that made room for others
    Budget,    // samples not taken, as sampling had its share of the session's time
    Count
};

// --- Writing (the sampler; nothing here raises, waits or allocates)
// -----------------------------------

// A slot and the generation in which it was found; stale once somebody else owns the slot.
template <class Slot> struct Handle {
    Slot *slot = nullptr;
    std::uint32_t generation = 0;

    explicit operator bool() const { return slot != nullptr; }
};

struct StatementSlot;
struct PlanSlot;
using StatementHandle = Handle<StatementSlot>;
using PlanHandle = Handle<PlanSlot>;

// Which room a statement may have that is not there yet: where slots are scarce, a reserve is kept
// for those that take long.
using Room = SlotDirectory::Room;

// Null if there is no room. For a plan that is counted as lost, for a statement told in `why_not`:
// one that is looked for twice is lost once.
StatementHandle statement(const StatementKey &key, Room room, Loss &why_not) noexcept;
PlanHandle plan(const StatementKey &key, const PlanShape &shape) noexcept;

// Of current handles. What each execution counts is inline in pg/store_counting.h.
//
// The plan is the statement's from now on. To be called where a backend sees another plan than it
// did the last time; all but the first of those that meet the same change do nothing.
void take_up_plan(StatementHandle statement, PlanHandle plan, TimestampTz at) noexcept;
// `plan`: null if there was no room for it.
void count_sample(StatementHandle statement, PlanHandle plan, bool generic_plan,
                  Oid main_relation) noexcept;
void add_habit(StatementHandle statement, Habit habit, std::uint64_t count) noexcept;
void raise_habit(StatementHandle statement, Habit habit, std::uint64_t at_least) noexcept;
// `label_epoch`: as it was when the sample's values were decided on; if it moved they are dropped.
void add_scan(const StatementKey &key, ScanSample &sample, std::uint32_t label_epoch) noexcept;

std::uint32_t label_epoch() noexcept;

// --- Upkeep
// -------------------------------------------------------------------------------------------

std::uint64_t losses(Loss loss);
void count_loss(Loss loss) noexcept;

struct State {
    std::uint64_t bytes = 0;
    std::uint32_t statement_slots = 0, statements = 0, scan_slots = 0, scans = 0, plan_slots = 0,
                  plans = 0;
    TimestampTz stats_since = 0, last_saved = 0, last_maintained = 0; // 0: never
    bool file_set_aside = false, save_failed = false;
};
State state();

// Makes room where it gets narrow: the statements, scans and plans that did least of late go. To be
// called every second or so by one background process.
void maintain();

// Writes the statistics file; failure is logged and remembered. To be called by the same process
// every pg_triage.save_interval. At shutdown it waits for no lock: nobody else is left.
void save(bool at_shutdown);

// Empties the store.
void reset();

// Forgets every value kept of a database's columns: their labels changed.
void forget_values(Oid dbid);

// A copy of the whole segment, for the test that looks for private values in it.
void dump(std::string &out);

// Installs the shared memory hooks; only while preloading.
void install_hooks();

} // namespace triage::store
