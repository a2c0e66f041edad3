// SQL functions over the log of activity: triage.activity_minutes, activity_hours. The views over
// them are in sql/pg_triage.sql.
#include "pg/activity_store.h"
#include "pg/guard.h"
#include "pg/row_writer.h"
#include "pg/visibility.h"

PG_HEADERS_BEGIN
#include "utils/timestamp.h"
PG_FUNCTION_INFO_V1(pg_triage_activity_minutes);
PG_FUNCTION_INFO_V1(pg_triage_activity_hours);
PG_HEADERS_END

namespace triage {

namespace {

// As pg_stat_activity has them.
const char *name_of(SessionState state) {
    switch (state) {
    case SessionState::Active:
        return "active";
    case SessionState::Idle:
        return "idle";
    case SessionState::IdleInTransaction:
        return "idle in transaction";
    case SessionState::IdleInFailedTransaction:
        return "idle in transaction (aborted)";
    case SessionState::Unknown:
    case SessionState::Count:
        break;
    }
    return "disabled";
}

const char *name_of(WaitClass wait) {
    constexpr std::array names = {"none", "LWLock",  "Lock", "BufferPin", "Client", "Extension",
                                  "IPC",  "Timeout", "IO",   "WAL",       "other"};
    static_assert(names.size() == static_cast<std::size_t>(WaitClass::Count));
    return names[static_cast<std::size_t>(wait)];
}

TimestampTz begin_of(std::uint32_t minute) {
    return time_t_to_timestamptz(static_cast<pg_time_t>(minute) * SECS_PER_MINUTE);
}

void add_key(RowWriter &rows, const activity::Log &log, const ActivityKey &key) {
    rows.add_oid(key.database);
    rows.add_oid(key.user);
    if (const auto application = log.application(key.application))
        rows.add_text(*application);
    else
        rows.add_null();
    rows.add_text(name_of(key.state));
    rows.add_text(name_of(key.wait));
}

void write_minutes(RowWriter &rows, const activity::Log &log, const ActivitySlot &slot) {
    for (std::size_t i = 0; i < slot.minutes.size(); i++) {
        const MinuteActivity &minute = slot.minutes[i];
        if (minute.sessions == 0 || log.head.looks[i] == 0)
            continue;
        rows.add_timestamptz(begin_of(log.head.minute[i]));
        add_key(rows, log, slot.key);
        rows.add_int8(log.head.looks[i]);
        rows.add_float8(static_cast<double>(minute.sessions) / log.head.looks[i]);
        rows.add_int8(minute.peak);
        rows.add_float8(1000.0 * minute.transaction_age_s / minute.sessions);
        rows.add_float8(1000.0 * minute.oldest_s);
        rows.end_row();
    }
}

void write_hours(RowWriter &rows, const activity::Log &log, const ActivitySlot &slot) {
    for (int hour = 0; hour < activity_hours; hour++) {
        const HourActivity activity = hour_of(log.head, slot, hour);
        if (activity.peak <= 0)
            continue;
        rows.add_int8(hour);
        add_key(rows, log, slot.key);
        rows.add_float8(activity.mean);
        rows.add_float8(activity.peak);
        rows.add_float8(weeks_of(log.head, hour));
        rows.end_row();
    }
}

template <class Write> Datum return_rows(FunctionCallInfo fcinfo, Write write) {
    return guard_sql([&] {
        if (!activity::available())
            throw SqlError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                           "pg_triage must be loaded via shared_preload_libraries", {},
                           "Add pg_triage to shared_preload_libraries after pg_stat_statements and "
                           "restart the server.");
        RowWriter rows(fcinfo);
        const Visibility visibility;
        const activity::Log log = activity::read();
        for (const ActivitySlot &slot : log.slots)
            if (visibility.shows(slot.key.user))
                write(rows, log, slot);
        return Datum{0};
    });
}

} // namespace

} // namespace triage

Datum pg_triage_activity_minutes(PG_FUNCTION_ARGS) {
    return triage::return_rows(fcinfo, triage::write_minutes);
}

Datum pg_triage_activity_hours(PG_FUNCTION_ARGS) {
    return triage::return_rows(fcinfo, triage::write_hours);
}
