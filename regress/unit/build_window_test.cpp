#include "core/build_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace triage {
namespace {

TEST(BuildWindow, EmptyIsAlways) {
    EXPECT_TRUE(BuildWindow("").is_open(0));
    EXPECT_EQ(BuildWindow("").minutes_until_open(700), 0);
}

TEST(BuildWindow, WithinADay) {
    const BuildWindow window("01:30-4:05");
    EXPECT_FALSE(window.is_open(89));
    EXPECT_TRUE(window.is_open(90));
    EXPECT_TRUE(window.is_open(244));
    EXPECT_FALSE(window.is_open(245));
    EXPECT_EQ(window.minutes_until_open(80), 10);
    EXPECT_EQ(window.minutes_until_open(245), 24 * 60 - 155);
}

TEST(BuildWindow, OverMidnight) {
    const BuildWindow window("22:00-05:00");
    EXPECT_TRUE(window.is_open(23 * 60));
    EXPECT_TRUE(window.is_open(0));
    EXPECT_FALSE(window.is_open(5 * 60));
    EXPECT_EQ(window.minutes_until_open(12 * 60), 10 * 60);
}

// ---- QuietHours

constexpr std::size_t day = 24;

// Quiet at night, least around 03:00, busy in the afternoon.
double ward(std::size_t hour_of_week) {
    const double from_three = std::abs(double(hour_of_week % day) - 2.5);
    return 1 + std::min(from_three, double(day) - from_three);
}

template <typename Demand> WeekLoad week_of(Demand demand, double weeks = 4) {
    WeekLoad week;
    for (std::size_t hour = 0; hour < week.size(); ++hour)
        week[hour] = {demand(hour), weeks};
    return week;
}

int open_hours(const QuietHours &quiet) {
    int open = 0;
    for (int hour = 0; hour < hours_a_week; ++hour)
        open += quiet.are_open(hour);
    return open;
}

TEST(QuietHours, AreTheNightsOfAWard) {
    const QuietHours quiet(week_of(ward));
    EXPECT_TRUE(quiet.are_learnt());
    EXPECT_EQ(quiet.observed(), hours_a_week);
    EXPECT_EQ(quiet.text(), "01:00-05:00");
    EXPECT_EQ(open_hours(quiet), 7 * 4);
}

TEST(QuietHours, FollowTheLoadAndNotTheClock) {
    // A laboratory that works at night.
    const QuietHours quiet(week_of([](std::size_t hour) { return ward(hour + 12); }));
    EXPECT_EQ(quiet.text(), "13:00-17:00");
    EXPECT_EQ(quiet.minutes_until_open(12 * 60 + 45), 15);
    EXPECT_EQ(quiet.minutes_until_open(13 * 60), 0);
    EXPECT_EQ(quiet.minutes_until_open(16 * 60 + 59), 0);
    EXPECT_EQ(quiet.minutes_until_open(17 * 60), 20 * 60);
}

TEST(QuietHours, KeepOutOfTheWayOfOneNightsBatch) {
    const std::size_t tuesday = day;
    WeekLoad week = week_of(ward);
    for (std::size_t hour = tuesday + 1; hour < tuesday + 5; ++hour)
        week[hour].busy = 12;
    const QuietHours quiet(week);
    for (std::size_t hour = 0; hour < week.size(); ++hour)
        EXPECT_FALSE(quiet.are_open(int(hour)) && week[hour].busy > 5) << hour;
    EXPECT_TRUE(quiet.are_open(3));            // Monday night as ever
    EXPECT_FALSE(quiet.are_open(tuesday + 3)); // and another time on Tuesday
    EXPECT_LE(quiet.minutes_until_open(int(tuesday + 5) * 60), 24 * 60);
}

TEST(QuietHours, LeaveOutADayThatIsBusyAllDay) {
    const QuietHours quiet(
        week_of([](std::size_t hour) { return hour / day == 6 ? 60.0 : ward(hour); }));
    for (int hour = 6 * 24; hour < hours_a_week; ++hour)
        EXPECT_FALSE(quiet.are_open(hour)) << hour;
    EXPECT_EQ(open_hours(quiet), 6 * 4);
    // From Sunday morning on the next is on Monday.
    EXPECT_EQ(quiet.minutes_until_open(6 * 24 * 60), 25 * 60);
}

TEST(QuietHours, AreTheStatedOnesAsLongAsLittleIsKnown) {
    const QuietHours nothing{WeekLoad{}};
    EXPECT_FALSE(nothing.are_learnt());
    EXPECT_EQ(nothing.observed(), 0);
    EXPECT_EQ(nothing.text(), "01:00-05:00");

    const auto at_noon = [](std::size_t hour) { return ward(hour + 12); };
    WeekLoad week = week_of(at_noon, 1);
    for (std::size_t hour = 0; hour < 25; ++hour)
        week[hour] = {0, 0.4};
    EXPECT_FALSE(QuietHours(week).are_learnt());
    EXPECT_EQ(QuietHours(week).text(), "01:00-05:00");
    week[24] = {at_noon(24), 0.5};
    EXPECT_TRUE(QuietHours(week).are_learnt());
    EXPECT_FALSE(QuietHours(week).are_open(3 * 24 + 1));
}

TEST(QuietHours, AreNeverThoseThatWereNotObserved) {
    // Switched off from 02:00 to 04:59, which says nothing of what runs there when it is on.
    WeekLoad week = week_of(ward);
    for (std::size_t hour = 0; hour < week.size(); ++hour)
        if (hour % day >= 2 && hour % day < 5)
            week[hour] = {};
    const QuietHours quiet(week);
    ASSERT_TRUE(quiet.are_learnt());
    for (int hour = 0; hour < hours_a_week; ++hour)
        EXPECT_FALSE(quiet.are_open(hour) && hour % 24 >= 2 && hour % 24 < 5) << hour;
    EXPECT_GT(open_hours(quiet), 0);
}

TEST(QuietHours, AreTheStatedOnesWhereAllHoursAreAlike) {
    EXPECT_EQ(QuietHours(week_of([](std::size_t) { return 7.0; })).text(), "01:00-05:00");
    EXPECT_EQ(QuietHours(week_of([](std::size_t) { return 0.0; })).text(), "01:00-05:00");
}

TEST(QuietHours, MayRunOverMidnightAndTheWeeksEnd) {
    const QuietHours quiet(week_of([](std::size_t hour) { return ward(hour + 4); }));
    EXPECT_EQ(quiet.text(), "21:00-01:00");
    EXPECT_EQ(quiet.minutes_until_open(hours_a_week * 60 - 1), 0); // Sunday, 23:59
    EXPECT_EQ(quiet.minutes_until_open(60), 20 * 60);
}

TEST(QuietHours, NameDaysThatDiffer) {
    const QuietHours quiet(
        week_of([](std::size_t hour) { return ward(hour + (hour / day == 2 ? 6 : 0)); }));
    EXPECT_NE(quiet.text().find("Mon 01:00-05:00, Tue 01:00-05:00, Wed "), std::string::npos)
        << quiet.text();
    EXPECT_EQ(quiet.text().find("Wed 01:00"), std::string::npos) << quiet.text();
    EXPECT_NE(quiet.text().find("Sun 01:00-05:00"), std::string::npos) << quiet.text();
}

// Whatever was seen: there are such hours, they are observed, and no busier than the week.
TEST(QuietHours, ExistForAnyWeek) {
    std::mt19937 random(1);
    std::uniform_real_distribution<double> any(0, 1);
    for (int round = 0; round < 300; ++round) {
        const double unseen = any(random) * 0.12, steep = 6 * any(random);
        const WeekLoad week = week_of([&](std::size_t) { return std::exp(steep * any(random)); });
        WeekLoad seen = week;
        for (HourLoad &hour : seen)
            if (any(random) < unseen)
                hour = {};
        const QuietHours quiet(seen);
        ASSERT_GE(open_hours(quiet), 4);
        for (int minute = 0; minute < hours_a_week * 60; minute += 37) {
            const int wait = quiet.minutes_until_open(minute);
            ASSERT_EQ(wait == 0, quiet.are_open(minute / 60));
            ASSERT_TRUE(quiet.are_open((minute + wait) / 60 % hours_a_week));
        }
        for (std::size_t hour = 0; quiet.are_learnt() && hour < seen.size(); ++hour)
            ASSERT_FALSE(quiet.are_open(int(hour)) && seen[hour].weeks == 0) << round;
    }
}

} // namespace
} // namespace triage
