#include "pg/warm_files.h"

namespace triage::heat {

namespace {

// The map is sorted, so that a file's extents follow each other.
template <class Choose> WarmFiles chosen_files(const Map &map, Choose &&chosen) {
    WarmFiles result;
    for (const HeatSlot &slot : map.slots) {
        const ExtentKey &key = slot.key;
        if (!chosen(key))
            continue;
        if (result.files.empty() || result.files.back().file != key.file ||
            result.files.back().database != key.database ||
            result.files.back().tablespace != key.tablespace) {
            result.files.push_back({key.tablespace, key.database, key.file, MAIN_FORKNUM, 0});
            result.relations.emplace_back();
        }
        result.extents.push_back({result.files.size() - 1, key.fork, key.extent, slot.blocks(),
                                  slot.hot_blocks(), slot.upper, slot.heat});
    }
    return result;
}

} // namespace

BlockPlace WarmFiles::place_of(const WarmRange &range) const {
    BlockPlace place = files[range.relation];
    place.fork = static_cast<ForkNumber>(range.fork);
    place.block = range.first;
    return place;
}

WarmFiles files_of(const Map &map) {
    return chosen_files(map, [](const ExtentKey &) { return true; });
}

WarmFiles files_of(const Map &map, Oid database, bool with_shared) {
    return chosen_files(map, [=](const ExtentKey &key) {
        return key.database == database || (with_shared && !OidIsValid(key.database));
    });
}

std::vector<WarmRange> in_pieces(const std::vector<WarmRange> &ranges, std::uint32_t blocks) {
    std::vector<WarmRange> pieces;
    for (WarmRange range : ranges) {
        while (range.size() > blocks) {
            pieces.push_back({range.relation, range.fork, range.first, range.first + blocks - 1});
            range.first += blocks;
        }
        pieces.push_back(range);
    }
    return pieces;
}

} // namespace triage::heat
