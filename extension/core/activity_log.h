// What sessions were doing, learnt from looks at all of them at short intervals: per database,
// user, application, state and class of wait the sessions of each of the last 60 minutes, and mean
// and peak by hour of week.
//
// All of it is plain data of a fixed size: the server keeps it in shared memory and in a file.
// There is no field for a statement's text; applications are numbers of a list that holds only the
// names that core/application_names lets out.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <type_traits>

namespace triage {

constexpr int activity_minutes = 60;
constexpr int activity_hours = 168; // hour 0 is Monday, 00:00-00:59

enum class SessionState : std::uint8_t {
    Active,
    Idle,
    IdleInTransaction,
    IdleInFailedTransaction,
    Unknown, // track_activities is off
    Count
};

// The log's writes and flushes are PostgreSQL's class IO, too, but no disk of data files makes them
// faster.
enum class WaitClass : std::uint8_t {
    None,
    LightweightLock,
    Lock,
    BufferPin,
    Client,
    Extension,
    Ipc,
    Timeout,
    Io,
    Wal,
    Other,
    Count
};

// Applications that are no number of the list.
constexpr std::uint16_t no_application = 0;       // the session gave no name
constexpr std::uint16_t withheld_application = 1; // few share it
constexpr std::uint16_t first_listed_application = 2;

struct ActivityKey {
    std::uint32_t database = 0, user = 0;
    std::uint16_t application = no_application;
    SessionState state = SessionState::Active;
    WaitClass wait = WaitClass::None;

    auto operator<=>(const ActivityKey &) const = default;
};

// Sessions of one key in one look.
struct ActivitySample {
    ActivityKey key;
    std::uint32_t sessions = 0;
    float transaction_age_s = 0; // sum over the sessions
    float oldest_s = 0;
};

struct MinuteActivity {
    std::uint32_t sessions = 0; // sum over the minute's looks
    std::uint32_t peak = 0;     // in one look
    float transaction_age_s = 0;
    float oldest_s = 0;
};

struct HourActivity {
    float mean = 0, peak = 0;
};

struct ActivitySlot {
    ActivityKey key;
    std::uint32_t sum_in_hour = 0, peak_in_hour = 0;
    std::uint32_t last_minute = 0; // in which it was seen
    std::array<MinuteActivity, activity_minutes> minutes{};
    std::array<HourActivity, activity_hours> hours{};
};
static_assert(std::is_trivially_copyable_v<ActivitySlot>);

struct ActivityApplication {
    std::array<char, 64> name{};
    std::uint32_t sessions = 0; // distinct ones that had it
};

struct ActivityHead {
    static constexpr std::size_t most_applications = 64;

    std::array<std::uint32_t, activity_minutes>
        minute{}; // since 1970, which each element stands for
    std::array<std::uint32_t, activity_minutes> looks{}; // in it
    std::array<float, activity_hours> weeks{};           // for how long each hour was observed
    std::int32_t hour_of_week = -1;                      // of the last look; -1: none yet
    float seconds_in_hour = 0;
    std::uint32_t looks_in_hour = 0;
    std::uint32_t slots = 0, applications = 0;
    std::uint32_t forgotten = 0; // slots given up for newer ones, and samples that found no slot
    std::uint64_t looks_ever = 0;
    std::array<ActivityApplication, most_applications> application{};
};
static_assert(std::is_trivially_copyable_v<ActivityHead>);

struct ActivityMoment {
    std::uint32_t minute = 0;
    int hour_of_week = 0;
    float seconds = 1; // that the look stands for
};

// Takes one look at all sessions, an entry a key, into the log. Of `slots` the first head.slots are
// in use. Allocates nothing.
void observe(ActivityHead &head, std::span<ActivitySlot> slots,
             std::span<const ActivitySample> samples, const ActivityMoment &moment) noexcept;

// Mean and peak in that hour of the week, today's included, so far as it has come.
HourActivity hour_of(const ActivityHead &head, const ActivitySlot &slot, int hour_of_week) noexcept;
// How many weeks that hour was observed.
float weeks_of(const ActivityHead &head, int hour_of_week) noexcept;

} // namespace triage
