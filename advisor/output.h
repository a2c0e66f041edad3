// Where a command's data goes: stdout, or a file that is replaced in one step.
#pragma once

#include "options.h"

#include <string>
#include <string_view>

namespace triage::advisor {

// Writes all of `text`; raises Failure if it could not be written completely.
void write_output(const Options &options, std::string_view text);

// True if --output names a directory, for commands that write several files.
bool output_is_directory(const Options &options);
// Writes a file (its folders are made) below that directory.
void write_output_below(const Options &options, const std::string &path, std::string_view text);

// True if the data goes to a terminal, so that colours and the terminal's width make sense.
bool output_is_terminal(const Options &options);

} // namespace triage::advisor
