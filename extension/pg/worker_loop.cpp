#include "pg/worker_loop.h"

#include "pg/guard.h"

PG_HEADERS_BEGIN
#include "libpq/pqsignal.h"
#include "pgtime.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"
PG_HEADERS_END

namespace triage::worker_loop {

void install(const char *name, const char *main_function) {
    BackgroundWorker worker{};
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS;
    worker.bgw_start_time = BgWorkerStart_PostmasterStart;
    worker.bgw_restart_time = 10;
    strlcpy(worker.bgw_library_name, "pg_triage", BGW_MAXLEN);
    strlcpy(worker.bgw_function_name, main_function, BGW_MAXLEN);
    strlcpy(worker.bgw_name, name, BGW_MAXLEN);
    strlcpy(worker.bgw_type, name, BGW_MAXLEN);
    RegisterBackgroundWorker(&worker);
}

void accept_signals() {
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
    BackgroundWorkerUnblockSignals();
}

void leave() {
    proc_exit(1);
}

bool shutting_down() {
    return ShutdownRequestPending != 0;
}

void wait(long milliseconds) {
    call_server([=] {
        WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds,
                  PG_WAIT_EXTENSION);
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
        if (ConfigReloadPending) {
            ConfigReloadPending = false;
            ProcessConfigFile(PGC_SIGHUP);
        }
    });
}

double now_s() {
    return static_cast<double>(GetCurrentTimestamp()) / USECS_PER_SEC;
}

int hour_of_week(TimestampTz at) {
    return minute_of_week(at) / MINS_PER_HOUR;
}

int minute_of_week(TimestampTz at) {
    const auto seconds = static_cast<pg_time_t>(timestamptz_to_time_t(at));
    const pg_tm *local = pg_localtime(&seconds, log_timezone);
    if (!local)
        return 0;
    const int hour = (local->tm_wday + 6) % 7 * HOURS_PER_DAY + local->tm_hour;
    return hour * MINS_PER_HOUR + local->tm_min;
}

} // namespace triage::worker_loop
