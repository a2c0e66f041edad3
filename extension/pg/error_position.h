// Errors about a statement that was handed over as a value: the position in its text must not be
// taken for a position in the statement that the client sent. The text itself is not repeated (it
// may hold literals, and messages reach the log).
#pragma once

#include "pg/pg.h"

namespace triage {

// Between the two, an error's position moves into its context. Call both inside call_server.
void enter_given_statement(ErrorContextCallback *callback);
void leave_given_statement(const ErrorContextCallback *callback);

} // namespace triage
