// How much of the processors this session's process gets beside others: pg_triage.priority, for
// lanes that must not keep urgent ones waiting. No function raises.
#pragma once

namespace triage::process_priority {

enum class Priority : int {
    Normal, // the server's own
    Low,    // a tenth of what others have, where they want the same processor
    Idle    // what others leave; as Low where the operating system knows no better
};

// Whether the operating system lets this process go there. Lower always works; back up, an
// unprivileged process mostly may not.
bool can_become(Priority priority);

// Goes there, as far as it may.
void become(Priority priority);

} // namespace triage::process_priority
