// What to read back into the caches, in which order: the most valuable blocks first, within a
// budget for each level of the cache, as few and as long ranges as possible.
//
//   value of a block = heat x weight of its data class x cost of missing it
//
// Upper pages of indexes and the visibility map come first: they are few, and every statement
// passes through them. Each level is cut into waves of falling value; inside a wave blocks are read
// in the order in which they lie on disk, and neighbours together.
#pragma once

#include "core/heat_map.h"

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace triage {

enum class CacheLevel : std::uint8_t {
    SharedBuffers, // L1
    PageCache      // L2, the operating system's
};

// A relation as it is now; its extents name it by its place in the list.
struct WarmRelation {
    std::string name;
    std::string data_class;
    double class_weight = 1;
    bool is_index = false;
    // Blocks that each fork has now, 0 where it has none: what a truncated relation lost is not
    // read.
    std::array<std::uint32_t, 3> blocks{};
};

struct WarmExtent {
    std::size_t relation = 0;
    std::uint32_t fork = 0;
    std::uint32_t extent = 0;
    BlockMask blocks = 0; // worth having
    BlockMask hot = 0;    // the busiest of them
    BlockMask upper = 0;  // pages above an index's leaves
    double heat = 0;
};

struct WarmRange {
    std::size_t relation = 0;
    std::uint32_t fork = 0;
    std::uint32_t first = 0, last = 0; // both included

    std::uint64_t size() const { return std::uint64_t{last} - first + 1; }
    bool operator==(const WarmRange &) const = default;
};

struct WarmWave {
    CacheLevel level = CacheLevel::SharedBuffers;
    // Into the page cache: long ranges, small gaps are read along. Covers `load`.
    std::vector<WarmRange> fetch;
    // Into shared buffers: no block more than was asked for; empty for the page cache's waves.
    std::vector<WarmRange> load;
    std::uint64_t blocks = 0; // asked for, without gaps
    double value = 0;
};

struct WarmLimits {
    std::uint64_t shared_buffers_blocks = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t page_cache_blocks = 0; // beyond what goes into shared buffers as well
    std::uint32_t largest_gap = 8;       // blocks that are read along rather than skipped
    // Where the waves of shared buffers end, as shares of its blocks, ascending, the last one 1.
    std::vector<double> waves = {0.125, 0.5, 1.0};
};

struct WarmPlan {
    std::vector<WarmWave> waves;   // in the order in which they are to be read
    double value = 0;              // of all that was asked for
    double planned_value = 0;      // of what is in the waves
    std::uint64_t cut_blocks = 0;  // lie beyond the end of their relation now
    std::uint64_t left_blocks = 0; // found no room in the budget

    std::uint64_t blocks(CacheLevel level) const;
};

WarmPlan plan_warming(const std::vector<WarmRelation> &relations,
                      const std::vector<WarmExtent> &extents, const WarmLimits &limits);

// How much more a miss in this class hurts than one in `other`: the emergency room and the
// patient's identity first, reports and audit trail last.
double warm_weight_of(std::string_view data_class);

// Which part of what the plan loads into shared buffers is there.
struct Readiness {
    std::string data_class;
    double planned = 0, ready = 0; // value

    double share() const { return planned > 0 ? ready / planned : 1; }
};

// One entry a data class, in order of its name; `resident` as plan_warming's extents, heat ignored.
std::vector<Readiness> readiness_of(const std::vector<WarmRelation> &relations,
                                    const std::vector<WarmExtent> &extents,
                                    const WarmLimits &limits,
                                    const std::vector<WarmExtent> &resident);

} // namespace triage
