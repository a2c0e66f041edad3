// The reader of the heat map's file, and what the heat worker does with what was read. The first
// byte says whether checksum and number of slots are made right before.
#include "target.h"

#include "core/heat_image.h"

#include <cmath>
#include <cstring>

using namespace triage;

namespace {

constexpr heat_image::Origin here{42, 8192};

void replace_header(std::vector<unsigned char> &bytes, std::size_t header_bytes) {
    const std::size_t count = (bytes.size() - header_bytes) / sizeof(HeatSlot);
    bytes.resize(header_bytes + count * sizeof(HeatSlot));
    std::vector<HeatSlot> slots(count);
    if (count > 0)
        std::memcpy(slots.data(), bytes.data() + header_bytes, count * sizeof(HeatSlot));
    HeatClock clock;
    std::memcpy(&clock, bytes.data() + 32, sizeof clock);
    const std::string header = heat_image::header(here, slots, clock);
    std::memcpy(bytes.data(), header.data(), header.size());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    static const std::size_t header_bytes = heat_image::header(here, {}, {}).size();
    if (size == 0)
        return 0;
    std::vector<unsigned char> bytes(data + 1, data + size);
    if ((data[0] & 1) && bytes.size() >= header_bytes)
        replace_header(bytes, header_bytes);

    std::vector<HeatSlot> slots;
    HeatClock clock;
    const auto verdict = heat_image::read(bytes, here, slots, clock);
    require(heat_image::detail(verdict) != nullptr, "each verdict has a detail");
    if (verdict != heat_image::Verdict::Good) {
        require(slots.empty(), "nothing comes of a file that is not good");
        return 0;
    }
    clock.sampled_at = 0;
    const ExtentSample seen[] = {{.key = {1663, 5, 16384, 0, 0}, .resident = 1, .usage = 5}};
    observe(slots, clock, seen, {.at = 1000, .hour_of_week = 7}, {.max_extents = 64});
    observe(slots, clock, seen, {.at = 1060, .hour_of_week = 8}, {.max_extents = 64});
    require(slots.size() <= 64, "the map keeps to its bound");
    for (const HeatSlot &slot : slots)
        require(std::isfinite(slot.heat), "heat stays a number");
    return 0;
}
