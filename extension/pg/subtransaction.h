// Calls into PostgreSQL whose errors are expected and survived: inside an internal subtransaction,
// which also works on a hot standby.
#pragma once

#include "pg/guard.h"

namespace triage {

namespace subtransaction_detail {
ErrorData *attempt(void (*body)(void *), void *argument);
} // namespace subtransaction_detail

// Runs `body` and returns the error that it raised, or null. What it did is then undone; what it
// palloc'ed in the caller's memory context stays. The end of the session, a cancel and a lack of
// resources are no such errors: they are raised again. May raise, so call it where the server may.
template <class Body> ErrorData *attempt(Body &&body) {
    return subtransaction_detail::attempt(
        [](void *argument) { (*static_cast<std::remove_reference_t<Body> *>(argument))(); }, &body);
}

} // namespace triage
