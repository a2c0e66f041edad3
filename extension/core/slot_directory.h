// A lock-free directory in front of a fixed array of slots, made to live in shared memory: one
// 64-bit tag a slot, eight tags a cache line, a bounded number of lines looked at.
//
// A tag is 0 (never used), 1 (vacated), another even one (somebody is filling the slot) or odd one
// (ready). Whoever adds a key claims the first free tag on its way by compare-and-swap, fills the
// slot and publishes. A key is never behind a tag that was never used, so looking for one that is
// not there is short until the slots have all had an owner. Two backends adding the same key at
// once meet on the same tag; only if a slot in front of it becomes free at that very moment may a
// key get two slots: whoever reads all slots adds those up.
//
// The last sixteenth of the slots is a reserve: keys that are one among many get no slot of it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace triage {

class SlotDirectory {
  public:
    static constexpr std::uint32_t tags_a_line = 8;
    static constexpr std::uint32_t lines_probed = 12;

    enum class Outcome { Found, Added, Busy, Full };
    struct Place {
        Outcome outcome = Outcome::Full;
        std::uint32_t slot = 0;
        bool usable() const { return outcome == Outcome::Found || outcome == Outcome::Added; }
    };

    // Which slots a new key may have.
    enum class Room { Common, Reserve };

    SlotDirectory() = default;
    // `tags` must hold `slots` zeroes at first, and so must `used`; `slots` is a multiple of
    // tags_a_line.
    SlotDirectory(std::atomic<std::uint64_t> *tags, std::uint32_t slots,
                  std::atomic<std::uint32_t> *used)
        : tags_(tags), used_(used), slots_(slots) {}

    std::uint32_t slots() const { return slots_; }
    std::uint32_t reserve() const { return slots_ / 16; }
    // How many have, or are about to have, an owner.
    std::uint32_t used() const { return used_->load(std::memory_order_relaxed); }
    bool is_ready(std::uint32_t slot) const {
        const std::uint64_t tag = tags_[slot].load(std::memory_order_acquire);
        return (tag & 1) != 0 && tag != vacated;
    }

    // The slot of a key: `hash` is well mixed, `matches(slot)` compares the key with a ready
    // slot's.
    template <class Matches> Place find(std::uint64_t hash, const Matches &matches) const noexcept {
        const std::uint64_t ready = tag_of(hash) | 1;
        return probe(hash, [&](std::uint32_t slot, Place &place) {
            const std::uint64_t seen = tags_[slot].load(std::memory_order_acquire);
            if (seen == ready && matches(slot))
                place = {Outcome::Found, slot};
            return seen == never_used || place.outcome == Outcome::Found;
        });
    }

    // The same, adding the key if it is not there: `fill(slot)` writes key and initial contents; if
    // it returns false the slot is given back.
    template <class Matches, class Fill>
    Place find_or_add(std::uint64_t hash, const Matches &matches, const Fill &fill,
                      Room room = Room::Reserve) noexcept {
        const std::uint64_t tag = tag_of(hash);
        for (int attempt = 0; attempt < 4; attempt++) {
            std::uint32_t free_slot = slots_;
            Place place = probe(hash, [&](std::uint32_t slot, Place &result) {
                const std::uint64_t seen = tags_[slot].load(std::memory_order_acquire);
                if (seen == (tag | 1) && matches(slot))
                    result = {Outcome::Found, slot};
                else if (seen == tag) // being filled, most likely with this very key
                    result = {Outcome::Busy, slot};
                else if (seen <= vacated && free_slot == slots_)
                    free_slot = slot;
                return seen == never_used || result.outcome != Outcome::Full;
            });
            if (place.outcome != Outcome::Full || free_slot == slots_ ||
                (room == Room::Common && used() >= slots_ - reserve()))
                return place;
            std::uint64_t expected = tags_[free_slot].load(std::memory_order_relaxed);
            if (expected <= vacated && tags_[free_slot].compare_exchange_strong(
                                           expected, tag, std::memory_order_acq_rel)) {
                used_->fetch_add(1, std::memory_order_relaxed);
                const bool filled = fill(free_slot);
                if (!filled)
                    used_->fetch_sub(1, std::memory_order_relaxed);
                tags_[free_slot].store(filled ? tag | 1 : vacated, std::memory_order_release);
                return {filled ? Outcome::Added : Outcome::Busy, free_slot};
            }
        }
        return {Outcome::Busy, 0};
    }

    void remove(std::uint32_t slot) noexcept {
        tags_[slot].store(vacated, std::memory_order_release);
        used_->fetch_sub(1, std::memory_order_relaxed);
    }

  private:
    static constexpr std::uint64_t never_used = 0, vacated = 1;

    // Even, and not 0.
    static std::uint64_t tag_of(std::uint64_t hash) { return (hash | 2) & ~std::uint64_t{1}; }

    template <class Look> Place probe(std::uint64_t hash, const Look &look) const noexcept {
        Place place;
        const std::uint32_t lines = slots_ / tags_a_line;
        if (lines == 0)
            return place;
        // Each key strides through the lines in its own way, so that full ones do not form queues;
        // where there are few, every line is visited.
        auto line = static_cast<std::uint32_t>((hash >> 32) % lines);
        const std::uint32_t stride =
            lines <= lines_probed ? 1 : static_cast<std::uint32_t>(hash >> 2) % lines | 1;
        for (std::uint32_t i = 0; i < std::min(lines, lines_probed); i++) {
            for (std::uint32_t k = 0; k < tags_a_line; k++)
                if (look(line * tags_a_line + k, place))
                    return place;
            line += stride;
            if (line >= lines) // rather than a division each time
                line -= lines;
        }
        return place;
    }

    std::atomic<std::uint64_t> *tags_ = nullptr;
    std::atomic<std::uint32_t> *used_ = nullptr;
    std::uint32_t slots_ = 0;
};

// Mixes one more word into a hash; good enough in all bits to choose lines and tags from.
inline std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 29;
    hash *= 0xBF58476D1CE4E5B9u;
    return hash ^ (hash >> 32);
}

} // namespace triage
