#include "pg/quiet_attempt.h"

PG_HEADERS_BEGIN
#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
PG_HEADERS_END

namespace triage {

namespace {

bool meant_for_the_statement(int sqlstate) {
    return sqlstate == ERRCODE_QUERY_CANCELED || sqlstate == ERRCODE_T_R_SERIALIZATION_FAILURE;
}

} // namespace

bool can_attempt_quietly() {
    return IsTransactionState() && !IsInParallelMode();
}

bool attempt_quietly(void (*body)(void *), void *argument) {
    MemoryContext context = CurrentMemoryContext;
    ResourceOwner owner = CurrentResourceOwner;
    volatile bool succeeded = false;
    ErrorData *volatile to_raise = nullptr;

    // The body's memory is the subtransaction's, and goes with it.
    BeginInternalSubTransaction(nullptr);
    PG_TRY();
    {
        body(argument);
        succeeded = true;
    }
    PG_CATCH();
    {
        MemoryContextSwitchTo(context);
        if (meant_for_the_statement(geterrcode()))
            to_raise = CopyErrorData();
        FlushErrorState();
    }
    PG_END_TRY();
    RollbackAndReleaseCurrentSubTransaction();
    MemoryContextSwitchTo(context);
    CurrentResourceOwner = owner;
    if (to_raise)
        ReThrowError(to_raise);
    return succeeded;
}

} // namespace triage
