#include "core/time_budget.h"

#include <gtest/gtest.h>

namespace {

using triage::TimeBudget;

constexpr std::uint64_t ms = 1'000'000, second = 1'000 * ms;

TEST(TimeBudget, AllowsUntilTwoSecondsShareIsOwed) {
    TimeBudget budget;
    budget.pass(100 * second, 0.01);
    EXPECT_TRUE(budget.allows(0.01));
    budget.spend(19 * ms);
    EXPECT_TRUE(budget.allows(0.01));
    budget.spend(1 * ms);
    EXPECT_FALSE(budget.allows(0.01));
}

TEST(TimeBudget, TimePaysTheDebtAtTheShare) {
    TimeBudget budget;
    budget.pass(0, 0.01);
    budget.spend(40 * ms); // one long look: twice of what may be owed
    budget.pass(1 * second, 0.01);
    EXPECT_FALSE(budget.allows(0.01)); // 30 ms are owed
    budget.pass(2 * second, 0.01);
    EXPECT_FALSE(budget.allows(0.01)); // 20 ms
    budget.pass(2 * second + 1 * ms, 0.01);
    EXPECT_TRUE(budget.allows(0.01));
}

TEST(TimeBudget, IdleTimeIsNotSavedUp) {
    TimeBudget budget;
    budget.pass(0, 0.01);
    budget.pass(3600 * second, 0.01);
    budget.spend(20 * ms);
    EXPECT_FALSE(budget.allows(0.01));
}

TEST(TimeBudget, NothingAndEverything) {
    TimeBudget budget;
    EXPECT_FALSE(budget.allows(0));
    budget.spend(3600 * second);
    EXPECT_TRUE(budget.allows(1));
}

// Whatever is asked for, and however long each look takes, it is never more than the share and
// the last look.
TEST(TimeBudget, BoundsTheShareInTheLongRun) {
    for (const std::uint64_t look : {ms / 100, ms, 50 * ms}) {
        TimeBudget budget;
        std::uint64_t now = 0, spent = 0;
        while (now < 600 * second) {
            if (!budget.allows(0.01))
                budget.pass(now, 0.01);
            if (budget.allows(0.01)) {
                budget.pass(now, 0.01);
                now += look;
                spent += look;
                budget.spend(look);
            }
            now += ms / 2; // the statement itself
        }
        EXPECT_LE(spent, 6 * second + 20 * ms + look) << look;
        EXPECT_GE(spent,
                  std::min<std::uint64_t>(6 * second, 600 * second * look / (look + ms / 2)) * 95 /
                      100)
            << look;
    }
}

} // namespace
