#include "core/activity_image.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

namespace triage {
namespace {

using activity_image::Verdict;

constexpr std::uint64_t cluster = 77;

struct Content {
    ActivityHead head;
    std::vector<ActivitySlot> slots = std::vector<ActivitySlot>(3);

    Content() {
        const ActivitySample sample{
            {1, 2, first_listed_application, SessionState::Active, WaitClass::Lock}, 3, 4, 2};
        observe(head, slots, std::span(&sample, 1), {29'000'000, 9, 1});
        head.applications = 1;
        std::strcpy(head.application[0].name.data(), "rounds");
        head.application[0].sessions = 12;
    }
    std::string bytes() const {
        return activity_image::write(cluster, head, std::span(slots).first(head.slots));
    }
};

Verdict read(const std::string &bytes, ActivityHead &head, std::vector<ActivitySlot> &slots,
             std::uint64_t of = cluster) {
    return activity_image::read(
        {reinterpret_cast<const unsigned char *>(bytes.data()), bytes.size()}, of, head, slots);
}

Verdict verdict_of(const std::string &bytes, std::uint64_t of = cluster) {
    ActivityHead head;
    std::vector<ActivitySlot> slots;
    return read(bytes, head, slots, of);
}

TEST(ActivityImage, ComesBackAsItWas) {
    const Content content;
    ActivityHead head;
    std::vector<ActivitySlot> slots;
    ASSERT_EQ(read(content.bytes(), head, slots), Verdict::Good);
    EXPECT_EQ(std::memcmp(&head, &content.head, sizeof head), 0);
    ASSERT_EQ(slots.size(), 1u);
    EXPECT_EQ(slots[0].key, content.slots[0].key);
    EXPECT_EQ(slots[0].minutes[29'000'000 % 60].sessions, 3u);
}

TEST(ActivityImage, SaysWhatIsWrong) {
    const std::string bytes = Content().bytes();
    EXPECT_EQ(verdict_of(""), Verdict::NotOurs);
    EXPECT_EQ(verdict_of(std::string(10'000, 'x')), Verdict::NotOurs);
    EXPECT_EQ(verdict_of(bytes, cluster + 1), Verdict::OtherCluster);
    EXPECT_EQ(verdict_of(bytes.substr(0, bytes.size() - 5)), Verdict::Truncated);
    EXPECT_EQ(verdict_of(bytes.substr(0, 100)), Verdict::Truncated);
    EXPECT_EQ(verdict_of(bytes + std::string(sizeof(ActivitySlot), '\0')), Verdict::Truncated);
    std::string other = bytes;
    other[8] ^= 1;
    EXPECT_EQ(verdict_of(other), Verdict::OtherFormat);
    other = bytes;
    other.back() ^= 1;
    EXPECT_EQ(verdict_of(other), Verdict::BadChecksum);
}

// With a checksum that is right: whoever wrote it.
template <class Damage> Verdict verdict_after(Damage damage) {
    Content content;
    damage(content);
    return verdict_of(content.bytes());
}

TEST(ActivityImage, RefusesWhatMakesNoSense) {
    EXPECT_EQ(verdict_after([](Content &) {}), Verdict::Good);
    EXPECT_EQ(verdict_after([](Content &c) { c.slots[0].key.application = 3; }), Verdict::Corrupt);
    EXPECT_EQ(verdict_after([](Content &c) { c.slots[0].key.state = SessionState{9}; }),
              Verdict::Corrupt);
    EXPECT_EQ(verdict_after([](Content &c) { c.slots[0].key.wait = WaitClass::Count; }),
              Verdict::Corrupt);
    EXPECT_EQ(verdict_after([](Content &c) { c.slots[0].hours[3].mean = -1; }), Verdict::Corrupt);
    EXPECT_EQ(verdict_after([](Content &c) {
                  c.slots[0].minutes[3].oldest_s = std::numeric_limits<float>::infinity();
              }),
              Verdict::Corrupt);
    EXPECT_EQ(verdict_after([](Content &c) { c.head.hour_of_week = 168; }), Verdict::Corrupt);
    EXPECT_EQ(verdict_after([](Content &c) { c.head.applications = 65; }), Verdict::Corrupt);
    EXPECT_EQ(verdict_after([](Content &c) { c.head.application[0].name.fill('x'); }),
              Verdict::Corrupt);
    EXPECT_EQ(verdict_after([](Content &c) { c.head.application[0].name[2] = '\n'; }),
              Verdict::Corrupt);
    EXPECT_EQ(verdict_after([](Content &c) { c.head.minute[0] = 61; }), Verdict::Corrupt);
}

} // namespace
} // namespace triage
