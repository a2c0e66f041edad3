// The redaction of statement texts.
#include "target.h"

#include "core/literals.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string sql(reinterpret_cast<const char *>(data), size);
    const std::string redacted = triage::without_literals(sql);
    require(redacted.size() <= sql.size() + 1, "a redacted text is no longer than it was");
    require(triage::without_literals(redacted) == redacted, "nothing is left to redact");
    return 0;
}
