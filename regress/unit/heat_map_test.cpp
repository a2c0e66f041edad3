#include "core/heat_map.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace triage {
namespace {

ExtentSample sample_of(std::uint32_t file, std::uint32_t extent, std::uint32_t usage,
                       BlockMask resident = ~BlockMask{0}, BlockMask hot = 0) {
    return {
        .key = {.file = file, .extent = extent}, .resident = resident, .hot = hot, .usage = usage};
}

struct Map {
    std::vector<HeatSlot> slots;
    HeatClock clock;
    HeatSettings settings;
    std::int64_t now = 1'000'000;
    int hour = 7;
    bool has_room = false;

    void sample(std::vector<ExtentSample> samples, std::int64_t after = 60) {
        now += after;
        std::sort(samples.begin(), samples.end(),
                  [](const auto &left, const auto &right) { return left.key < right.key; });
        observe(slots, clock, samples, {now, hour, has_room}, settings);
    }
    const HeatSlot *find(std::uint32_t file, std::uint32_t extent) const {
        for (const HeatSlot &slot : slots)
            if (slot.key.file == file && slot.key.extent == extent)
                return &slot;
        return nullptr;
    }
    double heat(std::uint32_t file, std::uint32_t extent) const { return find(file, extent)->heat; }
};

TEST(HeatMap, SteadyUseConvergesToItsUsage) {
    Map map;
    for (int minute = 0; minute < 60 * 24; minute++)
        map.sample({sample_of(1, 0, 100)});
    EXPECT_NEAR(map.heat(1, 0), 100, 1);
}

TEST(HeatMap, HalvesInItsHalfLife) {
    Map map;
    for (int minute = 0; minute < 60 * 24; minute++)
        map.sample({sample_of(1, 0, 100)});
    for (int minute = 0; minute < 120; minute++)
        map.sample({});
    EXPECT_NEAR(map.heat(1, 0), 50, 1);
}

TEST(HeatMap, DoesNotDependOnHowOftenItIsSampled) {
    Map often, rarely;
    for (int second = 0; second < 3600; second += 10)
        often.sample({sample_of(1, 0, 100)}, 10);
    for (int second = 0; second < 3600; second += 60)
        rarely.sample({sample_of(1, 0, 100)}, 60);
    EXPECT_NEAR(often.heat(1, 0), rarely.heat(1, 0), 0.5);
}

TEST(HeatMap, AFlatPoolAfterAWarmUpDoesNotEraseIt) {
    Map map;
    for (int minute = 0; minute < 600; minute++)
        map.sample({sample_of(1, 0, 300, ~BlockMask{0}, ~BlockMask{0}), sample_of(1, 1, 64)});
    map.has_room = true;
    map.sample({});
    for (int minute = 0; minute < 10; minute++) // all usage counts at 1
        map.sample({sample_of(1, 0, 64), sample_of(1, 1, 64)});
    EXPECT_GT(map.heat(1, 0), 4 * map.heat(1, 1));
    EXPECT_EQ(map.find(1, 0)->hot_blocks(), ~BlockMask{0});
    EXPECT_EQ(map.find(1, 1)->hot_blocks(), 0u);
}

TEST(HeatMap, NothingCoolsWhileThePoolHasRoom) {
    Map map;
    map.sample({sample_of(1, 0, 100)});
    const double before = map.heat(1, 0);
    map.has_room = true;
    for (int minute = 0; minute < 600; minute++)
        map.sample({});
    EXPECT_EQ(map.heat(1, 0), before);
}

TEST(HeatMap, DowntimeCoolsNothingToSpeakOf) {
    Map map;
    map.sample({sample_of(1, 0, 100)});
    const double before = map.heat(1, 0);
    map.sample({}, 7 * 86400);
    EXPECT_GT(map.heat(1, 0), 0.9 * before);
}

TEST(HeatMap, RemembersTheBlocksOfTwoHours) {
    Map map;
    map.sample({sample_of(1, 0, 5, 0b0001)});
    map.hour = 8;
    map.sample({sample_of(1, 0, 5, 0b0010)});
    EXPECT_EQ(map.find(1, 0)->blocks(), 0b0011u);
    map.hour = 9;
    map.sample({sample_of(1, 0, 5, 0b0100)});
    EXPECT_EQ(map.find(1, 0)->blocks(), 0b0110u);
}

TEST(HeatMap, KeepsTheBlocksOfAnExtentThatLeftThePool) {
    Map map;
    map.sample({sample_of(1, 0, 300, 0b0101)});
    for (map.hour = 8; map.hour < 20; map.hour++)
        map.sample({}, 3600);
    EXPECT_EQ(map.find(1, 0)->blocks(), 0b0101u);
}

TEST(HeatMap, APageIsUpperAsLongAsItIsNotSeenOtherwise) {
    Map map;
    ExtentSample sample = sample_of(1, 0, 10, 0b11);
    sample.examined = sample.upper = 0b11;
    map.sample({sample});
    sample.examined = 0; // too little used to be looked at
    sample.upper = 0;
    map.sample({sample});
    EXPECT_EQ(map.find(1, 0)->upper, 0b11u);
    sample.examined = 0b01; // the file's block was used anew
    map.sample({sample});
    EXPECT_EQ(map.find(1, 0)->upper, 0b10u);
}

TEST(HeatMap, KnowsTheHourOfTheWeek) {
    Map map;
    for (int day = 0; day < 21; day++)
        for (int hour = 0; hour < 24; hour++) {
            map.hour = day % 7 * 24 + hour;
            for (int sample = 0; sample < 4; sample++) {
                if (hour == 7)
                    map.sample({sample_of(1, 0, 200)}, 900);
                else
                    map.sample({}, 900);
            }
        }
    const HeatSlot *slot = map.find(1, 0);
    ASSERT_NE(slot, nullptr);
    EXPECT_NEAR(slot->heat_at(24 + 7), 200, 8);
    EXPECT_EQ(slot->heat_at(24 + 6), 0);
    EXPECT_EQ(slot->heat_at(24 + 8), 0);
    EXPECT_LT(slot->heat, 10); // long cool by midnight
}

TEST(HeatMap, AFullMapForgetsTheColdest) {
    Map map;
    map.settings.max_extents = 10;
    std::vector<ExtentSample> samples;
    for (std::uint32_t extent = 0; extent < 100; extent++)
        samples.push_back(sample_of(1, extent, 10 + extent));
    map.sample(samples);
    EXPECT_EQ(map.slots.size(), 10u);
    EXPECT_EQ(map.slots.front().key.extent, 90u);
    EXPECT_EQ(map.clock.forgotten, 90u);
    EXPECT_TRUE(std::is_sorted(map.slots.begin(), map.slots.end(),
                               [](const auto &l, const auto &r) { return l.key < r.key; }));
}

TEST(HeatMap, AFullMapOfEqualsKeepsItsBound) {
    Map map;
    map.settings.max_extents = 7;
    std::vector<ExtentSample> samples;
    for (std::uint32_t extent = 0; extent < 50; extent++)
        samples.push_back(sample_of(1, extent, 10));
    map.sample(samples);
    EXPECT_EQ(map.slots.size(), 7u);
    map.settings.max_extents = 0;
    map.sample(samples);
    EXPECT_TRUE(map.slots.empty());
}

TEST(HeatMap, CodesAreRightWithinFivePercent) {
    for (double heat = 1; heat <= 320; heat *= 1.1)
        EXPECT_NEAR(decode_heat(encode_heat(heat)), heat, 0.05 * heat);
    EXPECT_EQ(encode_heat(0), 0);
    EXPECT_EQ(decode_heat(0), 0);
    EXPECT_EQ(encode_heat(1e30), 255);
}

} // namespace
} // namespace triage
