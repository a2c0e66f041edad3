// The advisor's reader of captures of hot blocks. The input is the content; the checksum is made
// right around it, except where the first byte says that the input is the whole file.
#include "target.h"

#include "exit_status.h"
#include "warm/capture.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace {

// FNV-1a, as the writer has it.
std::string checksum_of(const std::string &text) {
    std::uint64_t hash = 14695981039346656037U;
    for (const char c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
    return fmt::format("{:016x}", hash);
}

std::string sealed(const std::string &content) {
    using Json = nlohmann::ordered_json;
    try {
        const Json parsed = Json::parse(content);
        return Json{
            {"pg_triage_capture", 1}, {"checksum", checksum_of(parsed.dump())}, {"content", parsed}}
            .dump();
    } catch (const Json::exception &) {
        return content;
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    using namespace triage::advisor;
    if (size == 0)
        return 0;
    std::string text(reinterpret_cast<const char *>(data) + 1, size - 1);
    if (data[0] != 'F')
        text = sealed(text);
    try {
        const Capture capture = parse_capture(text, "input");
        for (const triage::WarmExtent &extent : capture.extents) {
            require(extent.relation < capture.relations.size(), "an extent is of a relation");
            require(name_of_fork(extent.fork) != nullptr, "and of a fork");
        }
        require(parse_capture(text_of_capture(capture), "again").extents.size() ==
                    capture.extents.size(),
                "what was read and written can be read");
    } catch (const Failure &failure) {
        require(!failure.message.empty(), "a failure says what it is");
    }
    return 0;
}
