// Reading the cache figures of a server.
#pragma once

#include "cache/advice.h"
#include "server.h"

#include <chrono>

namespace triage::advisor {

struct CacheFigures {
    std::int64_t block_size = 8192, pool_blocks = 0;
    std::vector<CachedRelation> relations;
    std::vector<SizePoint> curve; // ascending
    double observed_s = 0, accesses_per_s = 0, lru_factor = 1;
    std::int64_t watched_blocks = 0;
};

CacheFigures read_cache_figures(Server &server);

// How often each table is read (scans of it, or of an index of it) and written, a second: over the
// time from now on, or, with zero, since the statistics began. A key is a value of the leading
// column of the table's most used index.
std::vector<TableRates> read_table_rates(Server &server, std::chrono::milliseconds watched,
                                         double read_skew);

} // namespace triage::advisor
