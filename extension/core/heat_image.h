// The heat map as bytes: what the file of pg/heat_store holds. A header with a CRC-32C over
// everything, then the slots as they lie in memory. Reading trusts nothing: any bytes give either a
// map that `observe` can go on with, or a reason why not.
#pragma once

#include "core/heat_map.h"

#include <string>

namespace triage::heat_image {

// What must agree before a file is believed.
struct Origin {
    std::uint64_t system_identifier = 0;
    std::uint32_t block_bytes = 0;
};

enum class Verdict { Good, NotOurs, OtherFormat, OtherCluster, Truncated, BadChecksum, Corrupt };
const char *detail(Verdict verdict); // a sentence

// What stands in front of the slots' bytes.
std::string header(const Origin &origin, std::span<const HeatSlot> slots, const HeatClock &clock);

Verdict read(std::span<const unsigned char> bytes, const Origin &origin,
             std::vector<HeatSlot> &slots, HeatClock &clock);

} // namespace triage::heat_image
