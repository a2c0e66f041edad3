// Transactions of a background worker: one body, one transaction; an error rolls it back and goes
// on as a WorkerError, which holds nothing of the server's memory.
#pragma once

#include "pg/spi.h"

PG_HEADERS_BEGIN
#include "access/xact.h"
#include "utils/snapmgr.h"
PG_HEADERS_END

namespace triage {

// An error that ended a worker's transaction. Detail and context are dropped: they quote rows.
class WorkerError : public std::exception {
  public:
    WorkerError(std::string sqlstate, std::string message, bool in_user_code)
        : sqlstate(std::move(sqlstate)), message(std::move(message)), in_user_code(in_user_code) {}
    const char *what() const noexcept override { return message.c_str(); }

    std::string sqlstate, message;
    bool
        in_user_code; // raised inside a function in PL/pgSQL, SQL, ...: the message may be anything
};

namespace worker_detail {
// Rolls back and throws the WorkerError for the exception in flight; call inside a catch block.
[[noreturn]] void roll_back_and_throw();
void begin();
void commit();
void roll_back();
} // namespace worker_detail

// Runs the body in a transaction with a snapshot, connected to SPI.
template <class Body> auto worker_transaction(Body &&body) -> decltype(body()) {
    try {
        call_server([] { worker_detail::begin(); });
        if constexpr (std::is_void_v<decltype(body())>) {
            spi::connected(body);
            call_server([] { worker_detail::commit(); });
        } else {
            auto result = spi::connected(body);
            call_server([] { worker_detail::commit(); });
            return result;
        }
    } catch (...) {
        worker_detail::roll_back_and_throw();
    }
}

// Runs the body likewise, and takes back all that it did.
template <class Body> void worker_rehearsal(Body &&body) {
    try {
        call_server([] { worker_detail::begin(); });
        spi::connected(body);
        call_server([] { worker_detail::roll_back(); });
    } catch (...) {
        worker_detail::roll_back_and_throw();
    }
}

// Runs calls into the server that begin and end transactions by themselves, starting inside one,
// with a memory context that outlives them. No C++ objects inside.
template <class Body> void worker_command(Body &&body) {
    try {
        call_server(body);
    } catch (...) {
        worker_detail::roll_back_and_throw();
    }
}

} // namespace triage
