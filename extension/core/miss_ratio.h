// How many reads a larger or smaller buffer pool would cause: a miss-ratio curve from samples of
// the pool.
//
// PostgreSQL shows no stream of buffer accesses, but the usage counts of a few blocks, watched
// closely, give the two figures that are needed. Blocks are chosen by a hash of their place
// (spatial sampling, as in SHARDS: Waldspurger et al., FAST '15), so that a chosen block is seen
// each time it is touched:
//   s(T)  blocks whose last access is at most T ago  (Denning's working set)
//   m(T)  accesses a second that come more than T after the block's previous one
// An LRU cache of C blocks holds about what was touched in the last T where s(T) = C, and misses
// m(T). A pool that sweeps usage counts is no LRU; how large an LRU it behaves like is measured at
// its present size, and the curve is stretched by that factor.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <unordered_map>

namespace triage {

// The horizons T at which both figures are kept: four an octave from half a second to seven hours.
struct ReuseTimes {
    static constexpr int count = 64;
    static double seconds(int bin);
};

struct ReuseHistograms {
    // The sample in eighths by hash: how far they differ is the error. Each is scaled up to the
    // whole.
    static constexpr int groups = 8;

    struct Group {
        std::array<double, ReuseTimes::count>
            younger{}; // blocks with age <= T, summed over snapshots
        std::array<double, ReuseTimes::count>
            later{}; // accesses more than T after the previous one
    };
    std::array<Group, groups> group{};
    // Watched for at least T by then: only such moments may speak about T.
    std::array<double, ReuseTimes::count> snapshots{}; // behind `younger`
    std::array<double, ReuseTimes::count> seconds{};   // behind `later`
    double rate = 0;                                   // share of all blocks that is watched now
    std::uint64_t watched = 0;                         // blocks
    double observed_s = 0;
};
static_assert(std::is_trivially_copyable_v<ReuseHistograms>);

// A watched block as it was found in the pool.
struct BlockSight {
    std::uint64_t hash = 0;
    std::uint8_t usage = 0; // 0..5
    std::uint8_t swept = 0; // times that the clock hand has passed its buffer since the last look
};

class ReuseTracker {
  public:
    static constexpr std::uint8_t highest_usage = 5;

    static constexpr double default_half_life_s = 3600;

    explicit ReuseTracker(std::size_t max_blocks = 8192, double half_life_s = default_half_life_s);

    // Only such blocks need to be shown. The choice narrows when there are too many.
    bool watches(std::uint64_t hash) const { return hash <= threshold_; }

    // All watched blocks that are in the pool now. Times in seconds, ascending.
    void observe(std::span<const BlockSight> sights, double now);

    const ReuseHistograms &histograms() const { return histograms_; }

  private:
    struct Block {
        double last_access = 0;
        std::uint64_t seen = 0; // number of the look at which it was last in the pool
        std::uint8_t usage = 0;
        bool hidden = false; // at the highest usage count, where accesses leave no trace
        bool dated = false;  // false: was there before we looked, never seen accessed
    };

    void see(const BlockSight &sight, double now);
    void record_access(std::uint64_t hash, double reuse, double now);
    void record_ages(double now);
    void narrow();

    const std::size_t max_blocks_;
    const double half_life_s_;
    std::uint64_t threshold_ = UINT64_MAX;
    std::unordered_map<std::uint64_t, Block> blocks_;
    std::uint64_t looks_ = 0;
    double started_ = 0, last_ = 0;
    ReuseHistograms histograms_;
};

struct MissEstimate {
    double misses_per_s = 0;
    double error = 0;     // standard error of the sampling
    bool observed = true; // false: watched for too short a time
    // Then: so many blocks were not in use in the time watched, so that there are no more misses
    // than this.
    bool upper_bound = false;
};

MissEstimate misses_at(const ReuseHistograms &histograms, double blocks);

// What the server itself counted over the same time.
struct PoolFigures {
    double blocks = 0; // size of the pool
    double accesses_per_s = 0, misses_per_s = 0;
};

struct HitRatio {
    double ratio = 0; // 0..1
    double error = 0; // standard error, same unit
    bool observed = true;
    bool lower_bound = false; // not observed, but no lower than this
};

class MissRatioCurve {
  public:
    MissRatioCurve(const ReuseHistograms &histograms, const PoolFigures &measured);

    HitRatio at(double blocks) const;
    // Blocks of an LRU cache that would miss as often as the pool does, divided by the pool's
    // blocks.
    double lru_factor() const { return lru_factor_; }

  private:
    const ReuseHistograms histograms_;
    const PoolFigures measured_;
    double lru_factor_ = 1;
};

// Mixes all bits; what spatial sampling takes as the hash of a block's place.
std::uint64_t hash_of_block(std::uint32_t tablespace, std::uint32_t database, std::uint32_t file,
                            std::uint32_t fork, std::uint32_t block);

} // namespace triage
