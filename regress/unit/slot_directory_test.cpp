#include "core/slot_directory.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace triage {
namespace {

// A store of integers, each with a counter, behind a directory.
struct Store {
    explicit Store(std::uint32_t slots) : tags(slots), keys(slots), counts(slots) {
        directory = SlotDirectory(tags.data(), slots, &used);
    }
    SlotDirectory::Place add(std::uint64_t key,
                             SlotDirectory::Room room = SlotDirectory::Room::Reserve) {
        return directory.find_or_add(
            mix(0, key), [&](std::uint32_t slot) { return keys[slot] == key; },
            [&](std::uint32_t slot) {
                keys[slot] = key;
                counts[slot] = 0;
                return true;
            },
            room);
    }
    SlotDirectory::Place find(std::uint64_t key) const {
        return directory.find(mix(0, key), [&](std::uint32_t slot) { return keys[slot] == key; });
    }

    std::vector<std::atomic<std::uint64_t>> tags;
    std::atomic<std::uint32_t> used{0};
    std::vector<std::uint64_t> keys;
    std::vector<std::atomic<std::uint64_t>> counts;
    SlotDirectory directory;
};

using Outcome = SlotDirectory::Outcome;

TEST(SlotDirectory, FindsWhatWasAdded) {
    Store store(64);
    const auto added = store.add(5);
    EXPECT_EQ(added.outcome, Outcome::Added);
    EXPECT_EQ(store.add(5).outcome, Outcome::Found);
    EXPECT_EQ(store.find(5).slot, added.slot);
    EXPECT_EQ(store.find(6).outcome, Outcome::Full) << "not there";
}

TEST(SlotDirectory, IsFullOnlyWhenNoSlotIsLeft) {
    Store store(64); // fewer lines than are probed
    for (std::uint64_t key = 1; key <= 64; key++)
        EXPECT_EQ(store.add(key).outcome, Outcome::Added) << key;
    EXPECT_EQ(store.add(65).outcome, Outcome::Full);
    store.directory.remove(store.find(7).slot);
    EXPECT_EQ(store.find(7).outcome, Outcome::Full);
    EXPECT_EQ(store.add(65).outcome, Outcome::Added);
}

TEST(SlotDirectory, StillFindsWhatLiesBehindAHole) {
    Store store(64);
    for (std::uint64_t key = 1; key <= 60; key++)
        store.add(key);
    for (std::uint64_t key = 1; key <= 60; key += 2)
        store.directory.remove(store.find(key).slot);
    for (std::uint64_t key = 2; key <= 60; key += 2)
        EXPECT_EQ(store.find(key).outcome, Outcome::Found) << key;
}

TEST(SlotDirectory, HoldsNearlyAllUpToSevenEighths) {
    Store store(4096);
    int refused = 0;
    for (std::uint64_t key = 1; key <= 3584; key++)
        refused += !store.add(key).usable();
    EXPECT_EQ(refused, 0);
}

TEST(SlotDirectory, KeepsAReserveFromCommonKeys) {
    Store store(64);
    using Room = SlotDirectory::Room;
    for (std::uint64_t common = 1; common <= 60; common++)
        EXPECT_EQ(store.add(common, Room::Common).outcome, Outcome::Added);
    EXPECT_EQ(store.add(61, Room::Common).outcome, Outcome::Full) << "one of sixteen is left";
    EXPECT_EQ(store.add(60, Room::Common).outcome, Outcome::Found);
    for (std::uint64_t rare = 100; rare < 104; rare++)
        EXPECT_EQ(store.add(rare).outcome, Outcome::Added);
    EXPECT_EQ(store.add(104).outcome, Outcome::Full);
    EXPECT_EQ(store.directory.used(), 64u);
    for (std::uint64_t common = 1; common <= 5; common++)
        store.directory.remove(store.find(common).slot);
    EXPECT_EQ(store.add(61, Room::Common).outcome, Outcome::Added);
    EXPECT_EQ(store.add(62, Room::Common).outcome, Outcome::Full) << "whichever slots are free";
    EXPECT_EQ(store.add(105).outcome, Outcome::Added);
}

TEST(SlotDirectory, ComparesNothingBehindAPlaceThatWasNeverUsed) {
    Store store(4096);
    int compared = 0;
    auto look_for = [&](std::uint64_t key) {
        compared = 0;
        return store.directory.find(mix(0, key), [&](std::uint32_t slot) {
            compared++;
            return store.keys[slot] == key;
        });
    };
    // The same hash, so all on one way through the lines.
    std::vector<std::uint32_t> slots;
    for (std::uint64_t key = 1; key <= 3; key++)
        slots.push_back(store.directory
                            .find_or_add(
                                mix(0, 1), [](std::uint32_t) { return false; },
                                [&](std::uint32_t slot) {
                                    store.keys[slot] = key;
                                    return true;
                                })
                            .slot);
    store.directory.remove(slots[1]);
    EXPECT_FALSE(store.directory.is_ready(slots[1]));
    EXPECT_EQ(look_for(1).slot, slots[0]);
    EXPECT_EQ(
        store.directory.find(mix(0, 1), [&](std::uint32_t slot) { return store.keys[slot] == 3; })
            .slot,
        slots[2])
        << "behind the place that was vacated";
    EXPECT_EQ(
        store.directory
            .find_or_add(
                mix(0, 1), [](std::uint32_t) { return false; }, [](std::uint32_t) { return true; })
            .slot,
        slots[1])
        << "which is the first to be taken again";
    EXPECT_EQ(look_for(5).outcome, Outcome::Full);
    EXPECT_EQ(compared, 0);
}

TEST(SlotDirectory, GivesBackASlotThatCouldNotBeFilled) {
    Store store(8);
    const auto place = store.directory.find_or_add(
        mix(0, 1), [](std::uint32_t) { return false; }, [](std::uint32_t) { return false; });
    EXPECT_EQ(place.outcome, Outcome::Busy);
    EXPECT_EQ(store.directory.used(), 0u);
    for (std::uint64_t key = 1; key <= 8; key++)
        EXPECT_TRUE(store.add(key).usable());
}

TEST(SlotDirectory, ManyThreadsAddTheSameKeysOnce) {
    constexpr std::uint64_t keys = 500, rounds = 50, threads = 4;
    Store store(1024);
    std::atomic<std::uint64_t> lost{0};
    std::vector<std::thread> workers;
    for (std::uint64_t worker = 0; worker < threads; worker++)
        workers.emplace_back([&] {
            for (std::uint64_t round = 0; round < rounds; round++)
                for (std::uint64_t key = 1; key <= keys; key++) {
                    const auto place = store.add(key);
                    if (place.usable())
                        store.counts[place.slot]++;
                    else
                        lost++; // was just being filled
                }
        });
    for (std::thread &worker : workers)
        worker.join();

    std::uint64_t counted = 0, used = 0;
    for (std::uint32_t slot = 0; slot < store.directory.slots(); slot++)
        if (store.directory.is_ready(slot)) {
            used++;
            counted += store.counts[slot];
        }
    EXPECT_EQ(used, keys);
    EXPECT_EQ(store.directory.used(), keys);
    EXPECT_EQ(counted + lost, keys * rounds * threads);
}

} // namespace
} // namespace triage
