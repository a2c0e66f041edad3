#include "core/heat_image.h"

#include "core/crc32c.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>

namespace triage::heat_image {

namespace {

constexpr char magic[8] = {'P', 'G', 'T', 'H', 'E', 'A', 'T', '\n'};
constexpr std::uint32_t format_version = 1;
constexpr std::uint32_t last_fork = 3;

struct Header {
    char magic[8];
    std::uint32_t version;
    std::uint32_t slot_bytes;
    std::uint64_t system_identifier;
    std::uint64_t count;
    HeatClock clock;
    std::uint32_t block_bytes;
    std::uint32_t checksum; // of the slots, then of the header up to here
};
static_assert(std::is_trivially_copyable_v<Header>);
static_assert(std::has_unique_object_representations_v<Header>, "padding would be written");
static_assert(sizeof(HeatSlot) ==
                  sizeof(ExtentKey) + 3 * 4 + 5 * sizeof(BlockMask) + hours_per_week,
              "padding would be written");

std::uint32_t checksum_of(const Header &header, const void *slots, std::size_t bytes) {
    return crc32c(crc32c(0, slots, bytes), &header, offsetof(Header, checksum));
}

bool is_heat(float value) {
    return std::isfinite(value) && value >= 0;
}

bool is_sound(std::span<const HeatSlot> slots, const HeatClock &clock) {
    if (clock.hour_of_week < -1 || clock.hour_of_week >= hours_per_week)
        return false;
    const bool sorted =
        std::adjacent_find(slots.begin(), slots.end(), [](const HeatSlot &a, const HeatSlot &b) {
            return a.key >= b.key;
        }) == slots.end();
    return sorted && std::all_of(slots.begin(), slots.end(), [](const HeatSlot &slot) {
               return is_heat(slot.heat) && is_heat(slot.hour_sum) && slot.key.fork <= last_fork;
           });
}

} // namespace

const char *detail(Verdict verdict) {
    switch (verdict) {
    case Verdict::Good:
        return "It is good.";
    case Verdict::NotOurs:
        return "This is not a heat map.";
    case Verdict::OtherFormat:
        return "Another version has written it.";
    case Verdict::OtherCluster:
        return "It belongs to another cluster.";
    case Verdict::Truncated:
        return "It is not complete.";
    case Verdict::BadChecksum:
        return "Its checksum is wrong.";
    case Verdict::Corrupt:
        break;
    }
    return "Its contents make no sense.";
}

std::string header(const Origin &origin, std::span<const HeatSlot> slots, const HeatClock &clock) {
    Header header{};
    std::memcpy(header.magic, magic, sizeof magic);
    header.version = format_version;
    header.slot_bytes = sizeof(HeatSlot);
    header.system_identifier = origin.system_identifier;
    header.count = slots.size();
    header.clock = clock;
    header.block_bytes = origin.block_bytes;
    header.checksum = checksum_of(header, slots.data(), slots.size_bytes());
    return {reinterpret_cast<const char *>(&header), sizeof header};
}

Verdict read(std::span<const unsigned char> bytes, const Origin &origin,
             std::vector<HeatSlot> &slots, HeatClock &clock) {
    Header header;
    if (bytes.size() < sizeof header)
        return Verdict::NotOurs;
    std::memcpy(&header, bytes.data(), sizeof header);
    if (std::memcmp(header.magic, magic, sizeof magic) != 0)
        return Verdict::NotOurs;
    if (header.version != format_version || header.slot_bytes != sizeof(HeatSlot) ||
        header.block_bytes != origin.block_bytes)
        return Verdict::OtherFormat;
    if (header.system_identifier != origin.system_identifier)
        return Verdict::OtherCluster;
    const auto content = bytes.subspan(sizeof header);
    if (content.size() % sizeof(HeatSlot) != 0 || header.count != content.size() / sizeof(HeatSlot))
        return Verdict::Truncated;
    if (header.checksum != checksum_of(header, content.data(), content.size()))
        return Verdict::BadChecksum;
    std::vector<HeatSlot> read(header.count);
    if (!content.empty())
        std::memcpy(read.data(), content.data(), content.size());
    if (!is_sound(read, header.clock))
        return Verdict::Corrupt;
    slots = std::move(read);
    clock = header.clock;
    return Verdict::Good;
}

} // namespace triage::heat_image
