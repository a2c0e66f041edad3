// A memory context that lives as long as a C++ object: for what PostgreSQL functions palloc on
// behalf of C++ code.
#pragma once

#include "pg/guard.h"

namespace triage {

class ScratchContext {
  public:
    // A child of the current memory context. Throws ServerError (out of memory).
    explicit ScratchContext(const char *name = "pg_triage scratch")
        : context_(triage::call_server([&] {
              return AllocSetContextCreateInternal(CurrentMemoryContext, name,
                                                   ALLOCSET_DEFAULT_SIZES);
          })) {}
    ~ScratchContext() { MemoryContextDelete(context_); }
    ScratchContext(const ScratchContext &) = delete;
    ScratchContext &operator=(const ScratchContext &) = delete;

    // call_server with this as the current context. An error is copied to the caller's context.
    template <class Body> auto call_server(Body &&body) -> decltype(body()) {
        return triage::call_server([&]() -> decltype(body()) {
            MemoryContext caller = MemoryContextSwitchTo(context_);
            if constexpr (std::is_void_v<decltype(body())>) {
                body();
                MemoryContextSwitchTo(caller);
            } else {
                auto result = body();
                MemoryContextSwitchTo(caller);
                return result;
            }
        });
    }

    void reset() { MemoryContextReset(context_); }
    MemoryContext context() const { return context_; }

  private:
    MemoryContext context_;
};

} // namespace triage
