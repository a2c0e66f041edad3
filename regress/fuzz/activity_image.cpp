// The reader of the activity file, and what the activity worker does with what was read. The first
// byte says whether the file is written anew from its own head and slots before, checksum and all.
#include "target.h"

#include "core/activity_image.h"

#include <cmath>
#include <cstring>

using namespace triage;

namespace {

constexpr std::uint64_t here = 42;

// With the bytes as they come for head and slots: what another program could have written.
void rewrite(std::vector<unsigned char> &bytes) {
    static const std::size_t header_bytes =
        activity_image::write(here, {}, {}).size() - sizeof(ActivityHead);
    if (bytes.size() < header_bytes + sizeof(ActivityHead))
        return;
    ActivityHead head;
    std::memcpy(&head, bytes.data() + header_bytes, sizeof head);
    const std::size_t rest = bytes.size() - header_bytes - sizeof head;
    std::vector<ActivitySlot> slots(rest / sizeof(ActivitySlot));
    if (!slots.empty())
        std::memcpy(static_cast<void *>(slots.data()),
                    bytes.data() + header_bytes + sizeof head,
                    slots.size() * sizeof(ActivitySlot));
    head.slots = static_cast<std::uint32_t>(slots.size());
    const std::string image = activity_image::write(here, head, slots);
    bytes.assign(image.begin(), image.end());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size == 0)
        return 0;
    std::vector<unsigned char> bytes(data + 1, data + size);
    if (data[0] & 1)
        rewrite(bytes);

    ActivityHead head;
    std::vector<ActivitySlot> slots;
    const auto verdict = activity_image::read(bytes, here, head, slots);
    require(activity_image::detail(verdict) != nullptr, "each verdict has a detail");
    if (verdict != activity_image::Verdict::Good) {
        require(slots.empty(), "nothing comes of a file that is not good");
        return 0;
    }
    slots.resize(slots.size() + 2);
    const ActivitySample seen[] = {
        {{1, 2, no_application, SessionState::Active, WaitClass::Lock}, 3, 4, 2}};
    observe(head, slots, seen, {29'000'000, 9, 1});
    observe(head, slots, seen, {29'000'001, 10, 1});
    require(head.slots <= slots.size(), "the log keeps to its bound");
    for (std::uint32_t i = 0; i < head.slots; i++) {
        const HourActivity hour = hour_of(head, slots[i], 9);
        require(std::isfinite(hour.mean) && std::isfinite(hour.peak), "figures stay numbers");
    }
    return 0;
}
