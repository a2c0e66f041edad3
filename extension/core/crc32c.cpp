#include "core/crc32c.h"

#include <array>
#include <cstring>

namespace triage {

namespace {

constexpr std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> remainders{};
    for (std::uint32_t i = 0; i < 256; i++) {
        std::uint32_t remainder = i;
        for (int bit = 0; bit < 8; bit++)
            remainder = (remainder >> 1) ^ (remainder & 1 ? 0x82F63B78u : 0);
        remainders[i] = remainder;
    }
    return remainders;
}();

#ifdef __x86_64__
[[gnu::target("sse4.2")]] std::uint32_t
crc32c_by_instruction(std::uint32_t crc, const unsigned char *bytes, std::size_t length) {
    std::uint64_t state = ~crc;
    for (; length >= 8; bytes += 8, length -= 8) {
        std::uint64_t word;
        std::memcpy(&word, bytes, sizeof word);
        state = __builtin_ia32_crc32di(state, word);
    }
    auto rest = static_cast<std::uint32_t>(state);
    for (; length > 0; bytes++, length--)
        rest = __builtin_ia32_crc32qi(rest, *bytes);
    return ~rest;
}
#endif

} // namespace

std::uint32_t crc32c_by_table(std::uint32_t crc, const void *data, std::size_t length) {
    const auto *bytes = static_cast<const unsigned char *>(data);
    crc = ~crc;
    for (std::size_t i = 0; i < length; i++)
        crc = table[(crc ^ bytes[i]) & 0xFF] ^ (crc >> 8);
    return ~crc;
}

std::uint32_t crc32c(std::uint32_t crc, const void *data, std::size_t length) {
#ifdef __x86_64__
    static const bool has_instruction = __builtin_cpu_supports("sse4.2");
    if (has_instruction)
        return crc32c_by_instruction(crc, static_cast<const unsigned char *>(data), length);
#endif
    return crc32c_by_table(crc, data, length);
}

} // namespace triage
