#include "core/eviction.h"

#include <algorithm>
#include <cmath>

namespace triage {

namespace {

constexpr int levels_an_octave = 8, level_of_one = 256;

} // namespace

int HeatCensus::level_of(double heat) {
    if (!(heat > 0))
        return 0;
    return std::clamp(static_cast<int>(std::log2(heat) * levels_an_octave) + level_of_one, 0,
                      levels - 1);
}

void HeatCensus::count(double heat, bool newcomer) {
    Level &level = at_level_[static_cast<std::size_t>(level_of(heat))];
    level.slots++;
    level.newcomers += newcomer;
    slots_++;
}

HeatCensus::Coldest HeatCensus::coldest(std::uint32_t slots) const {
    Coldest result;
    result.slots = std::min(slots, slots_);
    std::uint32_t left = result.slots;
    for (const Level &level : at_level_) {
        if (level.slots >= left) {
            if (left > 0)
                result.newcomers += static_cast<double>(level.newcomers) * left / level.slots;
            break;
        }
        result.newcomers += level.newcomers;
        left -= level.slots;
        result.level++;
    }
    return result;
}

double HeatCensus::median() const {
    if (slots_ == 0)
        return 0;
    const int level = coldest((slots_ + 1) / 2).level;
    return std::exp2(static_cast<double>(level + 1 - level_of_one) / levels_an_octave);
}

void EvictionPace::note(double freed, double newcomers_freed) {
    if (freed > 0)
        wait_s_ = newcomers_freed * 2 >= freed ? std::min(wait_s_ * 2, longest_s) : shortest_s;
}

} // namespace triage
