// Small files of the extension in the data directory: read as a whole, replaced in one step. For
// background workers, which may be interrupted only between calls.
#pragma once

#include "pg/pg.h"

namespace triage::plain_file {

enum class Reading { Done, Absent, Failed, TooLarge };

Reading read(const char *name, std::size_t at_most, std::vector<unsigned char> &bytes);

// Writes `temporary` and renames it; true if the file is safely there. On failure says so in the
// log and the old file stays. May raise what PostgreSQL raises.
bool replace(const char *name, const char *temporary,
             std::initializer_list<std::string_view> bytes);

} // namespace triage::plain_file
