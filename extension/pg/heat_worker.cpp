#include "pg/heat_worker.h"

#include "pg/buffers.h"
#include "pg/guard.h"
#include "pg/guc.h"
#include "pg/heat_store.h"
#include "pg/warm_start.h"
#include "pg/worker_loop.h"

#include <cmath>

PG_HEADERS_BEGIN
#include "pgstat.h"
#include "utils/timestamp.h"
PGDLLEXPORT void pg_triage_heat_main(Datum argument);
PG_HEADERS_END

namespace triage::heat {

using worker_loop::hour_of_week;
using worker_loop::now_s;
using worker_loop::shutting_down;
using worker_loop::wait;

namespace {

// Every so many looks the whole pool is sampled for the heat map; those in between are for the
// curve.
constexpr int looks_per_sample = 10;
// A look may take a fiftieth of the time, whatever the size of the pool.
constexpr double longest_share = 0.02;

// Counters of the databases whose blocks are in the pool.
BlockAccesses count_accesses(const std::vector<HeatSlot> &slots) {
    std::set<Oid> databases;
    for (const HeatSlot &slot : slots)
        databases.insert(slot.key.database);
    BlockAccesses sum;
    call_server([] { pgstat_clear_snapshot(); });
    for (const Oid database : databases) {
        const auto *entry = call_server([=] { return pgstat_fetch_stat_dbentry(database); });
        if (!entry)
            continue;
        const BlockAccesses accesses = accesses_of(*entry);
        sum.fetched += accesses.fetched;
        sum.hit += accesses.hit;
    }
    return sum;
}

class Learner {
  public:
    void start() {
        map_ = read_map();
        if (map_.slots.empty()) { // else only the worker was restarted
            map_ = load();
            map_.slots.resize(std::min(map_.slots.size(), max_extents()));
            publish(map_);
        }
    }
    const Map &map() const { return map_; }

    void look() {
        const double now = now_s();
        watch_.look(tracker_, now);
        if (looks_++ % looks_per_sample == 0 && !is_paused())
            sample(now);
        cost_s_ = now_s() - now;
    }

    void sample(double now) {
        const auto extents = buffers::sample_extents(2 * max_extents(), map_.slots);
        observe(map_.slots, map_.clock, extents,
                {.at = static_cast<std::int64_t>(now),
                 .hour_of_week = hour_of_week(GetCurrentTimestamp()),
                 .pool_has_room = buffers::has_room()},
                {.max_extents = max_extents()});
        publish(map_);
        publish_reuse(now);
    }

    void save_if_due() {
        if (guc::save_interval_s > 0 && now_s() - saved_s_ >= guc::save_interval_s)
            save_now();
    }
    void save_now() {
        saved_s_ = now_s();
        save(map_);
    }

    // Until the next look, in milliseconds.
    long pause_ms() const {
        constexpr long idle_ms = 10'000;
        if (guc::buffer_interval_ms == 0 || !guc::enabled)
            return idle_ms;
        return std::max<long>(guc::buffer_interval_ms,
                              static_cast<long>(1000 * cost_s_ / longest_share));
    }

  private:
    // The counters age as the tracker's histograms do.
    void publish_reuse(double now) {
        const BlockAccesses accesses = count_accesses(map_.slots);
        const double elapsed = now - counted_s_;
        if (counted_s_ > 0 && accesses.fetched >= counted_.fetched && elapsed > 0) {
            const double keep = std::exp2(-elapsed / ReuseTracker::default_half_life_s);
            const double fetched = static_cast<double>(accesses.fetched - counted_.fetched);
            const double hit = static_cast<double>(accesses.hit - counted_.hit);
            fetched_ = keep * fetched_ + fetched;
            missed_ = keep * missed_ + std::max(0.0, fetched - hit);
            seconds_ = keep * seconds_ + elapsed;
        }
        counted_ = accesses;
        counted_s_ = now;
        if (seconds_ > 0)
            publish(Reuse{tracker_.histograms(),
                          {static_cast<double>(buffers::pool_size()), fetched_ / seconds_,
                           missed_ / seconds_}});
    }

    Map map_;
    ReuseTracker tracker_;
    buffers::Watch watch_;
    std::uint64_t looks_ = 0;
    double saved_s_ = now_s(), cost_s_ = 0;
    BlockAccesses counted_;
    double counted_s_ = 0, fetched_ = 0, missed_ = 0, seconds_ = 0;
};

void run() {
    Learner learner;
    learner.start();
    if (guc::warm_on_start && guc::enabled && !learner.map().slots.empty())
        warm_after_start(learner.map());
    while (!shutting_down()) {
        wait(learner.pause_ms());
        if (!guc::enabled || guc::buffer_interval_ms == 0 || shutting_down())
            continue;
        learner.look();
        learner.save_if_due();
    }
    if (guc::enabled && guc::buffer_interval_ms > 0) {
        if (!is_paused())
            learner.sample(now_s());
        learner.save_now();
    }
}

} // namespace

void install_worker() {
    worker_loop::install("pg_triage heat", "pg_triage_heat_main");
}

} // namespace triage::heat

void pg_triage_heat_main(Datum) {
    triage::worker_loop::accept_signals();
    triage::guard_sql([] { triage::heat::run(); });
    triage::worker_loop::leave();
}
