// What the program says to people, on stderr, in the form and the colours of PostgreSQL's own
// client programs. Data never goes this way.
#pragma once

#include "exit_status.h"

#include <string>

namespace triage::advisor {

// Colours follow PG_COLOR (always, auto, never) and PG_COLORS; NO_COLOR and --no-color switch them
// off.
void disable_colors();
bool stderr_has_colors();
bool stdout_has_colors();

void print_failure(const Failure &failure);
void print_warning(const std::string &message, const std::string &detail = {},
                   const std::string &hint = {});
// A line for a person who waits; --quiet callers do not call it.
void print_note(const std::string &message);

} // namespace triage::advisor
