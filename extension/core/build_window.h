// When index builds may begin: at a time of day that was set, or in the hours of the week that the
// server was seen to be quiet. Pure: the clock and the log of activity are the caller's.
#pragma once

#include "core/forecast.h"

#include <array>
#include <string>
#include <string_view>

namespace triage {

// "HH:MM-HH:MM" in minutes of the day; a window may go over midnight. Equal ends are the whole day.
class BuildWindow {
  public:
    // An empty or unreadable text is the whole day (the setting's check lets none through).
    explicit BuildWindow(std::string_view text);

    bool is_open(int minute_of_day) const;
    // Minutes until the window opens; 0 if it is open.
    int minutes_until_open(int minute_of_day) const;

  private:
    int from_ = 0, to_ = 0;
};

// What an hour of the week was like; hour 0 is Monday, 00:00-00:59.
struct HourLoad {
    double busy = 0;  // sessions that were not idle, on average
    double weeks = 0; // how often the hour was observed
};
using WeekLoad = std::array<HourLoad, hours_a_week>;

// The hours in which builds disturb least. Each day has its four in a row with the least demand, by
// what may come, so that no build waits for more than a day; but for days on which even one of
// these is busier than the week's mean. Hours that were never observed are left alone. As long as
// less than six sevenths of the week's hours were observed, the hours are 01:00 to 05:00.
class QuietHours {
  public:
    explicit QuietHours(const WeekLoad &week);

    bool are_learnt() const { return learnt_; } // else those for want of better knowledge
    int observed() const { return observed_; }  // hours of the week
    bool are_open(int hour_of_week) const { return open_[static_cast<std::size_t>(hour_of_week)]; }
    // Minutes until the next such hour begins; 0 within one.
    int minutes_until_open(int minute_of_week) const;
    // "01:00-05:00", or by day: "Mon 01:00-05:00, Tue 02:00-06:00".
    std::string text() const;

  private:
    void open_stated_hours();
    void learn(const WeekLoad &week);

    std::array<bool, hours_a_week> open_{};
    bool learnt_ = false;
    int observed_ = 0;
};

} // namespace triage
