#include "core/activity_log.h"

#include <gtest/gtest.h>

#include <vector>

namespace triage {
namespace {

constexpr std::uint32_t some_minute = 29'000'000;

ActivitySample sample_of(std::uint32_t user, std::uint32_t sessions,
                         SessionState state = SessionState::Active, float age_s = 0) {
    return {{1, user, no_application, state, WaitClass::None}, sessions, age_s * sessions, age_s};
}

struct Log {
    ActivityHead head;
    std::vector<ActivitySlot> slots = std::vector<ActivitySlot>(4);
    ActivityMoment moment{some_minute, 9, 1};

    void look(std::vector<ActivitySample> samples) { observe(head, slots, samples, moment); }
    const ActivitySlot *find(const ActivitySample &sample) const {
        for (std::uint32_t i = 0; i < head.slots; i++)
            if (slots[i].key == sample.key)
                return &slots[i];
        return nullptr;
    }
    const MinuteActivity &minute(const ActivitySample &sample, std::uint32_t minute) const {
        return find(sample)->minutes[minute % activity_minutes];
    }
    // An hour of looks once a minute.
    void hour(int hour_of_week, std::uint32_t sessions) {
        moment.hour_of_week = hour_of_week;
        moment.seconds = 60;
        for (int i = 0; i < 60; i++, moment.minute++)
            look({sample_of(7, sessions)});
    }
};

TEST(ActivityLog, CountsTheSessionsOfAMinute) {
    Log log;
    log.look({sample_of(7, 3, SessionState::IdleInTransaction, 2)});
    log.look({sample_of(7, 1, SessionState::IdleInTransaction, 9), sample_of(8, 5)});
    const auto &minute = log.minute(sample_of(7, 0, SessionState::IdleInTransaction), some_minute);
    EXPECT_EQ(minute.sessions, 4u);
    EXPECT_EQ(minute.peak, 3u);
    EXPECT_FLOAT_EQ(minute.transaction_age_s, 15);
    EXPECT_FLOAT_EQ(minute.oldest_s, 9);
    EXPECT_EQ(log.minute(sample_of(8, 0), some_minute).sessions, 5u);
    EXPECT_EQ(log.head.looks[some_minute % activity_minutes], 2u);
}

TEST(ActivityLog, AMinuteTakesThePlaceOfTheOneAnHourBefore) {
    Log log;
    log.look({sample_of(7, 3), sample_of(8, 2)});
    log.moment.minute += activity_minutes;
    log.look({sample_of(7, 1)});
    EXPECT_EQ(log.minute(sample_of(7, 0), some_minute).sessions, 1u);
    EXPECT_EQ(log.minute(sample_of(8, 0), some_minute).sessions, 0u);
    EXPECT_EQ(log.head.looks[some_minute % activity_minutes], 1u);
    EXPECT_EQ(log.head.minute[some_minute % activity_minutes], some_minute + activity_minutes);
}

TEST(ActivityLog, TheHourSoFarIsSeenAtOnce) {
    Log log;
    log.look({sample_of(7, 4)});
    log.look({});
    const HourActivity hour = hour_of(log.head, *log.find(sample_of(7, 0)), 9);
    EXPECT_FLOAT_EQ(hour.mean, 2);
    EXPECT_FLOAT_EQ(hour.peak, 4);
    EXPECT_FLOAT_EQ(hour_of(log.head, *log.find(sample_of(7, 0)), 10).mean, 0);
    EXPECT_GT(weeks_of(log.head, 9), 0);
}

TEST(ActivityLog, WeeksAreAveragedAndThenForgotten) {
    Log log;
    log.hour(9, 10);
    log.hour(10, 0);
    log.hour(9, 20);
    log.hour(10, 0);
    const auto mean = [&] { return hour_of(log.head, *log.find(sample_of(7, 0)), 9).mean; };
    EXPECT_NEAR(mean(), 15, 0.1);
    EXPECT_NEAR(weeks_of(log.head, 9), 2, 0.01);
    for (int week = 0; week < 20; week++) {
        log.hour(9, 2);
        log.hour(10, 0);
    }
    EXPECT_NEAR(mean(), 2, 0.3);
    const float peak = hour_of(log.head, *log.find(sample_of(7, 0)), 9).peak;
    EXPECT_GE(peak, 2);
    EXPECT_LT(peak, 4); // of 20, twenty weeks ago
}

TEST(ActivityLog, APartOfAnHourWeighsAsMuch) {
    Log log;
    log.hour(9, 10);
    log.moment.hour_of_week = 10;
    log.look({});
    log.moment.hour_of_week = 9;
    log.moment.seconds = 36; // a hundredth
    log.look({sample_of(7, 1000)});
    EXPECT_NEAR(hour_of(log.head, *log.find(sample_of(7, 0)), 9).mean, 10 + 990 / 101.0, 0.1);
}

TEST(ActivityLog, GivesUpWhatWasNotSeenForLongest) {
    Log log;
    for (std::uint32_t user = 1; user <= 4; user++, log.moment.minute++)
        log.look({sample_of(user, 1)});
    log.look({sample_of(5, 1)});
    EXPECT_EQ(log.find(sample_of(1, 0)), nullptr);
    EXPECT_NE(log.find(sample_of(2, 0)), nullptr);
    EXPECT_EQ(log.minute(sample_of(5, 0), log.moment.minute).sessions, 1u);
    EXPECT_EQ(log.head.forgotten, 1u);
}

TEST(ActivityLog, NeverGivesUpWhatIsThere) {
    Log log;
    log.look({sample_of(1, 1), sample_of(2, 1), sample_of(3, 1), sample_of(4, 1), sample_of(5, 1)});
    EXPECT_NE(log.find(sample_of(1, 0)), nullptr);
    EXPECT_EQ(log.find(sample_of(5, 0)), nullptr);
    EXPECT_EQ(log.head.forgotten, 1u);
}

TEST(ActivityLog, WorksWithoutAnySlot) {
    Log log;
    log.slots.clear();
    log.look({sample_of(1, 1)});
    EXPECT_EQ(log.head.slots, 0u);
    EXPECT_EQ(log.head.looks_ever, 1u);
}

} // namespace
} // namespace triage
