#include "core/forecast.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace triage {
namespace {

// Older weeks count less: a profile follows a change of the hospital's timetable within a season.
constexpr double week_decay = 0.9;
// A profile of few weeks leans on hours that are alike (same hour of another working day, or of the
// other day of the weekend): as if those had been seen so many weeks.
constexpr double weeks_of_likeness = 1.5;
// The level follows the last days, since Monday is not the mean of a month; and its growth is
// believed only in part, the further ahead the less.
constexpr double level_gain = 0.25, growth_gain = 0.03, growth_damping = 0.9;
constexpr double low_quantile = 0.05, high_quantile = 0.95;
constexpr int hours_a_day = 24;

bool known(double value) {
    return std::isfinite(value);
}

bool weekend(int hour_of_week) {
    return hour_of_week >= 5 * hours_a_day;
}

struct Model {
    std::array<double, hours_a_week> profile{}; // means 1 over the week
    double level = 0;                           // demand at profile 1, at the series' end
    double growth = 0;                          // of log(level), a day
};

// Mean of known values; 0 if there are none.
double mean_of(const double *begin, const double *end) {
    double sum = 0;
    int count = 0;
    for (; begin != end; ++begin)
        if (known(*begin)) {
            sum += *begin;
            ++count;
        }
    return count ? sum / count : 0;
}

// The mean demand of the week around an hour, so that a profile is not bent by growth.
double level_around(const std::vector<double> &hourly, std::size_t hour) {
    std::size_t half = hours_a_week / 2;
    std::size_t begin = hour > half ? hour - half : 0;
    std::size_t end = std::min(hourly.size(), begin + hours_a_week);
    begin = end > hours_a_week ? std::min(begin, end - hours_a_week) : 0;
    return mean_of(hourly.data() + begin, hourly.data() + end);
}

std::array<double, hours_a_week> profile_of(const std::vector<double> &hourly, int first_hour) {
    std::array<double, hours_a_week> sum{}, weight{};
    for (std::size_t hour = 0; hour < hourly.size(); ++hour) {
        double level = level_around(hourly, hour);
        if (!known(hourly[hour]) || level <= 0)
            continue;
        double age = static_cast<double>((hourly.size() - 1 - hour) / hours_a_week);
        double counts = std::pow(week_decay, age);
        std::size_t place = (hour + static_cast<std::size_t>(first_hour)) % hours_a_week;
        sum[place] += counts * hourly[hour] / level;
        weight[place] += counts;
    }

    std::array<double, hours_a_week> profile{};
    double total = 0;
    for (int place = 0; place < hours_a_week; ++place) {
        double alike_sum = 0, alike_weight = 0;
        for (int other = place % hours_a_day; other < hours_a_week; other += hours_a_day)
            if (other != place && weekend(other) == weekend(place)) {
                alike_sum += sum[other];
                alike_weight += weight[other];
            }
        double alike = alike_weight > 0 ? alike_sum / alike_weight : 1;
        profile[place] =
            (sum[place] + weeks_of_likeness * alike) / (weight[place] + weeks_of_likeness);
        total += profile[place];
    }
    for (double &value : profile)
        value *= hours_a_week / std::max(total, 1e-12);
    return profile;
}

// Level and growth by Holt's damped method over days, each measured by how it compares with its
// part of the profile.
void fit_level(Model &model, const std::vector<double> &hourly, int first_hour) {
    bool begun = false;
    double log_level = 0, growth = 0;
    for (std::size_t day = 0; day < hourly.size(); day += hours_a_day) {
        double demand = 0, usual = 0;
        for (std::size_t hour = day; hour < std::min(day + hours_a_day, hourly.size()); ++hour)
            if (known(hourly[hour])) {
                demand += hourly[hour];
                usual +=
                    model.profile[(hour + static_cast<std::size_t>(first_hour)) % hours_a_week];
            }
        if (demand <= 0 || usual <= 0) {
            growth *= growth_damping;
            continue;
        }
        double seen = std::log(demand / usual);
        if (!begun) {
            begun = true;
            log_level = std::log(std::max(
                mean_of(hourly.data(),
                        hourly.data() + std::min<std::size_t>(hourly.size(), hours_a_week)),
                1e-12));
            continue;
        }
        double before = log_level, expected = log_level + growth_damping * growth;
        log_level = expected + level_gain * (seen - expected);
        growth =
            growth_damping * growth + growth_gain * (log_level - before - growth_damping * growth);
    }
    model.level = begun ? std::exp(log_level) : 0;
    model.growth = growth;
}

Model fit(const std::vector<double> &hourly, int first_hour) {
    Model model;
    model.profile = profile_of(hourly, first_hour);
    fit_level(model, hourly, first_hour);
    return model;
}

double predict(const Model &model, int hour_of_week, int hours_ahead) {
    double damped = 0;
    for (int day = 0; day <= hours_ahead / hours_a_day; ++day)
        damped += std::pow(growth_damping, day + 1);
    return model.level * std::exp(model.growth * damped) * model.profile[hour_of_week];
}

std::vector<double> part(const std::vector<double> &hourly, std::size_t begin, std::size_t end) {
    return {hourly.begin() + static_cast<std::ptrdiff_t>(begin),
            hourly.begin() + static_cast<std::ptrdiff_t>(end)};
}

double quantile(std::vector<double> &values, double p) {
    if (values.empty())
        return 0;
    std::sort(values.begin(), values.end());
    double place = p * static_cast<double>(values.size() - 1);
    auto below = static_cast<std::size_t>(place);
    std::size_t above = std::min(below + 1, values.size() - 1);
    return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
}

// How far off the forecasts are, in units that make quiet and busy hours comparable: errors grow
// with the root of demand, as counts do.
struct Spread {
    double low = 0, high = 0;

    double bound(double expected, double level, double units) const {
        return std::max(0.0, expected + units * std::sqrt(std::max(expected * level, 0.0)));
    }
};

// From up to three weeks at the end, each forecast from those before it; where there is but one
// week, from how that one differs from its own profile.
Spread spread_of(const std::vector<double> &hourly, int first_hour) {
    std::vector<double> errors;
    auto collect = [&](const Model &model, std::size_t begin, std::size_t end) {
        for (std::size_t hour = begin; hour < end; ++hour) {
            if (!known(hourly[hour]))
                continue;
            int place =
                static_cast<int>((hour + static_cast<std::size_t>(first_hour)) % hours_a_week);
            double expected = predict(model, place, static_cast<int>(hour - begin));
            double unit = std::sqrt(std::max(expected * model.level, 1e-12));
            errors.push_back((hourly[hour] - expected) / unit);
        }
    };
    for (int back = 3; back >= 1; --back) {
        std::size_t held = static_cast<std::size_t>(back) * hours_a_week;
        if (hourly.size() < held + hours_a_week)
            continue;
        std::size_t begin = hourly.size() - held;
        collect(fit(part(hourly, 0, begin), first_hour), begin, begin + hours_a_week);
    }
    if (errors.empty())
        collect(fit(hourly, first_hour), 0, hourly.size());
    Spread spread;
    spread.low = quantile(errors, low_quantile);
    spread.high = quantile(errors, high_quantile);
    return spread;
}

std::vector<ForecastPoint> predict_after(const std::vector<double> &hourly, int first_hour,
                                         int hours) {
    std::vector<ForecastPoint> points;
    Model model = fit(hourly, first_hour);
    Spread spread = spread_of(hourly, first_hour);
    for (int hour = 0; hour < hours; ++hour) {
        ForecastPoint point;
        point.hour_of_week =
            static_cast<int>((hourly.size() + static_cast<std::size_t>(first_hour) +
                              static_cast<std::size_t>(hour)) %
                             hours_a_week);
        point.expected = predict(model, point.hour_of_week, hour);
        point.low = std::min(spread.bound(point.expected, model.level, spread.low), point.expected);
        point.high =
            std::max(spread.bound(point.expected, model.level, spread.high), point.expected);
        points.push_back(point);
    }
    return points;
}

int first_hour_of(const DemandSeries &series) {
    return ((series.first_hour_of_week % hours_a_week) + hours_a_week) % hours_a_week;
}

} // namespace

HeldOutError test_on_last_weeks(const DemandSeries &series, int weeks) {
    HeldOutError result;
    const std::vector<double> &hourly = series.hourly;
    double demand = 0, model_error = 0, naive_error = 0;
    int within = 0, tested = 0;
    for (int back = weeks; back >= 1; --back) {
        std::size_t held = static_cast<std::size_t>(back) * hours_a_week;
        if (hourly.size() < held + 2 * hours_a_week)
            continue;
        std::size_t begin = hourly.size() - held;
        auto points = predict_after(part(hourly, 0, begin), first_hour_of(series), hours_a_week);
        ++result.weeks;
        for (std::size_t hour = 0; hour < hours_a_week; ++hour) {
            double real = hourly[begin + hour], naive = hourly[begin + hour - hours_a_week];
            if (!known(real) || !known(naive))
                continue;
            demand += std::abs(real);
            model_error += std::abs(real - points[hour].expected);
            naive_error += std::abs(real - naive);
            within += real >= points[hour].low && real <= points[hour].high;
            ++tested;
        }
    }
    if (demand > 0) {
        result.model = model_error / demand;
        result.seasonal_naive = naive_error / demand;
    }
    if (tested > 0)
        result.interval_coverage = static_cast<double>(within) / tested;
    return result;
}

Forecast forecast_demand(const DemandSeries &series, int hours) {
    Forecast forecast;
    if (series.hourly.size() < hours_a_week)
        return forecast;
    forecast.points = predict_after(series.hourly, first_hour_of(series), hours);
    int weeks = static_cast<int>(series.hourly.size() / hours_a_week);
    forecast.held_out = test_on_last_weeks(series, std::clamp(weeks - 2, 0, 4));
    return forecast;
}

std::optional<QuietWindow> quiet_window(const std::vector<ForecastPoint> &week, int hours) {
    if (week.size() < hours_a_week || hours < 1 || hours > hours_a_week)
        return std::nullopt;
    std::optional<QuietWindow> best;
    double least = std::numeric_limits<double>::infinity(), mean = 0;
    for (std::size_t hour = 0; hour < hours_a_week; ++hour)
        mean += week[hour].expected / hours_a_week;
    for (std::size_t start = 0; start < hours_a_week; ++start) {
        double may_come = 0, expected = 0;
        for (int i = 0; i < hours; ++i) {
            const ForecastPoint &point = week[(start + static_cast<std::size_t>(i)) % hours_a_week];
            may_come += point.high;
            expected += point.expected / hours;
        }
        if (may_come < least) {
            least = may_come;
            best = {week[start].hour_of_week, hours, expected, mean > 0 ? expected / mean : 0};
        }
    }
    return best;
}

std::vector<ReplicaWindow> replica_windows(const std::vector<ForecastPoint> &week,
                                           double demand_a_replica, int min_replicas,
                                           int max_replicas, int shortest_hours) {
    if (week.size() < hours_a_week || demand_a_replica <= 0)
        return {};
    std::array<int, hours_a_week> wanted{};
    for (std::size_t hour = 0; hour < hours_a_week; ++hour) {
        double replicas = std::ceil(week[hour].high / demand_a_replica);
        wanted[static_cast<std::size_t>(week[hour].hour_of_week)] = static_cast<int>(
            std::clamp<double>(replicas, min_replicas, std::max(min_replicas, max_replicas)));
    }

    std::vector<ReplicaWindow> windows;
    for (int hour = 0; hour < hours_a_week; ++hour) {
        int replicas = wanted[static_cast<std::size_t>(hour)];
        if (!windows.empty() && windows.back().replicas == replicas)
            ++windows.back().hours;
        else
            windows.push_back({hour, 1, replicas});
    }
    // The shortest window first; it takes the replicas of its busier neighbour, or gives it its
    // own.
    while (windows.size() > 1) {
        auto shortest =
            std::min_element(windows.begin(), windows.end(),
                             [](const auto &a, const auto &b) { return a.hours < b.hours; });
        if (shortest->hours >= shortest_hours)
            break;
        auto neighbour = shortest == windows.begin() ? shortest + 1 : shortest - 1;
        if (shortest != windows.begin() && shortest + 1 != windows.end() &&
            (shortest + 1)->replicas > neighbour->replicas)
            neighbour = shortest + 1;
        neighbour->replicas = std::max(neighbour->replicas, shortest->replicas);
        neighbour->hours += shortest->hours;
        neighbour->start_hour_of_week =
            std::min(neighbour->start_hour_of_week, shortest->start_hour_of_week);
        windows.erase(shortest);
        // Neighbours may have become alike.
        for (std::size_t i = 1; i < windows.size();)
            if (windows[i - 1].replicas == windows[i].replicas) {
                windows[i - 1].hours += windows[i].hours;
                windows.erase(windows.begin() + static_cast<std::ptrdiff_t>(i));
            } else {
                ++i;
            }
    }
    return windows;
}

} // namespace triage
