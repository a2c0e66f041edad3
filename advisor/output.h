// Where a command's data goes: stdout, or a file that is replaced in one step.
#pragma once

#include "options.h"

#include <string_view>

namespace triage::advisor {

// Writes all of `text`; raises Failure if it could not be written completely.
void write_output(const Options &options, std::string_view text);

// True if the data goes to a terminal, so that colours and the terminal's width make sense.
bool output_is_terminal(const Options &options);

} // namespace triage::advisor
