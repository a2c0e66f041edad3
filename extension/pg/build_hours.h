// When the build worker may begin a build: pg_triage.build_window, and for 'auto' the quiet hours
// in the log of activity. Needs the library preloaded.
#pragma once

#include <string>

namespace triage::build_hours {

// 0: now.
int minutes_until_open();

// For people: which hours are in force, and why these.
std::string in_force();

} // namespace triage::build_hours
