#include "pg/subtransaction.h"

PG_HEADERS_BEGIN
#include "access/xact.h"
#include "utils/resowner.h"
PG_HEADERS_END

namespace triage::subtransaction_detail {

Origin begin() {
    Origin origin{CurrentMemoryContext, CurrentResourceOwner};
    BeginInternalSubTransaction(nullptr);
    MemoryContextSwitchTo(origin.context);
    return origin;
}

void commit(const Origin &origin) {
    ReleaseCurrentSubTransaction();
    MemoryContextSwitchTo(origin.context);
    CurrentResourceOwner = origin.owner;
}

void roll_back(const Origin &origin) {
    RollbackAndReleaseCurrentSubTransaction();
    MemoryContextSwitchTo(origin.context);
    CurrentResourceOwner = origin.owner;
}

bool is_survivable(int sqlstate) {
    int category = ERRCODE_TO_CATEGORY(sqlstate);
    return sqlstate != ERRCODE_DATA_CORRUPTED && sqlstate != ERRCODE_INDEX_CORRUPTED &&
           category != ERRCODE_OPERATOR_INTERVENTION &&
           category != ERRCODE_INSUFFICIENT_RESOURCES && category != ERRCODE_SYSTEM_ERROR;
}

ErrorData *attempt(void (*body)(void *), void *argument) {
    Origin origin = begin();
    ErrorData *error = guard_detail::call_catching(body, argument);
    if (error == nullptr) {
        commit(origin);
        return nullptr;
    }
    roll_back(origin);
    if (!is_survivable(error->sqlerrcode))
        ReThrowError(error);
    return error;
}

} // namespace triage::subtransaction_detail
