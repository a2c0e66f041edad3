#include "core/heat_image.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace triage::heat_image {
namespace {

constexpr Origin here{42, 8192};

std::vector<HeatSlot> two_extents() {
    std::vector<HeatSlot> slots(2);
    slots[0].key = {1663, 5, 16384, 0, 0};
    slots[0].heat = 12.5F;
    slots[0].resident[0] = 0b101;
    slots[1].key = {1663, 5, 16384, 0, 7};
    slots[1].by_hour[167] = 3;
    return slots;
}

HeatClock a_clock() {
    HeatClock clock;
    clock.sampled_at = 1000;
    clock.hour_of_week = 167;
    clock.samples = 9;
    return clock;
}

std::vector<unsigned char> file_of(const std::vector<HeatSlot> &slots, const HeatClock &clock,
                                   const Origin &origin = here) {
    const std::string head = header(origin, slots, clock);
    std::vector<unsigned char> bytes(head.begin(), head.end());
    const auto *content = reinterpret_cast<const unsigned char *>(slots.data());
    bytes.insert(bytes.end(), content, content + slots.size() * sizeof(HeatSlot));
    return bytes;
}

struct Outcome {
    Verdict verdict;
    std::vector<HeatSlot> slots;
    HeatClock clock;
};

Outcome outcome_of(const std::vector<unsigned char> &bytes) {
    Outcome outcome{};
    outcome.verdict = read(bytes, here, outcome.slots, outcome.clock);
    return outcome;
}

TEST(HeatImage, GivesBackWhatWasWritten) {
    const auto slots = two_extents();
    const HeatClock clock = a_clock();
    const Outcome outcome = outcome_of(file_of(slots, clock));
    ASSERT_EQ(outcome.verdict, Verdict::Good);
    ASSERT_EQ(outcome.slots.size(), slots.size());
    EXPECT_EQ(std::memcmp(outcome.slots.data(), slots.data(), slots.size() * sizeof(HeatSlot)), 0);
    EXPECT_EQ(std::memcmp(&outcome.clock, &clock, sizeof clock), 0);
}

TEST(HeatImage, AnEmptyMapIsAMap) {
    EXPECT_EQ(outcome_of(file_of({}, a_clock())).verdict, Verdict::Good);
}

TEST(HeatImage, AnyChangedByteIsNoticed) {
    const auto good = file_of(two_extents(), a_clock());
    for (std::size_t i = 0; i < good.size(); i++) {
        auto bytes = good;
        bytes[i] ^= 0x10;
        const Outcome outcome = outcome_of(bytes);
        EXPECT_NE(outcome.verdict, Verdict::Good) << "byte " << i;
        EXPECT_TRUE(outcome.slots.empty()) << "byte " << i;
    }
}

TEST(HeatImage, AnyLengthButItsOwnIsRefused) {
    const auto good = file_of(two_extents(), a_clock());
    for (std::size_t length = 0; length < good.size(); length++) {
        auto bytes = good;
        bytes.resize(length);
        EXPECT_NE(outcome_of(bytes).verdict, Verdict::Good) << length << " bytes";
    }
    auto longer = good;
    longer.resize(good.size() + sizeof(HeatSlot));
    EXPECT_EQ(outcome_of(longer).verdict, Verdict::Truncated);
}

TEST(HeatImage, FilesOfOthersAreTold) {
    EXPECT_EQ(outcome_of(file_of(two_extents(), a_clock(), {43, 8192})).verdict,
              Verdict::OtherCluster);
    EXPECT_EQ(outcome_of(file_of(two_extents(), a_clock(), {42, 16384})).verdict,
              Verdict::OtherFormat);
    EXPECT_EQ(outcome_of(std::vector<unsigned char>(500, 'x')).verdict, Verdict::NotOurs);
}

// With a right checksum: what another program could have written.
TEST(HeatImage, WhatMakesNoSenseIsRefused) {
    auto slots = two_extents();
    std::swap(slots[0], slots[1]);
    EXPECT_EQ(outcome_of(file_of(slots, a_clock())).verdict, Verdict::Corrupt) << "not sorted";
    slots = two_extents();
    slots[1].key = slots[0].key;
    EXPECT_EQ(outcome_of(file_of(slots, a_clock())).verdict, Verdict::Corrupt) << "twice the same";
    for (float heat : {-1.0F, std::nanf(""), std::numeric_limits<float>::infinity()}) {
        slots = two_extents();
        slots[0].heat = heat;
        EXPECT_EQ(outcome_of(file_of(slots, a_clock())).verdict, Verdict::Corrupt) << heat;
    }
    slots = two_extents();
    slots[0].key.fork = 9;
    EXPECT_EQ(outcome_of(file_of(slots, a_clock())).verdict, Verdict::Corrupt) << "no such fork";
    HeatClock clock = a_clock();
    clock.hour_of_week = 168;
    EXPECT_EQ(outcome_of(file_of(two_extents(), clock)).verdict, Verdict::Corrupt) << "no such hour";
}

} // namespace
} // namespace triage::heat_image
