// The parts of an error message as libpq formats it.
#pragma once

#include <string>

namespace triage::advisor {

struct ServerMessage {
    std::string primary, detail, hint;
};

// "ERROR:  primary\nDETAIL:  …\nHINT:  …". Lines with other (or translated) headings are kept in
// the detail as they are; where in our own SQL text it happened, and in which function, helps
// nobody.
ServerMessage parse_server_message(const std::string &text);

} // namespace triage::advisor
