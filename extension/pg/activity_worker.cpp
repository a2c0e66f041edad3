#include "pg/activity_worker.h"

#include "core/application_names.h"
#include "pg/activity_store.h"
#include "pg/guard.h"
#include "pg/guc.h"
#include "pg/sessions.h"
#include "pg/worker_loop.h"

PG_HEADERS_BEGIN
#include "utils/timestamp.h"
PGDLLEXPORT void pg_triage_activity_main(Datum argument);
PG_HEADERS_END

namespace triage::activity {

using worker_loop::now_s;

namespace {

// A look may take a fiftieth of the time, however many sessions there are.
constexpr double longest_share = 0.02;

class Observer {
  public:
    void look() {
        const double began = now_s();
        std::map<ActivityKey, ActivitySample> samples;
        counter_.begin_look();
        for (const sessions::Sight &sight : sessions::look())
            add(samples, sight);
        counter_.end_look();
        std::vector<ActivitySample> found;
        for (const auto &[key, sample] : samples)
            found.push_back(sample);
        record(found, moment());
        cost_s_ = now_s() - began;
    }

    // Until the next look, in milliseconds.
    long pause_ms() const {
        constexpr long idle_ms = 10'000;
        if (guc::activity_interval_ms == 0 || !guc::enabled)
            return idle_ms;
        return std::max<long>(guc::activity_interval_ms,
                              static_cast<long>(1000 * cost_s_ / longest_share));
    }

    void save_if_due() {
        if (guc::save_interval_s > 0 && now_s() - saved_s_ >= guc::save_interval_s) {
            saved_s_ = now_s();
            save();
        }
    }

  private:
    void add(std::map<ActivityKey, ActivitySample> &samples, const sessions::Sight &sight) {
        const std::string_view name = sight.application;
        const std::uint32_t sharing = counter_.count({sight.pid, sight.started}, name);
        const ActivityKey key{sight.database, sight.user, application_number(name, sharing),
                              sight.state, sight.wait};
        ActivitySample &sample = samples[key];
        sample.key = key;
        sample.sessions++;
        const auto age = static_cast<float>(sight.transaction_age_s);
        sample.transaction_age_s += age;
        sample.oldest_s = std::max(sample.oldest_s, age);
    }

    ActivityMoment moment() const {
        const TimestampTz now = GetCurrentTimestamp();
        return {static_cast<std::uint32_t>(timestamptz_to_time_t(now) / SECS_PER_MINUTE),
                worker_loop::hour_of_week(now), static_cast<float>(pause_ms()) / 1000};
    }

    ApplicationCounter counter_;
    double saved_s_ = now_s(), cost_s_ = 0;
};

void run() {
    load();
    Observer observer;
    while (!worker_loop::shutting_down()) {
        worker_loop::wait(observer.pause_ms());
        if (!guc::enabled || guc::activity_interval_ms == 0 || worker_loop::shutting_down())
            continue;
        observer.look();
        observer.save_if_due();
    }
    if (guc::enabled && guc::activity_interval_ms > 0)
        save();
}

} // namespace

void install_worker() {
    worker_loop::install("pg_triage activity", "pg_triage_activity_main");
}

} // namespace triage::activity

void pg_triage_activity_main(Datum) {
    triage::worker_loop::accept_signals();
    triage::guard_sql([] { triage::activity::run(); });
    triage::worker_loop::leave();
}
