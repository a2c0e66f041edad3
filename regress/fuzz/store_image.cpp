// The reader of the statistics file, checksum and all; the first byte says whether the checksum is
// made right before, so that what lies behind it is reached, too.
#include "target.h"

#include "core/crc32c.h"
#include "core/store_image.h"

#include <vector>

using triage::crc32c;
using namespace triage::store_image;

namespace {

constexpr Origin here{15, 42};

struct Rewriter : Visitor {
    Writer writer{here};
    void statement(const StatementRecord &record) override { writer.add(record); }
    void scan(const ScanRecord &record) override { writer.add(record); }
    void plan(const PlanRecord &record) override { writer.add(record); }
};

std::string image_of(std::span<const unsigned char> bytes, Verdict &verdict) {
    Rewriter rewriter;
    std::int64_t stats_since = 0;
    verdict = read(bytes, here, rewriter, stats_since);
    rewriter.writer.finish(stats_since);
    return rewriter.writer.pending();
}

std::span<const unsigned char> bytes_of(const std::string &text) {
    return {reinterpret_cast<const unsigned char *>(text.data()), text.size()};
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size == 0)
        return 0;
    std::vector<unsigned char> bytes(data + 1, data + size);
    if ((data[0] & 1) && bytes.size() > 4) {
        const std::size_t summed = bytes.size() - 4;
        const std::uint32_t checksum = crc32c(0, bytes.data(), summed);
        for (int i = 0; i < 4; i++)
            bytes[summed + static_cast<std::size_t>(i)] =
                static_cast<unsigned char>(checksum >> (8 * i));
    }
    Verdict verdict;
    const std::string written = image_of(bytes, verdict);
    require(reason(verdict) != nullptr, "each verdict has a reason");
    if (verdict != Verdict::Good)
        return 0;
    const std::string again = image_of(bytes_of(written), verdict);
    require(verdict == Verdict::Good, "what was read and written can be read");
    require(again == written, "and is the same");
    return 0;
}
