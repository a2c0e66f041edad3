// A memory context for the length of a C++ scope: current inside it, gone after it. When an
// exception leaves the scope the context stays until its parent goes, for the error itself may be
// in there.
#pragma once

#include "pg/guard.h"

namespace triage {

class ScopedMemory {
  public:
    explicit ScopedMemory(const char *name) // a string literal
        : outer_(CurrentMemoryContext), context_(call_server([&] {
              return AllocSetContextCreateInternal(CurrentMemoryContext, name,
                                                   ALLOCSET_DEFAULT_SIZES);
          })) {
        MemoryContextSwitchTo(context_);
    }

    ~ScopedMemory() {
        MemoryContextSwitchTo(outer_);
        if (std::uncaught_exceptions() == exceptions_)
            MemoryContextDelete(context_);
    }

    ScopedMemory(const ScopedMemory &) = delete;
    ScopedMemory &operator=(const ScopedMemory &) = delete;

    MemoryContext outer() const { return outer_; }

  private:
    MemoryContext outer_, context_;
    int exceptions_ = std::uncaught_exceptions();
};

} // namespace triage
