// The advisor's reader of --from-file: observations, or a Failure that says why not.
#include "target.h"

#include "exit_status.h"
#include "pool_observations.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    using namespace triage::advisor;
    try {
        parse_pool_observations({reinterpret_cast<const char *>(data), size});
    } catch (const Failure &failure) {
        require(!failure.message.empty(), "a failure says what it is");
    }
    return 0;
}
