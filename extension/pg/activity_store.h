// The log of activity in shared memory, and its file pg_stat/pg_triage_activity.stat. One process
// writes (the activity worker), everybody may read; a reading is a copy.
#pragma once

#include "core/activity_log.h"
#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "datatype/timestamp.h"
PG_HEADERS_END

namespace triage::activity {

// Hooks for shared memory; called while preloading.
void install_store();

// True if the library was preloaded.
bool available();

// Bytes of shared memory that it takes out of pg_triage.memory.
std::size_t shared_bytes();

struct Log {
    ActivityHead head;
    std::vector<ActivitySlot> slots;

    // As it may be shown: nothing for names that fewer sessions shared than the privacy rule asks.
    std::optional<std::string> application(std::uint16_t number) const;
};

Log read();
TimestampTz last_look(); // 0: none since the server started
void reset();

// Appends the shared memory as it is.
void dump(std::string &out);

// ---- the activity worker ----

void record(std::span<const ActivitySample> samples, const ActivityMoment &moment);

// The number of a name that so many sessions had: of the list, to which it is added if the privacy
// rule lets it out.
std::uint16_t application_number(std::string_view name, std::uint32_t sessions);

// Writes the file in one step; on failure says so in the log and keeps the old one. May raise what
// PostgreSQL raises.
void save();

// Takes the log of an earlier run, unless there is one already or the file cannot be trusted (then
// with a line in the log).
void load();

} // namespace triage::activity
