#include "core/warm_plan.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <tuple>

namespace triage {
namespace {

constexpr std::uint32_t visibility_map_fork = 2;
// A busy block of an extent carries this many times the heat of one that is merely there.
constexpr double hot_share = 3;
// As the planner's random_page_cost against seq_page_cost.
constexpr double random_miss = 4, sequential_miss = 1;

// Blocks of one extent that are worth the same.
struct Piece {
    std::size_t relation = 0;
    std::uint32_t fork = 0, extent = 0;
    BlockMask blocks = 0;
    double value = 0; // a block
    bool essential = false;

    std::uint64_t size() const { return static_cast<std::uint64_t>(std::popcount(blocks)); }
    auto place() const { return std::tuple(relation, fork, extent); }
};

// A bit for each block of the extent that lies before the relation's end.
BlockMask existing(std::uint32_t extent, std::uint32_t relation_blocks) {
    const std::uint64_t first = std::uint64_t{extent} * blocks_per_extent;
    if (relation_blocks <= first)
        return 0;
    const std::uint64_t here = relation_blocks - first;
    return here >= blocks_per_extent ? ~BlockMask{0} : (BlockMask{1} << here) - 1;
}

// A whole extent that nobody comes back to was read by a scan: the next scan reads ahead, and
// misses cheaply. Everything else is missed one block at a time.
double miss_cost(const WarmExtent &extent, BlockMask blocks) {
    const int count = std::popcount(blocks);
    const bool scanned = count >= 60 && extent.heat < 1.5 * count;
    return scanned ? sequential_miss : random_miss;
}

void cut_into_pieces(const WarmRelation &relation, const WarmExtent &extent, BlockMask blocks,
                     std::vector<Piece> &pieces) {
    const BlockMask essential = extent.fork == visibility_map_fork ? blocks : blocks & extent.upper;
    const BlockMask hot = blocks & extent.hot & ~essential;
    const BlockMask rest = blocks & ~hot & ~essential;
    const double shares = std::popcount(rest) + hot_share * std::popcount(hot | essential);
    const double unit =
        extent.heat * relation.class_weight * miss_cost(extent, blocks) / std::max(shares, 1.0);
    const auto add = [&](BlockMask part, double value, bool is_essential) {
        if (part != 0)
            pieces.push_back(
                {extent.relation, extent.fork, extent.extent, part, value, is_essential});
    };
    add(essential, hot_share * unit, true);
    add(hot, hot_share * unit, false);
    add(rest, unit, false);
}

std::vector<Piece> pieces_of(const std::vector<WarmRelation> &relations,
                             const std::vector<WarmExtent> &extents, std::uint64_t &cut_blocks) {
    std::vector<Piece> pieces;
    pieces.reserve(extents.size() * 2);
    for (const WarmExtent &extent : extents) {
        const WarmRelation &relation = relations[extent.relation];
        const std::uint32_t end =
            extent.fork < relation.blocks.size() ? relation.blocks[extent.fork] : 0;
        const BlockMask blocks = extent.blocks & existing(extent.extent, end);
        cut_blocks += static_cast<std::uint64_t>(std::popcount(extent.blocks & ~blocks));
        cut_into_pieces(relation, extent, blocks, pieces);
    }
    std::sort(pieces.begin(), pieces.end(), [](const Piece &left, const Piece &right) {
        return std::tuple(!left.essential, -left.value, left.place()) <
               std::tuple(!right.essential, -right.value, right.place());
    });
    return pieces;
}

// The lowest blocks of the mask, `count` of them.
BlockMask lowest(BlockMask mask, std::uint64_t count) {
    BlockMask kept = 0;
    for (; count > 0 && mask != 0; count--) {
        kept |= mask & -mask;
        mask &= mask - 1;
    }
    return kept;
}

// Takes pieces from the front, best first, until `room` blocks are taken; the last one is cut to
// fit.
std::vector<Piece> take(std::vector<Piece>::iterator &from, std::vector<Piece>::iterator end,
                        std::uint64_t room) {
    std::vector<Piece> taken;
    while (room > 0 && from != end) {
        if (from->size() <= room) {
            room -= from->size();
            taken.push_back(*from++);
            continue;
        }
        Piece part = *from;
        part.blocks = lowest(part.blocks, room);
        from->blocks &= ~part.blocks;
        taken.push_back(part);
        room = 0;
    }
    return taken;
}

std::vector<WarmRange> ranges_of(const std::vector<Piece> &sorted, std::uint32_t largest_gap) {
    std::vector<WarmRange> ranges;
    for (const Piece &piece : sorted)
        for (BlockMask mask = piece.blocks; mask != 0;) {
            const int bit = std::countr_zero(mask);
            const int run = std::countr_one(mask >> bit);
            const std::uint32_t first =
                piece.extent * blocks_per_extent + static_cast<std::uint32_t>(bit);
            const std::uint32_t last = first + static_cast<std::uint32_t>(run) - 1;
            mask &= run == 64 ? 0 : ~(((BlockMask{1} << run) - 1) << bit);
            if (!ranges.empty() && ranges.back().relation == piece.relation &&
                ranges.back().fork == piece.fork && first - ranges.back().last - 1 <= largest_gap)
                ranges.back().last = last;
            else
                ranges.push_back({piece.relation, piece.fork, first, last});
        }
    return ranges;
}

// Pieces of one extent become one, so that ranges come out in the order of the disk.
std::vector<Piece> in_disk_order(std::vector<Piece> pieces) {
    std::sort(pieces.begin(), pieces.end(),
              [](const Piece &left, const Piece &right) { return left.place() < right.place(); });
    std::vector<Piece> merged;
    for (const Piece &piece : pieces)
        if (!merged.empty() && merged.back().place() == piece.place())
            merged.back().blocks |= piece.blocks;
        else
            merged.push_back(piece);
    return merged;
}

WarmWave wave_of(CacheLevel level, std::vector<Piece> pieces, const WarmLimits &limits) {
    WarmWave wave{.level = level};
    for (const Piece &piece : pieces) {
        wave.blocks += piece.size();
        wave.value += piece.value * static_cast<double>(piece.size());
    }
    pieces = in_disk_order(std::move(pieces));
    wave.fetch = ranges_of(pieces, limits.largest_gap);
    if (level == CacheLevel::SharedBuffers)
        wave.load = ranges_of(pieces, 0);
    return wave;
}

std::uint64_t total_size(const std::vector<Piece> &pieces) {
    std::uint64_t blocks = 0;
    for (const Piece &piece : pieces)
        blocks += piece.size();
    return blocks;
}

} // namespace

std::uint64_t WarmPlan::blocks(CacheLevel level) const {
    std::uint64_t sum = 0;
    for (const WarmWave &wave : waves)
        if (wave.level == level)
            sum += wave.blocks;
    return sum;
}

WarmPlan plan_warming(const std::vector<WarmRelation> &relations,
                      const std::vector<WarmExtent> &extents, const WarmLimits &limits) {
    WarmPlan plan;
    std::vector<Piece> pieces = pieces_of(relations, extents, plan.cut_blocks);
    for (const Piece &piece : pieces)
        plan.value += piece.value * static_cast<double>(piece.size());

    auto next = pieces.begin();
    const auto add_wave = [&](CacheLevel level, std::uint64_t room) {
        if (auto taken = take(next, pieces.end(), room); !taken.empty()) {
            plan.waves.push_back(wave_of(level, std::move(taken), limits));
            plan.planned_value += plan.waves.back().value;
        }
    };

    const std::uint64_t wanted = total_size(pieces);
    const std::uint64_t in_buffers = std::min(wanted, limits.shared_buffers_blocks);
    std::uint64_t placed = 0;
    for (const double end : limits.waves) {
        const auto until = static_cast<std::uint64_t>(
            std::llround(std::clamp(end, 0.0, 1.0) * static_cast<double>(in_buffers)));
        if (until > placed)
            add_wave(CacheLevel::SharedBuffers, until - placed);
        placed = std::max(placed, until);
    }
    add_wave(CacheLevel::PageCache, std::min(wanted - placed, limits.page_cache_blocks));

    for (; next != pieces.end(); ++next)
        plan.left_blocks += next->size();
    return plan;
}

double warm_weight_of(std::string_view data_class) {
    static constexpr std::pair<std::string_view, double> weights[] = {
        {"emergency_data", 4}, {"patient_data", 3}, {"vital_signs", 2}, {"clinical_data", 2},
        {"reference_data", 2}, {"ai_inference", 1}, {"other", 1},       {"audit_data", 0.25}};
    for (const auto &[name, weight] : weights)
        if (name == data_class)
            return weight;
    return 1;
}

std::vector<Readiness> readiness_of(const std::vector<WarmRelation> &relations,
                                    const std::vector<WarmExtent> &extents,
                                    const WarmLimits &limits,
                                    const std::vector<WarmExtent> &resident) {
    std::map<std::tuple<std::size_t, std::uint32_t, std::uint32_t>, BlockMask> there;
    for (const WarmExtent &extent : resident)
        there[{extent.relation, extent.fork, extent.extent}] |= extent.blocks;

    std::uint64_t cut_blocks = 0;
    std::vector<Piece> pieces = pieces_of(relations, extents, cut_blocks);
    auto next = pieces.begin();
    std::map<std::string, Readiness> classes;
    for (const Piece &piece : take(next, pieces.end(), limits.shared_buffers_blocks)) {
        const std::string &data_class = relations[piece.relation].data_class;
        Readiness &readiness = classes.try_emplace(data_class, Readiness{data_class}).first->second;
        const auto found = there.find(piece.place());
        const BlockMask ready = found == there.end() ? 0 : piece.blocks & found->second;
        readiness.planned += piece.value * static_cast<double>(piece.size());
        readiness.ready += piece.value * std::popcount(ready);
    }
    std::vector<Readiness> result;
    for (auto &[name, readiness] : classes)
        result.push_back(std::move(readiness));
    return result;
}

} // namespace triage
