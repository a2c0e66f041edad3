#include "pg/buffers.h"

PG_HEADERS_BEGIN
#include "access/nbtree.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"
PG_HEADERS_END

namespace triage::buffers {

namespace {

// Whether the page looks like one of a B-tree's above its leaves, as pg_filedump tells: by the size
// of its special space and by what no other access method leaves in the last two bytes. The page
// may change while it is read: the answer is a hint, nothing is followed.
bool is_upper_page(int buffer) {
    const char *page = BufferBlocks + static_cast<std::size_t>(buffer) * BLCKSZ;
    PageHeaderData header;
    memcpy(&header, page, SizeOfPageHeaderData);
    constexpr std::size_t special = BLCKSZ - MAXALIGN(sizeof(BTPageOpaqueData));
    if (header.pd_special != special)
        return false;
    BTPageOpaqueData opaque;
    memcpy(&opaque, page + special, sizeof(opaque));
    if (opaque.btpo_cycleid > MAX_BT_CYCLE_ID ||
        (opaque.btpo_flags & (BTP_DELETED | BTP_HALF_DEAD)))
        return false;
    return (opaque.btpo_flags & BTP_META) ||
           (opaque.btpo_level > 0 && opaque.btpo_level < 32 && !(opaque.btpo_flags & BTP_LEAF));
}

// Upper pages are passed by every descent, so that no other page needs to be looked at.
constexpr int upper_page_usage = 2;

ExtentKey extent_of(const BlockPlace &place) {
    return {place.tablespace, place.database, place.file, static_cast<std::uint32_t>(place.fork),
            place.block / blocks_per_extent};
}

struct HashOfExtent {
    std::size_t operator()(const ExtentKey &key) const {
        return hash_of_block(key.tablespace, key.database, key.file, key.fork, key.extent);
    }
};

} // namespace

int pool_size() {
    return NBuffers;
}

bool has_room() {
    return have_free_buffer();
}

std::optional<Sight> look_at(int buffer) {
    BufferDesc *descriptor = GetBufferDescriptor(buffer);
    const uint32 before = pg_atomic_read_u32(&descriptor->state);
    constexpr uint32 needed = BM_TAG_VALID | BM_VALID;
    if ((before & needed) != needed || (before & BM_LOCKED))
        return std::nullopt;
    pg_read_barrier();
    const BlockPlace place = place_of(descriptor->tag);
    pg_read_barrier();
    // The tag changes only under the header lock, and the flags change with it.
    const uint32 after = pg_atomic_read_u32(&descriptor->state);
    if ((after & needed) != needed || (after & BM_LOCKED) || place.fork < MAIN_FORKNUM ||
        place.fork > INIT_FORKNUM)
        return std::nullopt;
    return Sight{place, static_cast<int>(BUF_STATE_GET_USAGECOUNT(after)), (after & BM_DIRTY) != 0,
                 BUF_STATE_GET_REFCOUNT(after) > 0, buffer};
}

std::vector<ExtentSample> sample_extents(std::size_t max_extents, std::span<const HeatSlot> known) {
    std::unordered_map<ExtentKey, ExtentSample, HashOfExtent> extents;
    const auto is_known = [&](const ExtentKey &key) {
        return std::binary_search(
            known.begin(), known.end(), HeatSlot{.key = key},
            [](const HeatSlot &left, const HeatSlot &right) { return left.key < right.key; });
    };
    // Starts elsewhere each time, so that no part of a large pool is always the one left out.
    static std::uint32_t turn = 0;
    const int size = pool_size();
    const int start = static_cast<int>(turn++ * std::uint64_t{2654435769U} % size);
    for (int i = 0; i < size; i++) {
        const std::optional<Sight> sight =
            look_at(static_cast<int>((std::int64_t{start} + i) % size));
        if (!sight || sight->place.fork == INIT_FORKNUM)
            continue;
        const ExtentKey key = extent_of(sight->place);
        auto found = extents.find(key);
        if (found == extents.end()) {
            if (extents.size() >= max_extents && !is_known(key))
                continue;
            found = extents.emplace(key, ExtentSample{.key = key}).first;
        }
        ExtentSample &extent = found->second;
        const BlockMask bit = BlockMask{1} << sight->place.block % blocks_per_extent;
        extent.resident |= bit;
        extent.usage += static_cast<std::uint32_t>(sight->usage);
        if (sight->usage >= static_cast<int>(ExtentSample::hot_usage))
            extent.hot |= bit;
        if (sight->usage >= upper_page_usage && sight->place.fork == MAIN_FORKNUM) {
            extent.examined |= bit;
            if (is_upper_page(sight->buffer))
                extent.upper |= bit;
        }
    }
    std::vector<ExtentSample> sample;
    sample.reserve(extents.size());
    for (const auto &[key, extent] : extents)
        sample.push_back(extent);
    std::sort(
        sample.begin(), sample.end(),
        [](const ExtentSample &left, const ExtentSample &right) { return left.key < right.key; });
    return sample;
}

void Watch::look(ReuseTracker &tracker, double now) {
    const auto size = static_cast<std::uint64_t>(pool_size());
    uint32 sweeps = 0;
    const auto position = static_cast<std::uint64_t>(StrategySyncStart(&sweeps, nullptr));
    const std::uint64_t from = hand_, to = sweeps * size + position;
    hand_ = to;
    // Times that the hand has passed the buffer: numbers congruent to it in [from, to).
    const auto swept = [&](std::uint64_t buffer) -> std::uint8_t {
        if (from == 0 || to <= from)
            return 0;
        const std::uint64_t count =
            (to + size - 1 - buffer) / size - (from + size - 1 - buffer) / size;
        return static_cast<std::uint8_t>(std::min<std::uint64_t>(count, 255));
    };
    sights_.clear();
    for (int buffer = 0; buffer < static_cast<int>(size); buffer++) {
        const std::optional<Sight> sight = look_at(buffer);
        if (!sight || sight->place.fork == INIT_FORKNUM)
            continue;
        const BlockPlace &place = sight->place;
        const std::uint64_t hash =
            hash_of_block(place.tablespace, place.database, place.file,
                          static_cast<std::uint32_t>(place.fork), place.block);
        if (tracker.watches(hash))
            sights_.push_back({hash, static_cast<std::uint8_t>(sight->usage),
                               swept(static_cast<std::uint64_t>(buffer))});
    }
    tracker.observe(sights_, now);
}

} // namespace triage::buffers
