// A second guard over statement text. pg_stat_statements normalises it, but keeps comments, and may
// keep a text as it was typed when it evicts an entry in mid-execution: such text never gets into a
// view or report.
#pragma once

#include <string>

namespace triage {

// The statement on one line, without comments; whatever is still a string or a number becomes "?".
std::string without_literals(const std::string &sql);

} // namespace triage
