// What the way in which an application asks says about the application: one statement many times in
// a transaction, polling, lists without pages, deep OFFSET, wide rows. Figures in, advice out; no
// literal on the way. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace triage {

// What is counted of a statement that a client sent (not of those in functions and triggers).
// Numbers are written to the statistics file: only ever append.
enum class Habit : std::uint8_t {
    RepeatingTransactions, // in which it ran `Repetition::least` times or more
    Repeated,              // its executions in those
    MostRepeated,          // in one
    Empty,                 // executions that returned and changed nothing
    Steady,                // of those: as long after the last one as that after the one before
    SteadyMicroseconds,    // sum of those distances
    // Of sampled executions:
    Written, // that were no SELECT
    Read,    // that were one
    RowsReturned,
    BytesReturned, // by the planner's estimate of a row's width
    Limited,       // with a LIMIT, or read in portions
    Offset,        // with an OFFSET
    RowsSkipped,   // by those
    Columns,       // of the result; the most
    Count
};

struct Habits {
    std::array<std::uint64_t, static_cast<std::size_t>(Habit::Count)> counts{};

    std::uint64_t &operator[](Habit habit) { return counts[static_cast<std::size_t>(habit)]; }
    std::uint64_t operator[](Habit habit) const { return counts[static_cast<std::size_t>(habit)]; }
    Habits &operator+=(const Habits &other); // of the same statement
};

struct Repetition {
    static constexpr std::uint32_t least = 10;
};

// Tells a poll from a question: is this as long after the last one as that after the one before?
// Times in microseconds.
class PollClock {
  public:
    // The distance, if it is steady and that of a poll; else 0.
    std::int64_t tick(std::int64_t at) {
        const std::int64_t distance = at - last_, before = distance_;
        distance_ = last_ == 0 ? 0 : distance;
        last_ = at;
        const bool same = before > 0 && distance_ > 0 && distance_ - before <= before / 4 &&
                          before - distance_ <= before / 4;
        return same && distance_ >= shortest && distance_ <= longest ? distance_ : 0;
    }

    static constexpr std::int64_t shortest = 100'000, longest = 60'000'000;

  private:
    std::int64_t last_ = 0, distance_ = 0;
};

struct StatementHabits {
    std::uint64_t calls = 0, rows = 0;
    bool by_key = false; // finds rows of a table by equality with a value from outside
    Habits habits;
};

enum class Pattern { NPlusOne, RowByRow, Polling, UnpaginatedList, DeepOffset, WideRows };

struct Advice {
    Pattern pattern;
    std::uint64_t executions = 0; // that show it; sampled ones for the last three patterns
    double figure = 0;            // the one that decided; unit_of its pattern
    std::string evidence;         // all of them, in words
};

std::vector<Advice> application_advice(const StatementHabits &statement);

const char *name_of(Pattern pattern);
const char *unit_of(Pattern pattern);
const char *remedy_of(Pattern pattern); // a sentence

} // namespace triage
