#include "core/activity_image.h"

#include "core/crc32c.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>

namespace triage::activity_image {

namespace {

constexpr char magic[8] = {'P', 'G', 'T', 'A', 'C', 'T', 'V', '\n'};
constexpr std::uint32_t format_version = 1;

struct Header {
    char magic[8];
    std::uint32_t version;
    std::uint32_t slot_bytes;
    std::uint64_t system_identifier;
    std::uint32_t head_bytes;
    std::uint32_t checksum; // of what follows, then of the header up to here
};
static_assert(std::is_trivially_copyable_v<Header>);
static_assert(std::has_unique_object_representations_v<Header>, "padding would be written");
static_assert(std::has_unique_object_representations_v<ActivityKey>, "padding would be written");
static_assert(sizeof(ActivitySlot) == sizeof(ActivityKey) + 3 * 4 +
                                          activity_minutes * sizeof(MinuteActivity) +
                                          activity_hours * sizeof(HourActivity),
              "padding would be written");
static_assert(sizeof(ActivityHead) ==
                  activity_minutes * 8 + activity_hours * 4 + 6 * 4 + 8 +
                      ActivityHead::most_applications * sizeof(ActivityApplication),
              "padding would be written");

std::uint32_t checksum_of(const Header &header, const void *content, std::size_t bytes) {
    return crc32c(crc32c(0, content, bytes), &header, offsetof(Header, checksum));
}

bool is_figure(float value) {
    return std::isfinite(value) && value >= 0;
}

bool is_sound(const ActivityApplication &application) {
    const auto end = std::find(application.name.begin(), application.name.end(), '\0');
    return end != application.name.begin() && end != application.name.end() &&
           std::all_of(application.name.begin(), end,
                       [](char letter) { return letter >= ' ' && letter <= '~'; });
}

bool is_sound(const ActivityHead &head) {
    if (head.hour_of_week < -1 || head.hour_of_week >= activity_hours ||
        head.applications > head.application.size() || !is_figure(head.seconds_in_hour))
        return false;
    for (std::size_t i = 0; i < head.minute.size(); i++)
        if (head.minute[i] != 0 && head.minute[i] % activity_minutes != i)
            return false;
    return std::all_of(head.weeks.begin(), head.weeks.end(), is_figure) &&
           std::all_of(head.application.begin(), head.application.begin() + head.applications,
                       [](const auto &application) { return is_sound(application); });
}

bool is_sound(const ActivitySlot &slot, const ActivityHead &head) {
    return slot.key.state < SessionState::Count && slot.key.wait < WaitClass::Count &&
           slot.key.application < first_listed_application + head.applications &&
           std::all_of(slot.minutes.begin(), slot.minutes.end(),
                       [](const MinuteActivity &minute) {
                           return is_figure(minute.transaction_age_s) && is_figure(minute.oldest_s);
                       }) &&
           std::all_of(slot.hours.begin(), slot.hours.end(), [](const HourActivity &hour) {
               return is_figure(hour.mean) && is_figure(hour.peak);
           });
}

} // namespace

const char *detail(Verdict verdict) {
    switch (verdict) {
    case Verdict::Good:
        return "It is good.";
    case Verdict::NotOurs:
        return "This is not a log of activity.";
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

std::string write(std::uint64_t system_identifier, const ActivityHead &head,
                  std::span<const ActivitySlot> slots) {
    Header header{};
    std::memcpy(header.magic, magic, sizeof magic);
    header.version = format_version;
    header.slot_bytes = sizeof(ActivitySlot);
    header.system_identifier = system_identifier;
    header.head_bytes = sizeof(ActivityHead);
    std::string bytes(sizeof header, '\0');
    bytes.append(reinterpret_cast<const char *>(&head), sizeof head);
    bytes.append(reinterpret_cast<const char *>(slots.data()), slots.size_bytes());
    header.checksum =
        checksum_of(header, bytes.data() + sizeof header, bytes.size() - sizeof header);
    std::memcpy(bytes.data(), &header, sizeof header);
    return bytes;
}

Verdict read(std::span<const unsigned char> bytes, std::uint64_t system_identifier,
             ActivityHead &head, std::vector<ActivitySlot> &slots) {
    Header header;
    if (bytes.size() < sizeof header)
        return Verdict::NotOurs;
    std::memcpy(&header, bytes.data(), sizeof header);
    if (std::memcmp(header.magic, magic, sizeof magic) != 0)
        return Verdict::NotOurs;
    if (header.version != format_version || header.slot_bytes != sizeof(ActivitySlot) ||
        header.head_bytes != sizeof(ActivityHead))
        return Verdict::OtherFormat;
    if (header.system_identifier != system_identifier)
        return Verdict::OtherCluster;
    const auto content = bytes.subspan(sizeof header);
    ActivityHead read_head;
    if (content.size() < sizeof read_head)
        return Verdict::Truncated;
    std::memcpy(&read_head, content.data(), sizeof read_head);
    const auto slot_bytes = content.subspan(sizeof read_head);
    if (slot_bytes.size() % sizeof(ActivitySlot) != 0 ||
        slot_bytes.size() / sizeof(ActivitySlot) != read_head.slots)
        return Verdict::Truncated;
    if (header.checksum != checksum_of(header, content.data(), content.size()))
        return Verdict::BadChecksum;
    std::vector<ActivitySlot> read_slots(read_head.slots);
    if (!slot_bytes.empty())
        std::memcpy(read_slots.data(), slot_bytes.data(), slot_bytes.size());
    if (!is_sound(read_head) ||
        !std::all_of(read_slots.begin(), read_slots.end(),
                     [&](const ActivitySlot &slot) { return is_sound(slot, read_head); }))
        return Verdict::Corrupt;
    head = read_head;
    slots = std::move(read_slots);
    return Verdict::Good;
}

} // namespace triage::activity_image
