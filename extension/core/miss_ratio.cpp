#include "core/miss_ratio.h"

#include <algorithm>
#include <cmath>

namespace triage {
namespace {

constexpr double shortest_s = 0.5;
constexpr double bins_per_octave = 4;
// Older than the longest horizon: forgotten, and new when it comes back.
constexpr int last_bin = ReuseTimes::count - 1;
// A statement about T needs to have been watched for this many times T.
constexpr double needed_spans = 1.0;

std::uint64_t mix(std::uint64_t x) { // splitmix64
    x += 0x9E3779B97F4A7C15;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
    return x ^ (x >> 31);
}

// The first bin whose T is at least `seconds`; count if there is none.
int first_bin_of(double seconds) {
    if (seconds <= shortest_s)
        return 0;
    return std::min(
        static_cast<int>(std::ceil(std::log2(seconds / shortest_s) * bins_per_octave - 1e-9)),
        ReuseTimes::count);
}

// The groups use low bits, the choice of blocks uses the high ones.
std::size_t group_of(std::uint64_t hash) {
    return hash % ReuseHistograms::groups;
}

double share_of(std::uint64_t threshold) {
    return (static_cast<double>(threshold) + 1) / std::ldexp(1.0, 64);
}

// Mean of both figures over the groups, or over all but one.
struct Curve {
    std::array<double, ReuseTimes::count> working_set{}, misses{};
    int bins = 0; // that have been watched long enough
};

Curve curve_of(const ReuseHistograms &histograms, int without) {
    Curve curve;
    const double groups = ReuseHistograms::groups - (without >= 0 ? 1 : 0);
    while (curve.bins < ReuseTimes::count) {
        const int bin = curve.bins;
        const auto at = static_cast<std::size_t>(bin);
        if (histograms.snapshots[at] <= 0 || histograms.seconds[at] <= 0 ||
            histograms.observed_s < (1 + needed_spans) * ReuseTimes::seconds(bin))
            break;
        for (int i = 0; i < ReuseHistograms::groups; i++)
            if (i != without) {
                const auto &group = histograms.group[static_cast<std::size_t>(i)];
                curve.working_set[at] += group.younger[at] / histograms.snapshots[at] / groups;
                curve.misses[at] += group.later[at] / histograms.seconds[at] / groups;
            }
        if (bin > 0) { // sampled at different moments, both may be out of order by a little
            curve.working_set[at] = std::max(curve.working_set[at], curve.working_set[at - 1]);
            curve.misses[at] = std::min(curve.misses[at], curve.misses[at - 1]);
        }
        curve.bins++;
    }
    return curve;
}

struct Point {
    double misses = 0;
    bool observed = true, upper_bound = false;
};

Point read_at(const Curve &curve, double blocks) {
    if (curve.bins == 0)
        return {0, false};
    const auto begin = curve.working_set.begin(), end = begin + curve.bins;
    const auto above = std::lower_bound(begin, end, blocks);
    if (above == end)
        return {curve.misses[static_cast<std::size_t>(curve.bins - 1)], false, true};
    const auto i = static_cast<std::size_t>(above - begin);
    if (i == 0)
        return {curve.misses[0], *above <= blocks};
    const double low = curve.working_set[i - 1], high = curve.working_set[i];
    const double share = high > low ? (blocks - low) / (high - low) : 1;
    return {curve.misses[i - 1] + share * (curve.misses[i] - curve.misses[i - 1]), true};
}

} // namespace

double ReuseTimes::seconds(int bin) {
    return shortest_s * std::exp2(bin / bins_per_octave);
}

std::uint64_t hash_of_block(std::uint32_t tablespace, std::uint32_t database, std::uint32_t file,
                            std::uint32_t fork, std::uint32_t block) {
    const std::uint64_t place = mix((std::uint64_t{tablespace} << 32) | database);
    return mix(mix(place ^ ((std::uint64_t{file} << 32) | fork)) ^ block);
}

ReuseTracker::ReuseTracker(std::size_t max_blocks, double half_life_s)
    : max_blocks_(max_blocks), half_life_s_(half_life_s) {
    histograms_.rate = 1;
}

void ReuseTracker::observe(std::span<const BlockSight> sights, double now) {
    if (looks_++ == 0)
        started_ = last_ = now;
    const double elapsed = std::max(0.0, now - last_);
    const double keep = std::exp2(-elapsed / half_life_s_);
    for (auto &group : histograms_.group)
        for (int bin = 0; bin < ReuseTimes::count; bin++) {
            group.younger[static_cast<std::size_t>(bin)] *= keep;
            group.later[static_cast<std::size_t>(bin)] *= keep;
        }
    for (int bin = 0; bin < ReuseTimes::count; bin++) {
        const auto at = static_cast<std::size_t>(bin);
        const bool counts = now - started_ >= ReuseTimes::seconds(bin) && looks_ > 1;
        histograms_.snapshots[at] = keep * histograms_.snapshots[at] + (counts ? 1 : 0);
        histograms_.seconds[at] = keep * histograms_.seconds[at] + (counts ? elapsed : 0);
    }

    for (const BlockSight &sight : sights)
        if (watches(sight.hash))
            see(sight, now);
    last_ = now;
    record_ages(now);
    narrow();
    histograms_.watched = blocks_.size();
    histograms_.observed_s = now - started_;
}

void ReuseTracker::see(const BlockSight &sight, double now) {
    const auto [found, is_new] = blocks_.try_emplace(sight.hash);
    Block &block = found->second;
    const bool was_there = !is_new && block.seen + 1 == looks_;
    if (looks_ == 1) { // it has been there for an unknown time
        block.last_access = now;
    } else if (!was_there) {
        record_access(sight.hash, block.dated ? now - block.last_access : INFINITY, now);
        block.last_access = now;
        block.dated = true;
    } else if (block.hidden && sight.usage == highest_usage) {
        block.last_access = now;
    } else if (sight.usage + sight.swept > block.usage) {
        // What the sweep took, accesses have put back.
        record_access(sight.hash, block.dated || block.hidden ? now - block.last_access : INFINITY,
                      now);
        block.last_access = now;
        block.dated = true;
    }
    block.hidden = sight.usage == highest_usage;
    block.usage = sight.usage;
    block.seen = looks_;
}

void ReuseTracker::record_access(std::uint64_t hash, double reuse, double now) {
    const double weight = ReuseHistograms::groups / share_of(threshold_);
    auto &later = histograms_.group[group_of(hash)].later;
    for (int bin = 0; bin < ReuseTimes::count; bin++) {
        const double horizon = ReuseTimes::seconds(bin);
        if (horizon >= reuse || now - started_ < horizon)
            break;
        later[static_cast<std::size_t>(bin)] += weight;
    }
}

void ReuseTracker::record_ages(double now) {
    if (looks_ == 1)
        return;
    const double weight = ReuseHistograms::groups / share_of(threshold_);
    std::array<std::array<double, ReuseTimes::count + 1>, ReuseHistograms::groups> ages{};
    for (const auto &[hash, block] : blocks_)
        if (block.dated || block.hidden)
            ages[group_of(hash)][static_cast<std::size_t>(first_bin_of(now - block.last_access))] +=
                weight;
    for (std::size_t group = 0; group < ages.size(); group++) {
        double younger = 0;
        for (int bin = 0; bin < ReuseTimes::count; bin++) {
            if (now - started_ < ReuseTimes::seconds(bin))
                break;
            younger += ages[group][static_cast<std::size_t>(bin)];
            histograms_.group[group].younger[static_cast<std::size_t>(bin)] += younger;
        }
    }
}

void ReuseTracker::narrow() {
    const double oldest = last_ - ReuseTimes::seconds(last_bin);
    std::erase_if(blocks_, [&](const auto &entry) {
        return entry.second.seen != looks_ && entry.second.last_access < oldest;
    });
    while (blocks_.size() > max_blocks_) {
        threshold_ /= 2;
        std::erase_if(blocks_, [&](const auto &entry) { return entry.first > threshold_; });
    }
    histograms_.rate = share_of(threshold_);
}

MissEstimate misses_at(const ReuseHistograms &histograms, double blocks) {
    const Point all = read_at(curve_of(histograms, -1), blocks);
    // Jackknife over the groups.
    constexpr int groups = ReuseHistograms::groups;
    std::array<double, groups> left_out{};
    double mean = 0, spread = 0;
    for (int i = 0; i < groups; i++) {
        left_out[static_cast<std::size_t>(i)] = read_at(curve_of(histograms, i), blocks).misses;
        mean += left_out[static_cast<std::size_t>(i)] / groups;
    }
    for (const double estimate : left_out)
        spread += (estimate - mean) * (estimate - mean);
    return {all.misses, std::sqrt(spread * (groups - 1) / groups), all.observed, all.upper_bound};
}

MissRatioCurve::MissRatioCurve(const ReuseHistograms &histograms, const PoolFigures &measured)
    : histograms_(histograms), measured_(measured) {
    // Misses fall with the size: bisect for the LRU that misses as often as was measured. Where the
    // curve is flat there is nothing to learn, and the factor stays near 1.
    double low = 0.5, high = 2;
    const Curve curve = curve_of(histograms_, -1);
    const auto misses = [&](double factor) { return read_at(curve, factor * measured_.blocks); };
    if (measured_.blocks <= 0 || !misses(1).observed)
        return;
    const double tolerance = 0.002 * measured_.accesses_per_s;
    if (std::abs(misses(1).misses - measured_.misses_per_s) <= tolerance)
        return;
    for (int step = 0; step < 40; step++) {
        const double middle = std::sqrt(low * high);
        (misses(middle).misses > measured_.misses_per_s ? low : high) = middle;
    }
    lru_factor_ = std::sqrt(low * high);
}

HitRatio MissRatioCurve::at(double blocks) const {
    if (measured_.accesses_per_s <= 0)
        return {0, 0, false};
    const MissEstimate estimate = misses_at(histograms_, blocks * lru_factor_);
    const double ratio = 1 - estimate.misses_per_s / measured_.accesses_per_s;
    return {std::clamp(ratio, 0.0, 1.0), estimate.error / measured_.accesses_per_s,
            estimate.observed, estimate.upper_bound};
}

} // namespace triage
