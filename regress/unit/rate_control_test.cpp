#include "core/rate_control.h"

#include <gtest/gtest.h>

#include <cmath>

namespace triage {
namespace {

constexpr double megabyte = 1024 * 1024;

// Seconds that so many chunks of a megabyte take, if each read itself takes no time.
double time_for(RateControl &control, int chunks, double from = 0) {
    double now = from;
    for (int i = 0; i < chunks; i++)
        now += control.take(megabyte, now);
    return now - from;
}

TEST(RateControl, KeepsTheRate) {
    RateControl control({.bytes_per_s = 10 * megabyte}, 0);
    EXPECT_NEAR(time_for(control, 100), 10, 0.2);
}

TEST(RateControl, WithoutALimitNobodyWaits) {
    RateControl control({}, 0);
    EXPECT_EQ(time_for(control, 1000), 0);
    EXPECT_FALSE(control.is_backing_off());
}

TEST(RateControl, IdleTimeIsNotSavedUp) {
    RateControl control({.bytes_per_s = 10 * megabyte}, 0);
    EXPECT_NEAR(time_for(control, 100, 3600), 10, 0.2);
}

TEST(RateControl, HalvesWhileStatementsSuffer) {
    RateControl control({.bytes_per_s = 64 * megabyte, .target_ms = 20}, 0);
    control.report_latency(50, 64 * megabyte);
    EXPECT_EQ(control.bytes_per_s(), 32 * megabyte);
    EXPECT_TRUE(control.is_backing_off());
    for (int i = 0; i < 20; i++)
        control.report_latency(50, megabyte);
    EXPECT_EQ(control.bytes_per_s(), 4 * megabyte); // the floor
}

TEST(RateControl, AnUnlimitedRateIsCutFromWhatWasReached) {
    RateControl control({.target_ms = 20}, 0);
    control.report_latency(50, 100 * megabyte);
    EXPECT_EQ(control.bytes_per_s(), 50 * megabyte);
}

TEST(RateControl, ComesBackWhenStatementsAreWell) {
    RateControl control({.bytes_per_s = 64 * megabyte, .target_ms = 20}, 0);
    control.report_latency(50, 64 * megabyte);
    control.report_latency(10, 32 * megabyte);
    EXPECT_GT(control.bytes_per_s(), 32 * megabyte);
    for (int i = 0; i < 20; i++)
        control.report_latency(10, 32 * megabyte);
    EXPECT_EQ(control.bytes_per_s(), 64 * megabyte);
}

TEST(RateControl, AnUnlimitedRateBecomesUnlimitedAgain) {
    RateControl control({.target_ms = 20}, 0);
    control.report_latency(50, 100 * megabyte);
    for (int i = 0; i < 100; i++)
        control.report_latency(10, 100 * megabyte);
    EXPECT_TRUE(std::isinf(control.bytes_per_s()));
}

TEST(RateControl, AClockThatStandsStillOrGoesBackDoesNoHarm) {
    RateControl control({.bytes_per_s = megabyte}, 100);
    EXPECT_GT(control.take(10 * megabyte, 50), 0);
    EXPECT_TRUE(std::isfinite(control.take(megabyte, 50)));
}

} // namespace
} // namespace triage
