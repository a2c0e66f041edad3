#include "core/activity_log.h"

#include <algorithm>

namespace triage {

namespace {

// What weighs as much as a new week: means follow a change of habit within a month.
constexpr float weeks_of_memory = 4;
constexpr float full_hour_s = 3600;

// The share of an hour that was observed weighs as that share of a week.
float share_observed(const ActivityHead &head) {
    return std::min(1.0F, head.seconds_in_hour / full_hour_s);
}

HourActivity with_this_hour(const ActivityHead &head, const ActivitySlot &slot) {
    HourActivity hour = slot.hours[static_cast<std::size_t>(head.hour_of_week)];
    if (head.looks_in_hour == 0)
        return hour;
    const float share = share_observed(head);
    const float before = head.weeks[static_cast<std::size_t>(head.hour_of_week)];
    const float weight = before + share > 0 ? share / std::min(before + share, weeks_of_memory) : 1;
    const float mean =
        static_cast<float>(slot.sum_in_hour) / static_cast<float>(head.looks_in_hour);
    const auto peak = static_cast<float>(slot.peak_in_hour);
    hour.mean += std::min(weight, 1.0F) * (mean - hour.mean);
    // A peak stands until lower ones have worn it down.
    hour.peak = std::max(peak, hour.peak + share / weeks_of_memory * (peak - hour.peak));
    return hour;
}

void close_hour(ActivityHead &head, std::span<ActivitySlot> used) {
    if (head.hour_of_week >= 0) {
        const auto hour = static_cast<std::size_t>(head.hour_of_week);
        for (ActivitySlot &slot : used)
            slot.hours[hour] = with_this_hour(head, slot);
        head.weeks[hour] += share_observed(head);
    }
    for (ActivitySlot &slot : used)
        slot.sum_in_hour = slot.peak_in_hour = 0;
    head.seconds_in_hour = 0;
    head.looks_in_hour = 0;
}

void begin_minute(ActivityHead &head, std::span<ActivitySlot> used, std::uint32_t minute) {
    const std::size_t at = minute % activity_minutes;
    if (head.minute[at] == minute)
        return;
    head.minute[at] = minute;
    head.looks[at] = 0;
    for (ActivitySlot &slot : used)
        slot.minutes[at] = {};
}

// The slot of a key; a new key takes a free slot, else that of the key that was not seen for
// longest, unless all were seen in this very minute.
ActivitySlot *slot_of(ActivityHead &head, std::span<ActivitySlot> slots, const ActivityKey &key,
                      std::uint32_t minute) {
    const auto used = slots.first(head.slots);
    const auto found = std::find_if(used.begin(), used.end(),
                                    [&](const ActivitySlot &slot) { return slot.key == key; });
    if (found != used.end())
        return &*found;
    ActivitySlot *slot = nullptr;
    if (head.slots < slots.size()) {
        slot = &slots[head.slots++];
    } else {
        head.forgotten++;
        const auto oldest = std::min_element(
            used.begin(), used.end(), [](const ActivitySlot &left, const ActivitySlot &right) {
                return left.last_minute < right.last_minute;
            });
        if (oldest == used.end() || oldest->last_minute >= minute)
            return nullptr;
        slot = &*oldest;
    }
    *slot = ActivitySlot{};
    slot->key = key;
    return slot;
}

} // namespace

void observe(ActivityHead &head, std::span<ActivitySlot> slots,
             std::span<const ActivitySample> samples, const ActivityMoment &moment) noexcept {
    const auto used = slots.first(head.slots);
    if (head.hour_of_week != moment.hour_of_week) {
        close_hour(head, used);
        head.hour_of_week = moment.hour_of_week;
    }
    begin_minute(head, used, moment.minute);
    const std::size_t at = moment.minute % activity_minutes;
    head.looks[at]++;
    head.looks_in_hour++;
    head.looks_ever++;
    head.seconds_in_hour += moment.seconds;
    for (const ActivitySample &sample : samples) {
        ActivitySlot *slot = slot_of(head, slots, sample.key, moment.minute);
        if (!slot)
            continue;
        slot->last_minute = moment.minute;
        slot->sum_in_hour += sample.sessions;
        slot->peak_in_hour = std::max(slot->peak_in_hour, sample.sessions);
        MinuteActivity &minute = slot->minutes[at];
        minute.sessions += sample.sessions;
        minute.peak = std::max(minute.peak, sample.sessions);
        minute.transaction_age_s += sample.transaction_age_s;
        minute.oldest_s = std::max(minute.oldest_s, sample.oldest_s);
    }
}

HourActivity hour_of(const ActivityHead &head, const ActivitySlot &slot,
                     int hour_of_week) noexcept {
    if (hour_of_week == head.hour_of_week)
        return with_this_hour(head, slot);
    return slot.hours[static_cast<std::size_t>(hour_of_week)];
}

float weeks_of(const ActivityHead &head, int hour_of_week) noexcept {
    const float closed = head.weeks[static_cast<std::size_t>(hour_of_week)];
    return hour_of_week == head.hour_of_week ? closed + share_observed(head) : closed;
}

} // namespace triage
