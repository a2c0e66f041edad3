// Memory contexts of C++ objects: for what PostgreSQL functions palloc on behalf of C++ code.
#pragma once

#include "pg/guard.h"

namespace triage {

class WorkContext {
  public:
    WorkContext(const WorkContext &) = delete;
    WorkContext &operator=(const WorkContext &) = delete;

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

  protected:
    explicit WorkContext(MemoryContext context) : context_(context) {}
    ~WorkContext() = default;

    const MemoryContext context_;
};

// Lives as long as the object.
class ScratchContext : public WorkContext {
  public:
    // A child of the current memory context. Throws ServerError (out of memory).
    explicit ScratchContext(const char *name = "pg_triage scratch")
        : WorkContext(triage::call_server([&] {
              return AllocSetContextCreateInternal(CurrentMemoryContext, name,
                                                   ALLOCSET_DEFAULT_SIZES);
          })) {}
    ~ScratchContext() { MemoryContextDelete(context_); }
};

// Lives as long as the backend and is only emptied with the object: for work of some hundred
// kilobytes that comes again and again. Memory given back to the operating system would have to be
// asked for, and zeroed, anew.
class KeptContext : public WorkContext {
  public:
    // `kept` is where the context is remembered, null at first. Its first block, of `bytes`, is
    // kept. Throws ServerError (out of memory).
    KeptContext(MemoryContext &kept, const char *name, Size bytes)
        : WorkContext(kept ? kept : kept = triage::call_server([&] {
                                        return AllocSetContextCreateInternal(
                                            TopMemoryContext, name, bytes,
                                            ALLOCSET_DEFAULT_INITSIZE, ALLOCSET_DEFAULT_MAXSIZE);
                                    })) {}
    ~KeptContext() { reset(); }
};

} // namespace triage
