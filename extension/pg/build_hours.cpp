#include "pg/build_hours.h"

#include "core/build_window.h"
#include "pg/activity_store.h"
#include "pg/guc.h"
#include "pg/worker_loop.h"

PG_HEADERS_BEGIN
#include "pgtime.h"
#include "utils/timestamp.h"
PG_HEADERS_END

namespace triage::build_hours {

namespace {

const char *setting() {
    return guc::build_window ? guc::build_window : "";
}

bool is_auto() {
    return pg_strcasecmp(setting(), guc::auto_build_window) == 0;
}

bool is_busy(SessionState state) {
    return state != SessionState::Idle && state != SessionState::Unknown;
}

// Of the whole server: a build takes processors and disk away from every database.
QuietHours quiet_hours() {
    const activity::Log log = activity::read();
    WeekLoad week;
    for (int hour = 0; hour < hours_a_week; hour++) {
        HourLoad &load = week[static_cast<std::size_t>(hour)];
        load.weeks = weeks_of(log.head, hour);
        for (const ActivitySlot &slot : log.slots)
            if (is_busy(slot.key.state))
                load.busy += hour_of(log.head, slot, hour).mean;
    }
    return QuietHours(week);
}

// As now() would have it.
int minute_of_day() {
    const auto seconds = static_cast<pg_time_t>(timestamptz_to_time_t(GetCurrentTimestamp()));
    const pg_tm *local = pg_localtime(&seconds, session_timezone);
    return local ? local->tm_hour * MINS_PER_HOUR + local->tm_min : 0;
}

std::string zone() {
    return pg_get_timezone_name(log_timezone);
}

} // namespace

int minutes_until_open() {
    if (is_auto())
        return quiet_hours().minutes_until_open(worker_loop::minute_of_week(GetCurrentTimestamp()));
    return BuildWindow(setting()).minutes_until_open(minute_of_day());
}

std::string in_force() {
    if (!is_auto())
        return *setting() ? setting() : "always";
    const QuietHours quiet = quiet_hours();
    const std::string observed = std::to_string(quiet.observed()) + " of " +
                                 std::to_string(hours_a_week) + " hours of the week are known";
    return "auto: " + quiet.text() + " " + zone() +
           (quiet.are_learnt() ? ", the quietest; " : " until more is known; ") + observed;
}

} // namespace triage::build_hours
