#include "pg/subtransaction.h"

PG_HEADERS_BEGIN
#include "access/xact.h"
#include "utils/resowner.h"
PG_HEADERS_END

namespace triage::subtransaction_detail {
namespace {

bool must_go_on(const ErrorData *error) {
    int category = ERRCODE_TO_CATEGORY(error->sqlerrcode);
    return error->sqlerrcode == ERRCODE_DATA_CORRUPTED ||
           error->sqlerrcode == ERRCODE_INDEX_CORRUPTED ||
           category == ERRCODE_OPERATOR_INTERVENTION ||
           category == ERRCODE_INSUFFICIENT_RESOURCES || category == ERRCODE_SYSTEM_ERROR;
}

} // namespace

ErrorData *attempt(void (*body)(void *), void *argument) {
    MemoryContext context = CurrentMemoryContext;
    ResourceOwner owner = CurrentResourceOwner;
    BeginInternalSubTransaction(nullptr);
    MemoryContextSwitchTo(context);
    ErrorData *error = guard_detail::call_catching(body, argument);
    MemoryContextSwitchTo(context);
    if (error == nullptr)
        ReleaseCurrentSubTransaction();
    else
        RollbackAndReleaseCurrentSubTransaction();
    MemoryContextSwitchTo(context);
    CurrentResourceOwner = owner;
    if (error != nullptr && must_go_on(error))
        ReThrowError(error);
    return error;
}

} // namespace triage::subtransaction_detail
