#include "server_message.h"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace triage::advisor {

namespace {

// Capital letters before ":  ": "DETAIL". In other languages, other letters; but never a long text.
std::string heading_of(const std::string &line) {
    const auto colon = line.find(":  ");
    const bool heading = colon != std::string::npos && colon < 20 && line.front() != ' ';
    return heading ? line.substr(0, colon) : "";
}

bool helps_nobody(const std::string &line) {
    return line.starts_with("LINE ") || line.starts_with("QUERY:  ") ||
           line.starts_with("CONTEXT:  ");
}

} // namespace

ServerMessage parse_server_message(const std::string &text) {
    ServerMessage message;
    std::string *part = &message.primary;
    bool skipping = false;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const std::string heading = heading_of(line);
        if (helps_nobody(line)) {
            skipping = true;
            continue;
        }
        if (!heading.empty()) {
            skipping = false;
            if (!message.primary.empty())
                part = heading == "HINT" ? &message.hint : &message.detail;
            if (message.primary.empty() || heading == "DETAIL" || heading == "HINT")
                line.erase(0, heading.size() + 3);
        }
        if (!skipping)
            *part += (part->empty() ? "" : "\n") + line;
    }
    for (std::string *each : {&message.primary, &message.detail, &message.hint})
        while (!each->empty() && std::isspace(static_cast<unsigned char>(each->back())))
            each->pop_back();
    return message;
}

} // namespace triage::advisor
