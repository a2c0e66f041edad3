// The heat map and the figures of the miss-ratio curve in shared memory, and their file. One
// process writes (the heat worker), everybody may read; a reading is a copy.
#pragma once

#include "core/heat_map.h"
#include "core/miss_ratio.h"
#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "datatype/timestamp.h"
PG_HEADERS_END

namespace triage::heat {

// Hooks for shared memory; called while preloading.
void install_store();

// True if the library was preloaded.
bool available();

// Bytes of shared memory that it takes out of pg_triage.memory.
std::size_t shared_bytes();

std::size_t max_extents();

struct Map {
    std::vector<HeatSlot> slots; // sorted by key
    HeatClock clock;
};

// Accesses to the pool over the time that the histograms stand for.
struct Reuse {
    ReuseHistograms histograms;
    PoolFigures figures;
};

Map read_map();
Reuse read_reuse();

// ---- the heat worker ----

void publish(const Map &map);
void publish(const Reuse &reuse);

// Writes the map, replacing the file in one step; on failure says so in the log and keeps the old
// one. May raise what PostgreSQL raises.
void save(const Map &map);

// The map of an earlier run; empty, with a line in the log, if the file cannot be trusted: damaged,
// of another cluster or of another version.
enum class Untrusted { Log, PassOver };
Map load(Untrusted untrusted = Untrusted::Log);

// ---- warm-ups ----

// Until then, what comes into the pool is not taken for heat. A lease, renewed while the warm-up
// runs: it ends by itself should the one who warms die.
void pause_sampling(TimestampTz until);
bool is_paused();

} // namespace triage::heat
