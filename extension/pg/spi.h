// SQL of our own, from C++: every value goes in and comes out as text (the statements cast), which
// is enough for tables of jobs and keeps the callers free of Datums.
//
// Call inside connected(). Errors arrive as ServerError.
#pragma once

#include "pg/guard.h"

PG_HEADERS_BEGIN
#include "executor/spi.h"
PG_HEADERS_END

namespace triage::spi {

using Value = std::optional<std::string>; // nullopt: NULL
using Row = std::vector<Value>;

// Runs one statement with parameters $1, $2, ... of type text; returns its rows.
std::vector<Row> run(const char *statement, const std::vector<Value> &parameters = {});

// Runs `body` between SPI_connect and SPI_finish. After an exception the (sub)transaction must be
// rolled back, as always after an error; that closes the connection.
template <class Body> auto connected(Body &&body) -> decltype(body()) {
    call_server([] { SPI_connect(); });
    if constexpr (std::is_void_v<decltype(body())>) {
        body();
        call_server([] { SPI_finish(); });
    } else {
        auto result = body();
        call_server([] { SPI_finish(); });
        return result;
    }
}

// Values to and from text.
inline std::string text(std::int64_t value) {
    return std::to_string(value);
}
std::string text(double value);
std::int64_t integer(const Value &value); // 0 for NULL
double real(const Value &value);          // 0 for NULL
inline bool boolean(const Value &value) {
    return value && *value == "t";
}

} // namespace triage::spi
