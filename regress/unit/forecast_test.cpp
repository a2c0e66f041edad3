#include "core/forecast.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

namespace triage {
namespace {

// Made-up hospitals. The shapes are those that a hospital's traffic has; none was fitted to.
class Hospital {
  public:
    explicit Hospital(unsigned seed) : random_(seed) {}

    double normal() {
        double u = (double(random_() >> 11) + 0.5) * 0x1.0p-53;
        double v = (double(random_() >> 11) + 0.5) * 0x1.0p-53;
        return std::sqrt(-2 * std::log(u)) * std::cos(2 * 3.14159265358979324 * v);
    }

    // Morning rounds, an afternoon, quiet nights and weekends.
    static double ward(int hour_of_week) {
        int day = hour_of_week / 24, hour = hour_of_week % 24;
        double shape = 15 + 80 * std::exp(-std::pow((hour - 8.5) / 1.8, 2)) +
                       45 * std::exp(-std::pow((hour - 15) / 3.0, 2));
        return day >= 5 ? 0.45 * shape + 8 : shape;
    }
    // Evenings and the nights of the weekend.
    static double emergency_room(int hour_of_week) {
        int day = hour_of_week / 24, hour = hour_of_week % 24;
        double shape = 20 + 15 * std::sin((hour - 12) * 3.14159265 / 12);
        bool party = (day == 4 && hour >= 20) || day == 5 || (day == 6 && hour < 4);
        return shape + (party ? 18 : 0);
    }
    static double outpatients(int hour_of_week) {
        int day = hour_of_week / 24, hour = hour_of_week % 24;
        if (day >= 5 || hour < 7 || hour > 18)
            return 3;
        return 30 + (day == 0 ? 25 : 0) + 40 * std::sin((hour - 7) * 3.14159265 / 11);
    }

    // Noise in proportion to the root of demand, days that are busier as a whole, and rushes.
    template <class Shape, class Level>
    DemandSeries series(int weeks, Shape shape, Level level, double noise, double day_noise,
                        double rush) {
        DemandSeries result;
        double day_factor = 1, rush_left = 0;
        for (int hour = 0; hour < weeks * hours_a_week; ++hour) {
            if (hour % 24 == 0)
                day_factor = std::exp(day_noise * normal());
            if (rush > 0 && random_() % 500 == 0)
                rush_left = 3;
            double demand = shape(hour % hours_a_week) * level(hour) * day_factor;
            demand += noise * std::sqrt(demand) * normal() + (rush_left > 0 ? rush : 0);
            rush_left -= 1;
            result.hourly.push_back(std::max(0.0, demand));
        }
        return result;
    }

  private:
    std::mt19937_64 random_;
};

double steady(int) {
    return 1;
}

DemandSeries wards() {
    return Hospital(1).series(10, Hospital::ward, steady, 1.2, 0.05, 0);
}
DemandSeries growing_outpatients() {
    return Hospital(2).series(
        10, Hospital::outpatients, [](int hour) { return std::pow(1.04, hour / 168.0); }, 1, 0.06,
        0);
}
DemandSeries emergency_room_with_rushes() {
    return Hospital(3).series(12, Hospital::emergency_room, steady, 1.5, 0.08, 40);
}
// A new building opens in the middle.
DemandSeries stepping_wards() {
    return Hospital(4).series(
        12, Hospital::ward, [](int hour) { return hour < 7 * hours_a_week ? 1.0 : 1.5; }, 1.2, 0.05,
        10);
}
DemandSeries winter_wave() {
    return Hospital(5).series(
        14, Hospital::ward,
        [](int hour) { return 1 + 0.35 * std::sin(hour * 2 * 3.14159265 / (26 * 168.0)); }, 1.2,
        0.06, 15);
}

TEST(Forecast, BeatsLastWeekOnHeldOutWeeks) {
    struct Case {
        const char *name;
        DemandSeries series;
    } cases[] = {{"wards", wards()},
                 {"growing outpatients", growing_outpatients()},
                 {"emergency room with rushes", emergency_room_with_rushes()},
                 {"wards, stepping up", stepping_wards()},
                 {"winter wave", winter_wave()}};
    for (const Case &c : cases) {
        HeldOutError error = test_on_last_weeks(c.series, 4);
        RecordProperty(c.name, std::to_string(error.model) + " against " +
                                   std::to_string(error.seasonal_naive));
        EXPECT_EQ(error.weeks, 4) << c.name;
        EXPECT_LT(error.model, error.seasonal_naive) << c.name;
        EXPECT_GT(error.interval_coverage, 0.80) << c.name;
        EXPECT_LT(error.interval_coverage, 0.98) << c.name;
    }
}

TEST(Forecast, FindsMondayMorning) {
    Forecast forecast = forecast_demand(growing_outpatients());
    ASSERT_EQ(forecast.points.size(), std::size_t(hours_a_week));
    auto peak =
        std::max_element(forecast.points.begin(), forecast.points.end(),
                         [](const auto &a, const auto &b) { return a.expected < b.expected; });
    EXPECT_LT(peak->hour_of_week, 24);
    for (const ForecastPoint &point : forecast.points) {
        EXPECT_LE(point.low, point.expected);
        EXPECT_LE(point.expected, point.high);
        EXPECT_GE(point.low, 0);
    }
}

TEST(Forecast, KnowsWhichHourItIs) {
    DemandSeries series = wards();
    DemandSeries later = series;
    later.hourly.erase(later.hourly.begin(), later.hourly.begin() + 50);
    later.first_hour_of_week = 50;
    Forecast whole = forecast_demand(series), cut = forecast_demand(later);
    EXPECT_EQ(whole.points.front().hour_of_week, cut.points.front().hour_of_week);
    EXPECT_NEAR(whole.points[9].expected, cut.points[9].expected, 0.1 * whole.points[9].expected);
}

TEST(Forecast, BearsHoles) {
    DemandSeries series = wards();
    std::mt19937_64 random(9);
    for (double &hour : series.hourly)
        if (random() % 5 == 0)
            hour = std::numeric_limits<double>::quiet_NaN();
    for (int hour = 300; hour < 400; ++hour) // the server was down
        series.hourly[std::size_t(hour)] = std::numeric_limits<double>::quiet_NaN();
    Forecast forecast = forecast_demand(series), whole = forecast_demand(wards());
    for (std::size_t hour = 0; hour < forecast.points.size(); ++hour)
        EXPECT_NEAR(forecast.points[hour].expected, whole.points[hour].expected,
                    0.25 * whole.points[hour].expected + 3);
}

TEST(Forecast, IsSilentOnLessThanAWeek) {
    EXPECT_TRUE(forecast_demand({std::vector<double>(100, 5.0), 0}).points.empty());
    EXPECT_TRUE(forecast_demand({}).points.empty());
    Forecast week = forecast_demand({std::vector<double>(168, 5.0), 0});
    ASSERT_EQ(week.points.size(), 168u);
    EXPECT_EQ(week.held_out.weeks, 0);
    EXPECT_NEAR(week.points[3].expected, 5, 1e-6);
}

TEST(Forecast, BearsAServerThatNobodyUses) {
    Forecast forecast = forecast_demand({std::vector<double>(3 * 168, 0.0), 0});
    for (const ForecastPoint &point : forecast.points)
        EXPECT_EQ(point.expected, 0);
}

TEST(QuietWindow, IsAtNight) {
    auto window = quiet_window(forecast_demand(wards()).points, 3);
    ASSERT_TRUE(window);
    int hour = window->start_hour_of_week % 24;
    EXPECT_TRUE(hour >= 20 || hour <= 4) << hour;
    EXPECT_LT(window->share_of_mean, 0.5);
}

TEST(QuietWindow, MayRunOverTheWeeksEnd) {
    std::vector<ForecastPoint> week(hours_a_week);
    for (int hour = 0; hour < hours_a_week; ++hour) {
        double demand = hour == 167 || hour == 0 ? 1 : 10;
        week[std::size_t(hour)] = {hour, demand, demand, demand};
    }
    auto window = quiet_window(week, 2);
    ASSERT_TRUE(window);
    EXPECT_EQ(window->start_hour_of_week, 167);
    EXPECT_FALSE(quiet_window(week, 169));
    EXPECT_FALSE(quiet_window({}, 2));
}

TEST(ReplicaWindows, CoverTheWeekAndTheDemand) {
    Forecast forecast = forecast_demand(wards());
    auto windows = replica_windows(forecast.points, 10, 3, 100);
    int hours = 0;
    for (const ReplicaWindow &window : windows) {
        EXPECT_EQ(window.start_hour_of_week, hours);
        hours += window.hours;
        EXPECT_GE(window.replicas, 3);
        EXPECT_GE(window.hours, 2);
    }
    EXPECT_EQ(hours, hours_a_week);
    for (const ForecastPoint &point : forecast.points)
        for (const ReplicaWindow &window : windows)
            if (point.hour_of_week >= window.start_hour_of_week &&
                point.hour_of_week < window.start_hour_of_week + window.hours) {
                EXPECT_GE(window.replicas * 10 + 1e-9, std::min(point.high, 1000.0));
            }
}

TEST(ReplicaWindows, StayWithinTheBounds) {
    auto windows = replica_windows(forecast_demand(wards()).points, 0.1, 3, 100);
    for (const ReplicaWindow &window : windows)
        EXPECT_LE(window.replicas, 100);
    EXPECT_TRUE(replica_windows({}, 1, 1, 2).empty());
}

} // namespace
} // namespace triage
