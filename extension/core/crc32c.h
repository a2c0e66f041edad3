// CRC-32C (Castagnoli, reflected, as in RFC 3720), by the processor's own instruction where it has
// one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace triage {

// Goes on from `crc`, which is 0 at the beginning.
std::uint32_t crc32c(std::uint32_t crc, const void *data, std::size_t length);

// The same without the instruction.
std::uint32_t crc32c_by_table(std::uint32_t crc, const void *data, std::size_t length);

} // namespace triage
