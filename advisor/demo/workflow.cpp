#include "demo/workflow.h"

#include <regex>

namespace triage::advisor {

std::optional<Workflow> parse_workflow(const std::string &script) {
    static const std::regex head(
        R"(-- workflow: ([^;\n]+); kind: (read|write); weight: ([1-9][0-9]{0,3})\n)");
    std::smatch match;
    if (!std::regex_search(script, match, head, std::regex_constants::match_continuous))
        return std::nullopt;
    return Workflow{match[1], match[2] == "write", std::stoi(match[3]), script};
}

std::string script_for(Protocol protocol, const std::string &script) {
    static const std::regex text_parameter(R"(:'([A-Za-z_]\w*)')");
    return std::regex_replace(script, text_parameter,
                              protocol == Protocol::Simple ? "':$1'" : ":$1");
}

} // namespace triage::advisor
