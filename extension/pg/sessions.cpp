#include "pg/sessions.h"

#include "pg/compat.h"
#include "pg/guard.h"

PG_HEADERS_BEGIN
#include "storage/proc.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"
PG_HEADERS_END

namespace triage::sessions {

namespace {

// By process; read as they are, like pg_stat_activity does.
std::unordered_map<int, std::uint32_t> read_waits() {
    std::unordered_map<int, std::uint32_t> waits;
    for (std::uint32_t i = 0; i < ProcGlobal->allProcCount; i++) {
        const volatile PGPROC *process = &ProcGlobal->allProcs[i];
        if (const int pid = process->pid; pid != 0)
            waits[pid] = process->wait_event_info;
    }
    return waits;
}

WaitClass wait_class(std::uint32_t wait) {
    if (wait == WAIT_EVENT_WAL_SYNC || wait == WAIT_EVENT_WAL_WRITE)
        return WaitClass::Wal;
    switch (wait & 0xFF000000U) {
    case 0:
        return WaitClass::None;
    case PG_WAIT_LWLOCK:
        return WaitClass::LightweightLock;
    case PG_WAIT_LOCK:
        return WaitClass::Lock;
    case buffer_pin_wait:
        return WaitClass::BufferPin;
    case PG_WAIT_CLIENT:
        return WaitClass::Client;
    case PG_WAIT_EXTENSION:
        return WaitClass::Extension;
    case PG_WAIT_IPC:
        return WaitClass::Ipc;
    case PG_WAIT_TIMEOUT:
        return WaitClass::Timeout;
    case PG_WAIT_IO:
        return WaitClass::Io;
    default:
        return WaitClass::Other;
    }
}

// Nothing for a session that has not begun its work yet.
std::optional<SessionState> state_of(BackendState state) {
    switch (state) {
    case STATE_RUNNING:
    case STATE_FASTPATH:
        return SessionState::Active;
    case STATE_IDLE:
        return SessionState::Idle;
    case STATE_IDLEINTRANSACTION:
        return SessionState::IdleInTransaction;
    case STATE_IDLEINTRANSACTION_ABORTED:
        return SessionState::IdleInFailedTransaction;
    case STATE_DISABLED:
        return SessionState::Unknown;
    default:
        return std::nullopt;
    }
}

double seconds_between(TimestampTz from, TimestampTz to) {
    return from == 0 ? 0 : std::max(0.0, static_cast<double>(to - from) / USECS_PER_SEC);
}

} // namespace

std::vector<Sight> look() {
    const int count = call_server([] {
        pgstat_clear_backend_activity_snapshot();
        return pgstat_fetch_stat_numbackends();
    });
    const auto waits = read_waits();
    const TimestampTz now = GetCurrentTimestamp();
    std::vector<Sight> sights;
    for (int i = 0; i < count; i++) {
        const PgBackendStatus *status = session_status(i);
        if (!status || status->st_backendType != B_BACKEND || !OidIsValid(status->st_databaseid))
            continue;
        const auto state = state_of(status->st_state);
        if (!state)
            continue;
        const auto wait = waits.find(status->st_procpid);
        Sight sight{status->st_procpid,
                    status->st_proc_start_timestamp,
                    status->st_databaseid,
                    status->st_userid,
                    *state,
                    wait == waits.end() ? WaitClass::None : wait_class(wait->second),
                    seconds_between(status->st_xact_start_timestamp, now),
                    {}};
        strlcpy(sight.application, status->st_appname, sizeof sight.application);
        sights.push_back(sight);
    }
    return sights;
}

} // namespace triage::sessions
