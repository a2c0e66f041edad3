#include "core/miss_ratio.h"

#include <gtest/gtest.h>

#include <cmath>
#include <list>
#include <random>
#include <unordered_map>

namespace triage {
namespace {

// A buffer pool as PostgreSQL's: usage counts up to 5, lowered by a clock hand that looks for a
// victim.
class ClockPool {
  public:
    explicit ClockPool(std::size_t size) : buffers_(size) {}

    bool access(std::uint32_t block) {
        if (const auto found = place_.find(block); found != place_.end()) {
            auto &usage = buffers_[found->second].usage;
            usage = std::uint8_t(std::min<int>(usage + 1, ReuseTracker::highest_usage));
            return true;
        }
        std::size_t victim = place_.size();
        if (victim == buffers_.size()) {
            for (;; hand_ = (hand_ + 1) % buffers_.size()) {
                buffers_[hand_].swept++;
                if (buffers_[hand_].usage == 0)
                    break;
                buffers_[hand_].usage--;
            }
            victim = hand_;
            hand_ = (hand_ + 1) % buffers_.size();
            place_.erase(buffers_[victim].block);
        }
        buffers_[victim] = {block, 1, 0};
        place_[block] = victim;
        return false;
    }

    // What the server's sampler would hand to the tracker.
    std::vector<BlockSight> look(const ReuseTracker &tracker) {
        std::vector<BlockSight> sights;
        for (std::size_t i = 0; i < place_.size(); i++) {
            const std::uint64_t hash = hash_of_block(1, 1, 1, 0, buffers_[i].block);
            if (tracker.watches(hash))
                sights.push_back({hash, buffers_[i].usage, buffers_[i].swept});
            buffers_[i].swept = 0;
        }
        return sights;
    }

  private:
    struct Buffer {
        std::uint32_t block = 0;
        std::uint8_t usage = 0, swept = 0;
    };
    std::vector<Buffer> buffers_;
    std::unordered_map<std::uint32_t, std::size_t> place_;
    std::size_t hand_ = 0;
};

class LruPool {
  public:
    explicit LruPool(std::size_t size) : size_(size) {}

    bool access(std::uint32_t block) {
        if (const auto found = place_.find(block); found != place_.end()) {
            order_.splice(order_.begin(), order_, found->second);
            return true;
        }
        if (place_.size() == size_) {
            place_.erase(order_.back());
            order_.pop_back();
        }
        order_.push_front(block);
        place_[block] = order_.begin();
        return false;
    }

  private:
    std::size_t size_;
    std::list<std::uint32_t> order_;
    std::unordered_map<std::uint32_t, std::list<std::uint32_t>::iterator> place_;
};

// Zipf's law over the blocks; a share of the accesses goes through a cold area in order (a report).
class Workload {
  public:
    Workload(std::uint32_t blocks, double skew, double scan_share)
        : blocks_(blocks), scan_share_(scan_share) {
        for (std::uint32_t rank = 1; rank <= blocks; rank++)
            weights_.push_back(std::pow(rank, -skew));
        choose_ = std::discrete_distribution<std::uint32_t>(weights_.begin(), weights_.end());
    }
    std::uint32_t next() {
        if (std::uniform_real_distribution<>(0, 1)(random_) < scan_share_)
            return blocks_ + scan_++ % (4 * blocks_);
        return choose_(random_);
    }

  private:
    std::uint32_t blocks_, scan_ = 0;
    double scan_share_;
    std::vector<double> weights_;
    std::discrete_distribution<std::uint32_t> choose_;
    std::mt19937_64 random_{42};
};

struct Measured {
    double ratio[3]; // at half, one and two times the size
};

struct Experiment {
    static constexpr std::size_t size = 2000;
    static constexpr int accesses_per_s = 250, seconds = 2400, settled = 400;

    explicit Experiment(std::size_t watched_blocks = 1500) : tracker(watched_blocks) {}

    ReuseTracker tracker;
    double hits_at_size = 0;

    // Runs the workload on a pool of each size; the tracker watches the middle one only.
    template <class Pool> Measured run(Workload workload, bool watch) {
        Pool pools[3] = {Pool(size / 2), Pool(size), Pool(size * 2)};
        double hits[3] = {};
        for (int second = 0; second < seconds; second++) {
            for (int i = 0; i < accesses_per_s; i++) {
                const std::uint32_t block = workload.next();
                for (int pool = 0; pool < 3; pool++)
                    hits[pool] += pools[pool].access(block) && second >= settled;
            }
            if constexpr (std::is_same_v<Pool, ClockPool>)
                if (watch && second >= settled)
                    tracker.observe(pools[1].look(tracker), second);
        }
        const double counted = double(accesses_per_s) * (seconds - settled);
        hits_at_size = hits[1] / counted;
        return {hits[0] / counted, hits[1] / counted, hits[2] / counted};
    }

    MissRatioCurve curve() const {
        return {tracker.histograms(),
                {double(size), accesses_per_s, accesses_per_s * (1 - hits_at_size)}};
    }
};

void expect_predicts(const MissRatioCurve &curve, const Measured &measured, double tolerance) {
    for (int i = 0; i < 3; i++) {
        const HitRatio predicted = curve.at(Experiment::size * std::exp2(i - 1));
        EXPECT_TRUE(predicted.observed);
        EXPECT_NEAR(predicted.ratio, measured.ratio[i], tolerance) << "size " << i;
        EXPECT_LT(predicted.error, 0.05);
    }
}

TEST(MissRatio, PredictsOtherPoolSizesUnderSkew) {
    Experiment experiment;
    const Measured measured = experiment.run<ClockPool>(Workload(10000, 0.8, 0), true);
    EXPECT_LT(experiment.tracker.histograms().rate, 1); // a sample it is
    EXPECT_GT(measured.ratio[2] - measured.ratio[0], 0.15);
    expect_predicts(experiment.curve(), measured, 0.03);
}

TEST(MissRatio, PredictsOtherPoolSizesWithoutSkew) {
    Experiment experiment;
    const Measured measured = experiment.run<ClockPool>(Workload(6000, 0, 0), true);
    EXPECT_GT(measured.ratio[2] - measured.ratio[0], 0.4);
    expect_predicts(experiment.curve(), measured, 0.05);
}

TEST(MissRatio, PredictsOtherPoolSizesWhileAReportScans) {
    Experiment experiment;
    const Measured measured = experiment.run<ClockPool>(Workload(8000, 0.9, 0.2), true);
    expect_predicts(experiment.curve(), measured, 0.05);
}

TEST(MissRatio, AgreesWithAnExactLru) {
    Experiment experiment;
    experiment.run<ClockPool>(Workload(10000, 0.8, 0), true);
    const ReuseHistograms histograms = experiment.tracker.histograms();
    const Measured exact = experiment.run<LruPool>(Workload(10000, 0.8, 0), false);
    for (int i = 0; i < 3; i++) {
        const MissEstimate estimate = misses_at(histograms, Experiment::size * std::exp2(i - 1));
        EXPECT_NEAR(1 - estimate.misses_per_s / Experiment::accesses_per_s, exact.ratio[i], 0.04);
    }
}

TEST(MissRatio, SaysWhatItHasNotSeen) {
    Experiment experiment;
    experiment.run<ClockPool>(Workload(10000, 0.8, 0), true);
    const HitRatio beyond = experiment.curve().at(1e7);
    EXPECT_FALSE(beyond.observed);
    EXPECT_TRUE(beyond.lower_bound);
    EXPECT_GE(beyond.ratio, experiment.curve().at(2 * Experiment::size).ratio);
    EXPECT_FALSE(experiment.curve().at(1).lower_bound);
    EXPECT_FALSE(misses_at(ReuseHistograms{}, 100).observed);
    EXPECT_FALSE(MissRatioCurve({}, {}).at(100).observed);
}

TEST(MissRatio, ASmallerSampleHasALargerError) {
    Experiment large, small(200);
    large.run<ClockPool>(Workload(10000, 0.8, 0), true);
    small.run<ClockPool>(Workload(10000, 0.8, 0), true);
    EXPECT_LT(small.tracker.histograms().watched, 201u);
    EXPECT_LT(misses_at(large.tracker.histograms(), Experiment::size).error,
              misses_at(small.tracker.histograms(), Experiment::size).error);
}

TEST(MissRatio, AStillPoolMissesNothing) {
    ReuseTracker tracker;
    std::vector<BlockSight> sights;
    for (std::uint32_t block = 0; block < 500; block++)
        sights.push_back({hash_of_block(1, 1, 1, 0, block), 5, 0});
    for (int second = 0; second < 60; second++)
        tracker.observe(sights, second);
    const MissEstimate estimate = misses_at(tracker.histograms(), 500);
    EXPECT_EQ(estimate.misses_per_s, 0);
    EXPECT_EQ(MissRatioCurve(tracker.histograms(), {500, 1000, 0}).lru_factor(), 1);
}

} // namespace
} // namespace triage
