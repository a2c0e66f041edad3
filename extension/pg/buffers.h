// Looks at the buffer pool from outside: what is in it, and how much it is used.
//
// No lock is taken, neither on a buffer header nor on a mapping partition, and nothing is written,
// so a look costs running statements nothing but memory bandwidth. A buffer whose owner changes in
// the very moment of the look may be passed over; these are statistics.
#pragma once

#include "core/heat_map.h"
#include "core/miss_ratio.h"
#include "pg/compat.h"

namespace triage::buffers {

struct Sight {
    BlockPlace place;
    int usage = 0;
    bool dirty = false, pinned = false;
    int buffer = 0; // 0 to pool_size() - 1
};

int pool_size();

// False once every buffer has been used; from then on loading a block evicts another.
bool has_room();

// What is in one buffer; none if it is free or in motion.
std::optional<Sight> look_at(int buffer);

// The whole pool by extent, sorted. With more than `max_extents`, only those in `known` (sorted)
// and as many others as there is room for. Both calls may raise std::bad_alloc, and nothing else.
std::vector<ExtentSample> sample_extents(std::size_t max_extents, std::span<const HeatSlot> known);

// Shows the tracker its blocks; remembers where the clock hand was. One per process.
class Watch {
  public:
    void look(ReuseTracker &tracker, double now);

  private:
    std::vector<BlockSight> sights_;
    std::uint64_t hand_ = 0; // sweeps times the pool's size, plus position
};

} // namespace triage::buffers
