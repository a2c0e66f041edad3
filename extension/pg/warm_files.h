// The heat map's files as the relations of a warming plan: what both halves of the warm-up after a
// start plan from.
#pragma once

#include "core/warm_plan.h"
#include "pg/compat.h"
#include "pg/heat_store.h"

namespace triage::heat {

struct WarmFiles {
    std::vector<BlockPlace> files;       // main fork, first block; in the order of the map
    std::vector<WarmRelation> relations; // each file's; to be described by whoever plans
    std::vector<WarmExtent> extents;

    BlockPlace place_of(const WarmRange &range) const;
};

// Of all databases, or of one and, if so asked, of the catalogs that all share.
WarmFiles files_of(const Map &map);
WarmFiles files_of(const Map &map, Oid database, bool with_shared);

// The ranges cut into pieces of at most so many blocks.
std::vector<WarmRange> in_pieces(const std::vector<WarmRange> &ranges, std::uint32_t blocks);

} // namespace triage::heat
