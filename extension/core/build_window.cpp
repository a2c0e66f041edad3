#include "core/build_window.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

namespace triage {

namespace {

constexpr int hours_a_day = 24, minutes_an_hour = 60;
constexpr int minutes_a_day = hours_a_day * minutes_an_hour;
constexpr int hours_open_a_day = 4;
constexpr int stated_hour = 1; // when most hospitals sleep; of equals, the windows nearest to it

// An hour of which less was seen is not known, and a week of which fewer hours are is not, either.
constexpr double least_weeks = 0.5;
constexpr int least_observed = hours_a_week * 6 / 7;
// The log knows the mean of the last weeks, which follows a change of habit within so many.
constexpr double most_weeks = 4;

bool is_observed(const HourLoad &hour) {
    return hour.weeks >= least_weeks;
}

std::size_t within_week(int hour) {
    return static_cast<std::size_t>((hour % hours_a_week + hours_a_week) % hours_a_week);
}

// As many weeks as were observed, each of them as they were on average: so the forecast knows how
// far to believe an hour, and how far those that are like it.
DemandSeries series_of(const WeekLoad &week) {
    std::vector<double> observed;
    for (const HourLoad &hour : week)
        if (is_observed(hour))
            observed.push_back(hour.weeks);
    std::nth_element(observed.begin(),
                     observed.begin() + static_cast<std::ptrdiff_t>(observed.size() / 2),
                     observed.end());
    const double weeks = std::clamp(observed[observed.size() / 2], 1.0, most_weeks);
    DemandSeries series;
    for (int i = 0; i < static_cast<int>(weeks); i++)
        for (const HourLoad &hour : week)
            series.hourly.push_back(is_observed(hour) ? hour.busy
                                                      : std::numeric_limits<double>::quiet_NaN());
    return series;
}

struct Window {
    int start = 0;
    double may_come = 0; // mean of the hours' upper bounds
    double busiest = 0;  // hour, as it was
};

std::optional<Window> window_at(int start, const WeekLoad &week,
                                const std::vector<ForecastPoint> &forecast) {
    Window window{start};
    for (int i = 0; i < hours_open_a_day; i++) {
        const std::size_t hour = within_week(start + i);
        if (!is_observed(week[hour]))
            return std::nullopt;
        window.may_come += forecast[hour].high / hours_open_a_day;
        window.busiest = std::max(window.busiest, week[hour].busy);
    }
    return window;
}

// The quietest that begins on that day. None if every one has an hour that was not observed.
std::optional<Window> window_of_day(int day, const WeekLoad &week,
                                    const std::vector<ForecastPoint> &forecast) {
    std::optional<Window> best;
    for (int i = 0; i < hours_a_day; i++) {
        const int start = day * hours_a_day + (stated_hour + i) % hours_a_day;
        const auto window = window_at(start, week, forecast);
        // What is better by rounding only is not better.
        if (window && (!best || window->may_come < best->may_come - 1e-9 * (1 + best->may_come)))
            best = window;
    }
    return best;
}

void append_time(std::string &text, int hour) {
    const std::string digits = std::to_string(hour % hours_a_day);
    text += (digits.size() < 2 ? "0" : "") + digits + ":00";
}

} // namespace

BuildWindow::BuildWindow(std::string_view text) {
    const auto number = [&](std::size_t at, std::size_t length) -> int {
        int value = -1;
        if (at + length <= text.size())
            std::from_chars(text.data() + at, text.data() + at + length, value);
        return value;
    };
    // Hours and minutes may be of one digit, so look for the separators first.
    const std::size_t dash = text.find('-');
    const std::size_t colon = text.find(':');
    const std::size_t colon2 = dash == std::string_view::npos ? dash : text.find(':', dash);
    if (dash == std::string_view::npos || colon == std::string_view::npos || colon > dash ||
        colon2 == std::string_view::npos)
        return;
    const int from = number(0, colon) * 60 + number(colon + 1, dash - colon - 1);
    const int to =
        number(dash + 1, colon2 - dash - 1) * 60 + number(colon2 + 1, text.size() - colon2 - 1);
    if (from < 0 || to < 0 || from >= minutes_a_day || to >= minutes_a_day)
        return;
    from_ = from;
    to_ = to;
}

bool BuildWindow::is_open(int minute_of_day) const {
    if (from_ == to_)
        return true;
    if (from_ < to_)
        return minute_of_day >= from_ && minute_of_day < to_;
    return minute_of_day >= from_ || minute_of_day < to_;
}

int BuildWindow::minutes_until_open(int minute_of_day) const {
    if (is_open(minute_of_day))
        return 0;
    return (from_ - minute_of_day + minutes_a_day) % minutes_a_day;
}

QuietHours::QuietHours(const WeekLoad &week)
    : observed_(static_cast<int>(std::count_if(week.begin(), week.end(), is_observed))) {
    learnt_ = observed_ >= least_observed;
    if (learnt_)
        learn(week);
    else
        open_stated_hours();
}

void QuietHours::open_stated_hours() {
    for (int hour = 0; hour < hours_a_week; hour++) {
        const int of_day = hour % hours_a_day;
        open_[static_cast<std::size_t>(hour)] =
            of_day >= stated_hour && of_day < stated_hour + hours_open_a_day;
    }
}

void QuietHours::learn(const WeekLoad &week) {
    const auto forecast = forecast_demand(series_of(week)).points; // begins at hour 0, as the week
    double mean = 0;
    for (const HourLoad &hour : week)
        mean += is_observed(hour) ? hour.busy / observed_ : 0;

    std::vector<Window> windows;
    for (int day = 0; day < hours_a_week / hours_a_day; day++)
        if (const auto window = window_of_day(day, week, forecast))
            windows.push_back(*window);
    // There is one: with so many hours observed, six in a row are somewhere.
    const auto quietest =
        std::min_element(windows.begin(), windows.end(),
                         [](const Window &a, const Window &b) { return a.may_come < b.may_come; });
    for (const Window &window : windows)
        if (window.busiest <= mean * (1 + 1e-9) || &window == &*quietest)
            for (int i = 0; i < hours_open_a_day; i++)
                open_[within_week(window.start + i)] = true;
}

int QuietHours::minutes_until_open(int minute_of_week) const {
    const int now = minute_of_week / minutes_an_hour;
    for (int ahead = 0; ahead < hours_a_week; ahead++)
        if (open_[within_week(now + ahead)])
            return std::max(0, (now + ahead) * minutes_an_hour - minute_of_week);
    return hours_a_week * minutes_an_hour;
}

std::string QuietHours::text() const {
    static constexpr std::array days = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    bool same_every_day = true;
    for (int hour = 0; hour < hours_a_week; hour++)
        same_every_day = same_every_day && are_open(hour) == are_open(hour % hours_a_day);

    std::string text;
    const int last = same_every_day ? hours_a_day : hours_a_week;
    for (int hour = 0; hour < last; hour++) {
        if (!are_open(hour) || are_open(static_cast<int>(within_week(hour - 1))))
            continue;
        int end = hour;
        while (end < hour + hours_a_week && are_open(static_cast<int>(within_week(end))))
            end++;
        text += text.empty() ? "" : ", ";
        if (!same_every_day)
            text += std::string(days[static_cast<std::size_t>(hour / hours_a_day)]) + " ";
        append_time(text, hour);
        text += "-";
        append_time(text, end);
    }
    return text;
}

} // namespace triage
