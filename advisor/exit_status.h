// How the program ends, and the one exception that carries a failure to main.
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace triage::advisor {

enum class ExitStatus : int {
    Fine = 0,
    CheckFailed = 1,  // a target is missed
    Usage = 2,        // wrong options
    NoServer = 3,     // cannot connect, or the extension is missing or unreadable
    ActionFailed = 4, // something that should have been done was not
};

// In the terms of PostgreSQL's messages: `message` is the primary line (lower case, no full stop),
// `detail` and `hint` are sentences; both may be empty.
class Failure : public std::exception {
  public:
    Failure(ExitStatus status, std::string message, std::string detail = {}, std::string hint = {})
        : status(status), message(std::move(message)), detail(std::move(detail)),
          hint(std::move(hint)) {}
    const char *what() const noexcept override { return message.c_str(); }

    ExitStatus status;
    std::string message, detail, hint;
};

} // namespace triage::advisor
