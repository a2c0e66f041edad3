#include "core/application_advice.h"

#include <gtest/gtest.h>

#include <random>

namespace triage {
namespace {

std::vector<Pattern> patterns_of(const StatementHabits &statement) {
    std::vector<Pattern> patterns;
    for (const Advice &advice : application_advice(statement))
        patterns.push_back(advice.pattern);
    return patterns;
}

StatementHabits repeated() {
    StatementHabits statement;
    statement.calls = statement.rows = 400;
    statement.by_key = true;
    statement.habits[Habit::RepeatingTransactions] = 10;
    statement.habits[Habit::Repeated] = 350;
    statement.habits[Habit::MostRepeated] = 60;
    statement.habits[Habit::Read] = 5;
    statement.habits[Habit::RowsReturned] = 5;
    return statement;
}

TEST(ApplicationAdvice, OneStatementManyTimesInATransactionByKey) {
    const auto advice = application_advice(repeated());
    ASSERT_EQ(advice.size(), 1u);
    EXPECT_EQ(advice[0].pattern, Pattern::NPlusOne);
    EXPECT_EQ(advice[0].executions, 350u);
    EXPECT_DOUBLE_EQ(advice[0].figure, 35);
    EXPECT_EQ(advice[0].evidence,
              "in 10 transactions it ran 35 times on average, 60 times at most");
    auto once = repeated();
    once.habits[Habit::RepeatingTransactions] = 2;
    EXPECT_TRUE(patterns_of(once).empty()) << "somebody's script, not a habit";
    auto no_key = repeated();
    no_key.by_key = false;
    EXPECT_TRUE(patterns_of(no_key).empty());
    auto lists = repeated();
    lists.rows = 400 * 51;
    EXPECT_TRUE(patterns_of(lists).empty()) << "each a list, not a row by its key";
}

TEST(ApplicationAdvice, WritesRowByRow) {
    auto statement = repeated();
    statement.by_key = false;
    statement.habits[Habit::Read] = 0;
    statement.habits[Habit::Written] = 5;
    EXPECT_EQ(patterns_of(statement), std::vector{Pattern::RowByRow});
}

StatementHabits empty(std::uint64_t calls, std::uint64_t nothing, std::uint64_t steady) {
    StatementHabits statement;
    statement.calls = calls;
    statement.habits[Habit::Empty] = nothing;
    statement.habits[Habit::Steady] = steady;
    statement.habits[Habit::SteadyMicroseconds] = steady * 2'000'000;
    return statement;
}

TEST(ApplicationAdvice, PollingIsSteadyAndReturnsNothing) {
    const auto advice = application_advice(empty(100, 95, 90));
    ASSERT_EQ(advice.size(), 1u);
    EXPECT_EQ(advice[0].pattern, Pattern::Polling);
    EXPECT_DOUBLE_EQ(advice[0].figure, 2);
    EXPECT_EQ(advice[0].evidence, "95 of 100 executions returned nothing, most of them 2 s apart");
    EXPECT_TRUE(patterns_of(empty(100, 95, 20)).empty()) << "now and then is no poll";
    EXPECT_TRUE(patterns_of(empty(100, 50, 50)).empty()) << "it finds something";
    EXPECT_TRUE(patterns_of(empty(19, 19, 19)).empty()) << "a few";
}

TEST(ApplicationAdvice, PollClockTellsAStepFromChance) {
    std::mt19937 random(1);
    std::uniform_int_distribution<std::int64_t> jitter(-100'000, 100'000);
    std::exponential_distribution<double> arrival(1.0 / 1'000'000);
    PollClock poll, people, loop, nightly;
    std::int64_t at = 1'000'000'000, by_chance = at;
    int steady = 0, chance = 0, tight = 0, rare = 0;
    for (int i = 0; i < 1000; i++) {
        at += 1'000'000 + jitter(random);
        steady += poll.tick(at) > 0;
        by_chance += static_cast<std::int64_t>(arrival(random));
        chance += people.tick(by_chance) > 0;
        tight += loop.tick(1 + i * 200) > 0;
        rare += nightly.tick(1 + i * 86'400'000'000) > 0;
    }
    EXPECT_GT(steady, 900);
    EXPECT_LT(chance, 200) << "an eighth, of arrivals by chance";
    EXPECT_EQ(tight, 0) << "a loop is no poll";
    EXPECT_EQ(rare, 0);
    PollClock first;
    EXPECT_EQ(first.tick(5), 0);
    EXPECT_EQ(first.tick(1'000'005), 0);
    EXPECT_EQ(first.tick(2'000'005), 1'000'000);
}

StatementHabits list(std::uint64_t rows, std::uint64_t width, std::uint64_t limited = 0) {
    StatementHabits statement;
    statement.calls = 1000;
    statement.rows = 1000 * rows;
    statement.by_key = true;
    statement.habits[Habit::Read] = 10;
    statement.habits[Habit::RowsReturned] = 10 * rows;
    statement.habits[Habit::BytesReturned] = 10 * rows * width;
    statement.habits[Habit::Limited] = limited;
    statement.habits[Habit::Columns] = 12;
    return statement;
}

TEST(ApplicationAdvice, AListWithoutPages) {
    const auto advice = application_advice(list(5000, 8));
    ASSERT_EQ(advice.size(), 1u);
    EXPECT_EQ(advice[0].pattern, Pattern::UnpaginatedList);
    EXPECT_EQ(advice[0].evidence,
              "5000 rows an execution without a LIMIT, over 10 sampled executions");
    EXPECT_TRUE(patterns_of(list(5000, 8, 1)).empty());
    EXPECT_TRUE(patterns_of(list(999, 8)).empty());
    auto once = list(50000, 80);
    once.habits[Habit::Read] = 2;
    EXPECT_TRUE(patterns_of(once).empty()) << "somebody looked around";
}

TEST(ApplicationAdvice, WideRowsAreManyWideRows) {
    const auto advice = application_advice(list(200, 3000, 10));
    ASSERT_EQ(advice.size(), 1u);
    EXPECT_EQ(advice[0].pattern, Pattern::WideRows);
    EXPECT_EQ(advice[0].evidence, "12 columns and about 3000 bytes a row, 200 rows an execution, "
                                  "over 10 sampled executions");
    EXPECT_TRUE(patterns_of(list(1, 30000, 10)).empty()) << "a single document";
    EXPECT_TRUE(patterns_of(list(900, 200, 10)).empty()) << "narrow ones";
}

TEST(ApplicationAdvice, ADeepOffset) {
    auto statement = list(20, 100, 10);
    statement.habits[Habit::Offset] = 4;
    statement.habits[Habit::RowsSkipped] = 4 * 30000;
    const auto advice = application_advice(statement);
    ASSERT_EQ(advice.size(), 1u);
    EXPECT_EQ(advice[0].pattern, Pattern::DeepOffset);
    EXPECT_EQ(advice[0].evidence, "OFFSET skipped 30000 rows an execution, 20 were returned, "
                                  "over 4 sampled executions");
    statement.habits[Habit::RowsSkipped] = 4 * 900;
    EXPECT_TRUE(patterns_of(statement).empty());
}

TEST(ApplicationAdvice, NothingKnownIsNothingSaid) {
    EXPECT_TRUE(application_advice({}).empty());
}

TEST(ApplicationAdvice, EachPatternHasAName) {
    for (const Pattern pattern :
         {Pattern::NPlusOne, Pattern::RowByRow, Pattern::Polling, Pattern::UnpaginatedList,
          Pattern::DeepOffset, Pattern::WideRows}) {
        EXPECT_NE(std::string(name_of(pattern)), "");
        EXPECT_NE(std::string(unit_of(pattern)), "");
        EXPECT_EQ(std::string(remedy_of(pattern)).back(), '.');
    }
}

} // namespace
} // namespace triage
