#include "pg/client_habits.h"

PG_HEADERS_BEGIN
#include "access/xact.h"
#include "executor/instrument.h"
#include "nodes/execnodes.h"
#include "nodes/plannodes.h"
PG_HEADERS_END

namespace triage::client_habits {

namespace {

// The LIMIT or OFFSET of the statement itself, not of a subquery: there is little that can stand
// above it. Null if there is none.
const LimitState *limit_of(const PlanState *state) noexcept {
    for (; state; state = outerPlanState(state)) {
        switch (nodeTag(state)) {
        case T_LimitState:
            return reinterpret_cast<const LimitState *>(state);
        case T_ResultState:
        case T_ProjectSetState:
        case T_LockRowsState:
        case T_GatherState:
        case T_GatherMergeState:
            break;
        default:
            return nullptr;
        }
    }
    return nullptr;
}

std::uint64_t rows_skipped(const LimitState *limit) noexcept {
    const PlanState *below = outerPlanState(limit);
    if (limit->offset <= 0 || below == nullptr || below->instrument == nullptr)
        return 0;
    InstrEndLoop(below->instrument);
    return static_cast<std::uint64_t>(
        std::min(static_cast<double>(limit->offset), below->instrument->ntuples));
}

std::uint64_t result_columns(const Plan *plan) noexcept {
    std::uint64_t columns = 0;
    for (int i = 0; i < list_length(plan->targetlist); i++)
        columns += !static_cast<const TargetEntry *>(list_nth(plan->targetlist, i))->resjunk;
    return columns;
}

} // namespace

void note_repetition(store::StatementHandle statement, std::uint32_t times) noexcept {
    // The first ones were not known to be repeated.
    const bool first = times == Repetition::least;
    if (first)
        store::add_habit(statement, Habit::RepeatingTransactions, 1);
    store::add_habit(statement, Habit::Repeated, first ? times : 1);
    store::raise_habit(statement, Habit::MostRepeated, times);
}

void note_empty(Recent &recent, store::StatementHandle statement) noexcept {
    if (recent.reader == Reader::Server)
        return;
    store::add_habit(statement, Habit::Empty, 1);
    if (const std::int64_t distance = recent.empty.tick(GetCurrentStatementStartTimestamp())) {
        store::add_habit(statement, Habit::Steady, 1);
        store::add_habit(statement, Habit::SteadyMicroseconds,
                         static_cast<std::uint64_t>(distance));
    }
}

void note_sample(Reader reader, store::StatementHandle statement, const QueryDesc *query) noexcept {
    if (reader == Reader::Server)
        return;
    if (query->operation != CMD_SELECT) {
        store::add_habit(statement, Habit::Written, 1);
        return;
    }
    const Plan *plan = query->plannedstmt->planTree;
    const std::uint64_t rows = rows_processed(query->estate);
    store::add_habit(statement, Habit::Read, 1);
    store::add_habit(statement, Habit::RowsReturned, rows);
    store::add_habit(statement, Habit::BytesReturned,
                     rows * static_cast<std::uint64_t>(std::max(plan->plan_width, 0)));
    store::raise_habit(statement, Habit::Columns, result_columns(plan));
    const LimitState *limit = limit_of(query->planstate);
    if (reader == Reader::ClientInPortions || (limit && limit->limitCount && !limit->noCount))
        store::add_habit(statement, Habit::Limited, 1);
    if (limit && limit->limitOffset) {
        store::add_habit(statement, Habit::Offset, 1);
        store::add_habit(statement, Habit::RowsSkipped, rows_skipped(limit));
    }
}

} // namespace triage::client_habits
