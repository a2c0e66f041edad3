// CALL triage.wait_for_job: polls with no snapshot held in between, for the build that is waited
// for waits for snapshots itself.
#include "core/build_job.h"
#include "pg/spi.h"

PG_HEADERS_BEGIN
#include "access/xact.h"
#include "nodes/parsenodes.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(pg_triage_wait_for_job);
PG_HEADERS_END

namespace triage {

namespace {

constexpr long first_poll_ms = 20, longest_poll_ms = 500;

bool may_commit(FunctionCallInfo fcinfo) {
    return fcinfo->context && IsA(fcinfo->context, CallContext) &&
           !castNode(CallContext, fcinfo->context)->atomic;
}

std::int64_t milliseconds(const Interval *interval) {
    return interval->time / 1000 + (std::int64_t{interval->month} * 30 + interval->day) * 86400000;
}

// What SQLSTATE a failed job is reported with: its own, for scripts that look at it.
int sqlstate_of(const spi::Value &text) {
    if (!text || text->size() != 5)
        return ERRCODE_INTERNAL_ERROR;
    return MAKE_SQLSTATE((*text)[0], (*text)[1], (*text)[2], (*text)[3], (*text)[4]);
}

// True if the wait is over; throws if it ended badly. The caller's own search_path is in force, so
// the operator is qualified.
bool look(std::int64_t id, bool verified) {
    const std::vector<spi::Row> rows =
        spi::run("SELECT status, error, sqlstate FROM triage.jobs "
                 "WHERE id OPERATOR(pg_catalog.=) $1::pg_catalog.int8",
                 {spi::text(id)});
    const std::string job = "job " + spi::text(id);
    if (rows.empty())
        throw SqlError(ERRCODE_UNDEFINED_OBJECT, job + " does not exist", "",
                       "A job that another transaction queued is seen once that commits.");
    switch (job_status(rows[0][0].value_or("")).value_or(JobStatus::Failed)) {
    case JobStatus::Queued:
    case JobStatus::Running:
        return false;
    case JobStatus::Verifying:
        return !verified;
    case JobStatus::Kept:
    case JobStatus::Reverted:
        return true;
    case JobStatus::Cancelled:
        throw SqlError(ERRCODE_QUERY_CANCELED, job + " was cancelled");
    case JobStatus::Failed:
        break;
    }
    throw SqlError(sqlstate_of(rows[0][2]),
                   job + " failed: " + rows[0][1].value_or("no reason is known"));
}

void wait(std::int64_t id, std::int64_t timeout_ms, bool verified) {
    const TimestampTz start = GetCurrentTimestamp();
    call_server([] { SPI_connect_ext(SPI_OPT_NONATOMIC); });
    for (long pause_ms = first_poll_ms; !look(id, verified);
         pause_ms = std::min(pause_ms * 2, longest_poll_ms)) {
        if (TimestampDifferenceExceeds(start, GetCurrentTimestamp(), static_cast<int>(timeout_ms)))
            throw SqlError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                           "job " + spi::text(id) + " has not finished in time",
                           "It goes on in the background.", "Its state is in triage.jobs.");
        call_server([pause_ms] {
            SPI_commit();
            (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, pause_ms,
                            PG_WAIT_EXTENSION);
            ResetLatch(MyLatch);
            CHECK_FOR_INTERRUPTS();
        });
    }
    call_server([] { SPI_finish(); });
}

} // namespace
} // namespace triage

Datum pg_triage_wait_for_job(PG_FUNCTION_ARGS) {
    using namespace triage;
    return guard_sql([&]() -> Datum {
        if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
            throw SqlError(ERRCODE_NULL_VALUE_NOT_ALLOWED,
                           "arguments of wait_for_job must not be null");
        if (!may_commit(fcinfo))
            throw SqlError(
                ERRCODE_ACTIVE_SQL_TRANSACTION,
                "cannot wait for a job inside a transaction block or a function",
                "The build would wait for this transaction, and this transaction for the "
                "build.",
                "Commit first, then CALL triage.wait_for_job() on its own.");
        const std::int64_t timeout_ms =
            std::clamp<std::int64_t>(milliseconds(PG_GETARG_INTERVAL_P(1)), 0, INT_MAX);
        wait(PG_GETARG_INT64(0), timeout_ms, PG_GETARG_BOOL(2));
        return Datum{0};
    });
}
