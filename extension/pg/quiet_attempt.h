// Runs code that may raise from within a hook, on behalf of a user's statement that must not fail
// for it nor notice it. (pg/subtransaction.h is for functions, whose work is to stay.)
#pragma once

#include "pg/pg.h"

namespace triage {

// Whether an error could be caught and undone here: in a transaction, not in parallel mode.
bool can_attempt_quietly();

// Runs body(argument) in an internal subtransaction that is rolled back whatever happens, so that
// nothing that PostgreSQL acquired stays and the command counter does not move. False if it raised;
// the error is dropped. An error that was meant for the statement itself (a cancel, a recovery
// conflict) is raised on. `body` must hold no C++ object with a destructor when it calls
// PostgreSQL.
bool attempt_quietly(void (*body)(void *), void *argument);

} // namespace triage
