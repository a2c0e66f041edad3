// How much of a processor the process of this session gets beside others: pg_triage.nice, for lanes
// that must not keep urgent ones waiting. No function raises.
#pragma once

namespace triage::process_priority {

// Whether the operating system lets this process go to `nice` steps below the server's own
// priority. Going lower always works; back up, an unprivileged process mostly may not.
bool can_become(int nice);

// Goes there, as far as it may.
void become(int nice);

} // namespace triage::process_priority
