// The bridge between PostgreSQL's errors (longjmp) and C++ exceptions.
//
// guard_sql:   wraps a C++ body called by PostgreSQL. Exceptions are turned into ereport(ERROR) after
//              every C++ object has been destroyed.
// call_server: wraps a call into PostgreSQL made while C++ objects live. An ERROR is turned into a
//              ServerError that carries the whole ErrorData (SQLSTATE, detail, hint, context).
//
// call_server does not roll anything back: either the exception reaches guard_sql and the error is
// raised again, or whoever swallows it must have opened an internal subtransaction.
#pragma once

#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "utils/memutils.h"
PG_HEADERS_END

namespace triage {

// An ERROR raised by PostgreSQL code, in flight through C++ frames.
class ServerError : public std::exception {
  public:
    // Takes over `error`, which must have been made by CopyErrorData in a context that outlives the throw.
    explicit ServerError(ErrorData *error) : error_(error) {}
    ErrorData *error() const { return error_; }
    const char *what() const noexcept override { return error_->message; }

  private:
    ErrorData *error_;
};

// An error of our own, in PostgreSQL's terms: `message` is the primary line (lower case, no full stop),
// `detail` and `hint` are sentences.
class SqlError : public std::exception {
  public:
    SqlError(int sqlstate, std::string message, std::string detail = {}, std::string hint = {})
        : sqlstate(sqlstate), message(std::move(message)), detail(std::move(detail)),
          hint(std::move(hint)) {}
    const char *what() const noexcept override { return message.c_str(); }

    int sqlstate;
    std::string message, detail, hint;
};

namespace guard_detail {

// What an exception leaves behind once all C++ frames are gone: palloc'ed or plain data only.
struct Failure {
    ErrorData *server_error = nullptr;
    int sqlstate = 0;
    char *message = nullptr;
    char *detail = nullptr;
    char *hint = nullptr;
};

// Fills `failure` from the exception in flight; call inside a catch block. Never throws.
void capture(Failure &failure) noexcept;

[[noreturn]] void raise(const Failure &failure);

// Calls `body(argument)` under a sigsetjmp handler; returns the error raised, or null.
ErrorData *call_catching(void (*body)(void *), void *argument);

} // namespace guard_detail

// Runs a C++ body on behalf of PostgreSQL. Put nothing with a destructor around it.
template <class Body> auto guard_sql(Body &&body) -> decltype(body()) {
    guard_detail::Failure failure;
    try {
        return body();
    } catch (...) {
        guard_detail::capture(failure);
    }
    guard_detail::raise(failure);
}

// Runs a body that calls PostgreSQL functions; they may raise, so the body itself must hold no C++
// object with a destructor at the moment of such a call (capture by reference from outside instead).
template <class Body> auto call_server(Body &&body) -> decltype(body()) {
    using Result = decltype(body());
    if constexpr (std::is_void_v<Result>) {
        ErrorData *error = guard_detail::call_catching(
            [](void *argument) { (*static_cast<std::remove_reference_t<Body> *>(argument))(); },
            &body);
        if (error)
            throw ServerError(error);
    } else {
        static_assert(std::is_trivially_copyable_v<Result>,
                      "a longjmp would skip the result's destructor");
        struct Call {
            std::remove_reference_t<Body> *body;
            Result result;
        } call{&body, Result{}};
        ErrorData *error = guard_detail::call_catching(
            [](void *argument) {
                auto *call = static_cast<Call *>(argument);
                call->result = (*call->body)();
            },
            &call);
        if (error)
            throw ServerError(error);
        return call.result;
    }
}

} // namespace triage
