// Calls into PostgreSQL whose errors are expected and survived: inside an internal subtransaction,
// which also works on a hot standby.
#pragma once

#include "pg/guard.h"

#include <optional>
#include <string>

PG_HEADERS_BEGIN
#include "utils/resowner.h"
PG_HEADERS_END

namespace triage {

struct SurvivedError {
    int sqlstate;
    std::string message;
};

namespace subtransaction_detail {
ErrorData *attempt(void (*body)(void *), void *argument);

// Where a subtransaction began, to come back to.
struct Origin {
    MemoryContext context;
    ResourceOwner owner;
};
Origin begin();
void commit(const Origin &origin);
void roll_back(const Origin &origin);
bool is_survivable(int sqlstate);
} // namespace subtransaction_detail

// Runs `body`, which must hold no C++ object when it calls the server, and returns the error that
// it raised, or null. What it did is then undone; what it palloc'ed in the caller's memory context
// stays. The end of the session, a cancel and a lack of resources are no such errors: they are
// raised again. May raise, so call it where the server may.
template <class Body> ErrorData *attempt(Body &&body) {
    return subtransaction_detail::attempt(
        [](void *argument) { (*static_cast<std::remove_reference_t<Body> *>(argument))(); }, &body);
}

// The same for a body in C++ (which uses call_server and throws): returns what went wrong.
template <class Body> std::optional<SurvivedError> survive(Body &&body) {
    using namespace subtransaction_detail;
    Origin origin = call_server([] { return begin(); });
    std::optional<SurvivedError> error;
    try {
        body();
    } catch (const ServerError &e) {
        call_server([&] { roll_back(origin); });
        if (!is_survivable(e.error()->sqlerrcode))
            throw;
        error = {e.error()->sqlerrcode, e.error()->message ? e.error()->message : ""};
    } catch (const SqlError &e) {
        call_server([&] { roll_back(origin); });
        error = {e.sqlstate, e.message};
    } catch (...) {
        call_server([&] { roll_back(origin); });
        throw;
    }
    if (!error)
        call_server([&] { commit(origin); });
    return error;
}

} // namespace triage
