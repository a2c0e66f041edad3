// Demand by hour of the week, a week ahead: morning rounds and quiet nights come back every week,
// the level drifts, emergencies come at any time. Always says how wrong it was on weeks that it had
// not seen, beside the simplest forecast there is: the same hour of last week.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace triage {

constexpr int hours_a_week = 168;

// One value an hour, oldest first; an hour that was not observed is NaN. Hour 0 of a week is Monday
// 00:00.
struct DemandSeries {
    std::vector<double> hourly;
    int first_hour_of_week = 0;
};

struct ForecastPoint {
    int hour_of_week = 0;
    double expected = 0;
    double low = 0, high = 0; // nine of ten hours are expected to lie between
};

// Errors as sum of |error| over sum of demand, on weeks held out one after the other.
struct HeldOutError {
    int weeks = 0; // 0: too short a series to hold anything out
    double model = 0;
    double seasonal_naive = 0;
    double interval_coverage = 0; // share of held-out hours within low..high; 0.9 is wanted
};

struct Forecast {
    std::vector<ForecastPoint> points; // the hours after the series, or empty if it is too short
    HeldOutError held_out;
};

// At least a week must have been observed.
Forecast forecast_demand(const DemandSeries &series, int hours = hours_a_week);

// How the model does on the last `weeks` of the series; each is forecast from those before it.
HeldOutError test_on_last_weeks(const DemandSeries &series, int weeks);

struct QuietWindow {
    int start_hour_of_week = 0;
    int hours = 0;
    double demand = 0;        // expected mean within it
    double share_of_mean = 0; // of the week's mean
};

// The hours in a row with the least demand, by what may come rather than by what is expected. None
// if nothing is known, or the window is longer than a week.
std::optional<QuietWindow> quiet_window(const std::vector<ForecastPoint> &week, int hours);

// Hours of the week in a row that want the same number of replicas.
struct ReplicaWindow {
    int start_hour_of_week = 0;
    int hours = 0;
    int replicas = 0;
};

// What each replica can serve, the bounds, and the forecast's upper bounds give the windows of a
// week. Windows shorter than `shortest_hours` are joined to their busier neighbour: replicas that
// come and go by the hour cost more than they save.
std::vector<ReplicaWindow> replica_windows(const std::vector<ForecastPoint> &week,
                                           double demand_a_replica, int min_replicas,
                                           int max_replicas, int shortest_hours = 2);

} // namespace triage
