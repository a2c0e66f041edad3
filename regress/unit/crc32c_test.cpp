#include "core/crc32c.h"

#include <gtest/gtest.h>

#include <string>

namespace triage {
namespace {

// RFC 3720, B.4, and the usual check value.
TEST(Crc32c, KnownValues) {
    for (const auto crc : {crc32c, crc32c_by_table}) {
        EXPECT_EQ(crc(0, "", 0), 0u);
        EXPECT_EQ(crc(0, "123456789", 9), 0xE3069283u);
        EXPECT_EQ(crc(0, std::string(32, '\0').data(), 32), 0x8A9136AAu);
        EXPECT_EQ(crc(0, std::string(32, '\xFF').data(), 32), 0x62A8AB43u);
    }
}

TEST(Crc32c, GoesOnWhereItStopped) {
    const std::string text = "a text of some length, taken in two parts";
    const std::uint32_t whole = crc32c(0, text.data(), text.size());
    for (std::size_t cut = 0; cut <= text.size(); cut++)
        EXPECT_EQ(crc32c(crc32c(0, text.data(), cut), text.data() + cut, text.size() - cut), whole);
}

} // namespace
} // namespace triage
