#include "pg/guard.h"

#include <new>

namespace triage::guard_detail {

namespace {

// pstrdup that reports failure as null: this runs inside a catch block, where nothing may longjmp.
char *copy_text(const std::string &text) {
    if (text.empty())
        return nullptr;
    auto *copy = static_cast<char *>(
        MemoryContextAllocExtended(CurrentMemoryContext, text.size() + 1, MCXT_ALLOC_NO_OOM));
    if (copy)
        memcpy(copy, text.c_str(), text.size() + 1);
    return copy;
}

} // namespace

void capture(Failure &failure) noexcept {
    try {
        throw;
    } catch (const ServerError &error) {
        failure.server_error = error.error();
    } catch (const SqlError &error) {
        failure.sqlstate = error.sqlstate;
        failure.message = copy_text(error.message);
        failure.detail = copy_text(error.detail);
        failure.hint = copy_text(error.hint);
    } catch (const std::bad_alloc &) {
        failure.sqlstate = ERRCODE_OUT_OF_MEMORY;
    } catch (const std::exception &error) {
        failure.sqlstate = ERRCODE_INTERNAL_ERROR;
        failure.message = copy_text(error.what());
    } catch (...) {
        failure.sqlstate = ERRCODE_INTERNAL_ERROR;
    }
}

void raise(const Failure &failure) {
    if (failure.server_error)
        ReThrowError(failure.server_error);
    const char *message = failure.message                               ? failure.message
                          : failure.sqlstate == ERRCODE_OUT_OF_MEMORY ? "out of memory"
                                                                        : "unexpected C++ exception";
    ereport(ERROR,
            (errcode(failure.sqlstate), errmsg_internal("%s", message),
             failure.detail ? errdetail_internal("%s", failure.detail) : 0,
             failure.hint ? errhint("%s", failure.hint) : 0));
    pg_unreachable();
}

ErrorData *call_catching(void (*body)(void *), void *argument) {
    MemoryContext context = CurrentMemoryContext;
    sigjmp_buf *saved_stack = PG_exception_stack;
    ErrorContextCallback *saved_callbacks = error_context_stack;
    sigjmp_buf handler;
    ErrorData *volatile error = nullptr;

    if (sigsetjmp(handler, 0) == 0) {
        PG_exception_stack = &handler;
        body(argument);
    } else {
        PG_exception_stack = saved_stack;
        error_context_stack = saved_callbacks;
        MemoryContextSwitchTo(context);
        error = CopyErrorData();
        FlushErrorState();
    }
    PG_exception_stack = saved_stack;
    error_context_stack = saved_callbacks;
    return error;
}

} // namespace triage::guard_detail
