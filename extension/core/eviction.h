// Which slots of a store of fixed size make room for others, and how soon again.
//
// A slot's heat is what it did, each second's part halved with every half-life that went by. When
// slots get scarce the coldest go. Where far more different statements run than there are slots
// that gains nothing: one newcomer makes room for the next. So how many of those that go had only
// come since the last time decides how long the next time can wait.
#pragma once

#include <array>
#include <cstdint>

namespace triage {

// Counts slots by their heat, without allocating: the binary logarithm, in eighths, from 2^-32 to
// 2^96.
class HeatCensus {
  public:
    static constexpr int levels = 1024;
    static int level_of(double heat);

    // `newcomer`: it came since the last time that slots were counted.
    void count(double heat, bool newcomer);
    std::uint32_t slots() const { return slots_; }

    // The coldest: all below the level, and as many of it as are needed.
    struct Coldest {
        int level = 0;
        std::uint32_t slots = 0;
        double newcomers = 0; // of the slots, those of the level in proportion
    };
    Coldest coldest(std::uint32_t slots) const;

    // What half of the slots are colder than, rounded up to a level; 0 if there are none.
    double median() const;

  private:
    struct Level {
        std::uint32_t slots = 0, newcomers = 0;
    };
    std::array<Level, levels> at_level_{};
    std::uint32_t slots_ = 0;
};

// How many seconds go by before slots are freed again, if they get scarce.
class EvictionPace {
  public:
    static constexpr double shortest_s = 0.5, longest_s = 10;

    double wait_s() const { return wait_s_; }
    // Twice as long after a time when mostly newcomers went, else the shortest.
    void note(double freed, double newcomers_freed);

  private:
    double wait_s_ = shortest_s;
};

} // namespace triage
