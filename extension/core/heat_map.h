// How hot each part of the database is, learnt from samples of the buffer pool: per extent of 64
// blocks a decayed heat, the blocks that were resident, and the heat by hour of week.
//
// PostgreSQL's usage counts forget: they are capped at 5 and fall with each sweep, and a warm-up
// sets all of them to 1. The heat here is a moving average over hours, so it outlives both.
//
// The map is a sorted array of plain slots: the server keeps it in shared memory and in a file, and
// replaces it as a whole after each sample.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

namespace triage {

constexpr std::uint32_t blocks_per_extent = 64;
constexpr int hours_per_week = 168;

// A file of a relation, as PostgreSQL names it on disk (not the relation's OID), and where in it.
struct ExtentKey {
    std::uint32_t tablespace = 0, database = 0, file = 0;
    std::uint32_t fork = 0;   // ForkNumber: 0 main, 1 free space map, 2 visibility map
    std::uint32_t extent = 0; // block number / 64

    auto operator<=>(const ExtentKey &) const = default;
};

// Bit b stands for block 64 * extent + b.
using BlockMask = std::uint64_t;

// One extent as it was found in the buffer pool.
struct ExtentSample {
    ExtentKey key;
    BlockMask resident = 0;
    BlockMask hot = 0;       // usage count of at least `hot_usage`
    BlockMask examined = 0;  // resident blocks whose content was looked at,
    BlockMask upper = 0;     // of those: pages above the leaves of an index
    std::uint32_t usage = 0; // sum of the usage counts

    static constexpr unsigned hot_usage = 3;
};

struct HeatSlot {
    ExtentKey key;
    float heat = 0;         // average sum of the extent's usage counts
    float hour_sum = 0;     // of the samples in the current hour
    std::uint32_t seen = 0; // samples in which it was in the pool
    // Of the last two hours in which it was in the pool, the later one first.
    BlockMask resident[2] = {}, hot[2] = {};
    BlockMask upper = 0;
    std::array<std::uint8_t, hours_per_week> by_hour{}; // see encode_heat

    BlockMask blocks() const { return resident[0] | resident[1] | upper; }
    BlockMask hot_blocks() const { return (hot[0] | hot[1]) & blocks(); }
    double heat_at(int hour_of_week) const;
};
static_assert(std::is_trivially_copyable_v<HeatSlot>);

// What the map knows besides its slots.
struct HeatClock {
    std::int64_t sampled_at = 0;    // seconds, any epoch; 0: not since the server started
    std::int32_t hour_of_week = -1; // of the last sample; -1: none yet
    std::uint32_t samples_in_hour = 0;
    std::uint64_t samples = 0;   // ever
    std::uint64_t forgotten = 0; // slots given up for hotter ones, ever
};
static_assert(std::is_trivially_copyable_v<HeatClock>);

struct HeatSettings {
    double half_life_s = 2 * 3600;
    std::size_t max_extents = 8192;
};

struct HeatMoment {
    std::int64_t at = 0;  // seconds
    int hour_of_week = 0; // 0 is Monday 00:00-00:59
    // Buffers are still free: that an extent is absent says nothing about it (a pool that has just
    // started), so nothing cools.
    bool pool_has_room = false;
};

// Takes one sample of the whole pool (sorted by key, one entry an extent) into the map (sorted by
// key).
void observe(std::vector<HeatSlot> &slots, HeatClock &clock, std::span<const ExtentSample> sample,
             const HeatMoment &moment, const HeatSettings &settings);

// Heat in a byte: 16 steps an octave of 1 + heat, so up to 64 * 5 within 5 %.
std::uint8_t encode_heat(double heat);
double decode_heat(std::uint8_t code);

} // namespace triage
