#include "core/heat_map.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace triage {
namespace {

constexpr double steps_per_octave = 16;
// Below this an extent has not been touched for many half-lives.
constexpr float negligible_heat = 1e-3F;
// A gap between two samples (the worker was busy, the machine slept) counts as no more than this.
constexpr std::int64_t longest_step_s = 600;

// Ends the hour that was: its mean goes into the week's profile, half and half with earlier weeks.
void fold_hour(std::vector<HeatSlot> &slots, HeatClock &clock) {
    if (clock.hour_of_week < 0 || clock.samples_in_hour == 0)
        return;
    for (HeatSlot &slot : slots) {
        std::uint8_t &code = slot.by_hour[static_cast<std::size_t>(clock.hour_of_week)];
        const double mean = slot.hour_sum / clock.samples_in_hour;
        const double earlier = decode_heat(code);
        code = encode_heat(earlier > 0 ? (earlier + mean) / 2 : mean);
        slot.hour_sum = 0;
        if (slot.resident[0] != 0) { // else it keeps what is known from when it was last there
            slot.resident[1] = std::exchange(slot.resident[0], 0);
            slot.hot[1] = std::exchange(slot.hot[0], 0);
        }
    }
    clock.samples_in_hour = 0;
}

void warm_slot(HeatSlot &slot, const ExtentSample &seen, float keep) {
    slot.heat = keep * slot.heat + (1 - keep) * static_cast<float>(seen.usage);
    slot.hour_sum += static_cast<float>(seen.usage);
    slot.seen++;
    slot.resident[0] |= seen.resident;
    slot.hot[0] |= seen.hot;
    slot.upper = (slot.upper & ~seen.examined) | seen.upper;
}

// The hottest stay, at any hour of the week: what the morning round needs must outlive the night.
float worth(const HeatSlot &slot) {
    const std::uint8_t peak = *std::max_element(slot.by_hour.begin(), slot.by_hour.end());
    return std::max(slot.heat, static_cast<float>(decode_heat(peak)) / 4);
}

void forget_coldest(std::vector<HeatSlot> &slots, HeatClock &clock, std::size_t capacity) {
    std::erase_if(slots, [](const HeatSlot &slot) { return worth(slot) < negligible_heat; });
    if (slots.size() <= capacity)
        return;
    std::vector<float> worths;
    worths.reserve(slots.size());
    for (const HeatSlot &slot : slots)
        worths.push_back(worth(slot));
    const auto last_kept = worths.begin() + static_cast<std::ptrdiff_t>(slots.size() - capacity);
    std::nth_element(worths.begin(), last_kept, worths.end());
    const float least = capacity ? *last_kept : INFINITY;
    clock.forgotten += slots.size() - capacity;
    // Of those that are worth exactly the least, only as many as there is room for.
    std::size_t room = capacity - static_cast<std::size_t>(std::count_if(
                                      slots.begin(), slots.end(),
                                      [&](const HeatSlot &slot) { return worth(slot) > least; }));
    std::erase_if(slots, [&](const HeatSlot &slot) {
        const float value = worth(slot);
        return value < least || (value == least && (room == 0 || room-- == 0));
    });
}

} // namespace

std::uint8_t encode_heat(double heat) {
    if (!(heat > 0))
        return 0;
    return static_cast<std::uint8_t>(
        std::clamp(std::lround(steps_per_octave * std::log2(1 + heat)), 0L, 255L));
}

double decode_heat(std::uint8_t code) {
    return std::exp2(code / steps_per_octave) - 1;
}

double HeatSlot::heat_at(int hour_of_week) const {
    return decode_heat(by_hour[static_cast<std::size_t>(hour_of_week % hours_per_week)]);
}

void observe(std::vector<HeatSlot> &slots, HeatClock &clock, std::span<const ExtentSample> sample,
             const HeatMoment &moment, const HeatSettings &settings) {
    if (moment.hour_of_week != clock.hour_of_week)
        fold_hour(slots, clock);

    // Time in which the server did not run cools nothing.
    const std::int64_t elapsed =
        clock.sampled_at ? std::clamp<std::int64_t>(moment.at - clock.sampled_at, 0, longest_step_s)
                         : 60;
    const auto keep =
        static_cast<float>(std::exp2(-static_cast<double>(elapsed) / settings.half_life_s));

    std::vector<HeatSlot> merged;
    merged.reserve(slots.size() + sample.size());
    auto slot = slots.begin();
    auto seen = sample.begin();
    while (slot != slots.end() || seen != sample.end()) {
        if (seen == sample.end() || (slot != slots.end() && slot->key < seen->key)) {
            if (!moment.pool_has_room)
                slot->heat *= keep;
            merged.push_back(*slot++);
            continue;
        }
        if (slot != slots.end() && slot->key == seen->key) {
            // A pool that fills up again shows lower counts than it had; it must not cool what it
            // shows.
            const float before = slot->heat;
            warm_slot(*slot, *seen, keep);
            if (moment.pool_has_room)
                slot->heat = std::max(slot->heat, before);
            merged.push_back(*slot++);
        } else {
            merged.push_back({.key = seen->key});
            warm_slot(merged.back(), *seen, keep);
        }
        ++seen;
    }
    slots = std::move(merged);

    clock.sampled_at = moment.at;
    clock.hour_of_week = moment.hour_of_week;
    clock.samples_in_hour++;
    clock.samples++;
    forget_coldest(slots, clock, settings.max_extents);
}

} // namespace triage
