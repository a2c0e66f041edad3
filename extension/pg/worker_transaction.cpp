#include "pg/worker_transaction.h"

PG_HEADERS_BEGIN
#include "utils/timeout.h"
PG_HEADERS_END

namespace triage::worker_detail {

namespace {

std::string text_of(int sqlstate) {
    return unpack_sql_state(sqlstate);
}

WorkerError error_in_flight() {
    try {
        throw;
    } catch (const WorkerError &error) {
        return error;
    } catch (const ServerError &error) {
        const ErrorData *data = error.error();
        return {text_of(data->sqlerrcode), data->message ? data->message : "",
                data->context != nullptr};
    } catch (const SqlError &error) {
        return {text_of(error.sqlstate), error.message, false};
    } catch (const std::bad_alloc &) {
        return {text_of(ERRCODE_OUT_OF_MEMORY), "out of memory", false};
    } catch (const std::exception &error) {
        return {text_of(ERRCODE_INTERNAL_ERROR), error.what(), false};
    }
}

} // namespace

void roll_back_and_throw() {
    const WorkerError error = error_in_flight();
    call_server([] {
        disable_all_timeouts(false);
        QueryCancelPending = false;
        AbortCurrentTransaction();
    });
    throw error;
}

void begin() {
    StartTransactionCommand();
    PushActiveSnapshot(GetTransactionSnapshot());
}

void roll_back() {
    AbortCurrentTransaction();
}

void commit() {
    PopActiveSnapshot();
    CommitTransactionCommand();
}

} // namespace triage::worker_detail
