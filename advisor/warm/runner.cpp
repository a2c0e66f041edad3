#include "warm/runner.h"

#include "interrupt.h"
#include "progress.h"
#include "render/units.h"
#include "warm/latency.h"

#include <fmt/format.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

namespace triage::advisor {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// So much is asked for in one statement: short enough to stop soon, and no more than that is in
// flight for each session.
constexpr std::uint64_t batch_blocks = 128;
constexpr auto look_interval = 100ms;
constexpr auto lease_renewal = 3s;
constexpr const char *lease_s = "10";
constexpr std::string_view insufficient_privilege = "42501";

double seconds_now() {
    return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

struct Batch {
    CacheLevel level = CacheLevel::SharedBuffers;
    std::vector<WarmRange> ranges;
    std::uint64_t blocks = 0;
};

// The plan's ranges in batches, wave by wave.
std::deque<Batch> batches_of(const WarmPlan &plan, bool shared_buffers) {
    std::deque<Batch> batches;
    for (const WarmWave &wave : plan.waves) {
        const bool loads = shared_buffers && wave.level == CacheLevel::SharedBuffers;
        Batch batch{loads ? CacheLevel::SharedBuffers : CacheLevel::PageCache, {}, 0};
        const auto close = [&] {
            if (batch.blocks > 0)
                batches.push_back(batch);
            batch.ranges.clear();
            batch.blocks = 0;
        };
        for (WarmRange range : loads ? wave.load : wave.fetch) {
            for (;;) {
                WarmRange part = range;
                const std::uint64_t room = batch_blocks - batch.blocks;
                part.last = static_cast<std::uint32_t>(
                    std::min<std::uint64_t>(range.last, range.first + room - 1));
                batch.ranges.push_back(part);
                batch.blocks += part.size();
                if (batch.blocks == batch_blocks)
                    close();
                if (part.last == range.last)
                    break;
                range.first = part.last + 1;
            }
        }
        close();
    }
    return batches;
}

std::string array_of(const std::vector<WarmRange> &ranges, const auto &text) {
    std::string array = "{";
    for (const WarmRange &range : ranges)
        array += (array.size() > 1 ? "," : "") + text(range);
    return array + "}";
}

// Errors of one range that must not stop the others: it was dropped, truncated, or is not ours to
// read.
bool is_about_the_range(const ServerFailure &failure) {
    return !failure.sqlstate.empty() && !failure.sqlstate.starts_with("57") &&
           !failure.sqlstate.starts_with("53") && !failure.sqlstate.starts_with("08");
}

class WarmRun {
  public:
    WarmRun(const Options &options, Server &server, const WarmTarget &target, const WarmPlan &plan,
            const WarmSettings &settings)
        : options_(options), server_(server), target_(target), settings_(settings),
          batches_(batches_of(plan, settings.shared_buffers)), rate_(settings.rate, seconds_now()) {
        for (const Batch &batch : batches_)
            result_.planned_blocks += batch.blocks;
    }

    WarmResult run() {
        start_ = Clock::now();
        std::vector<Server> sessions;
        for (int i = 0; i < settings_.connections; i++)
            sessions.push_back(
                server_.second_session(Access::ReadOnly, options_.statement_timeout));
        std::vector<std::thread> threads;
        for (Server &session : sessions)
            threads.emplace_back([this, &session] { work(session); });
        try {
            watch();
        } catch (...) {
            fail(std::current_exception());
        }
        for (std::thread &thread : threads)
            thread.join();
        if (failure_)
            std::rethrow_exception(failure_);
        result_.done_blocks = done_blocks_;
        result_.elapsed =
            std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start_);
        return result_;
    }

  private:
    // ---- the sessions that read ----

    void work(Server &session) {
        try {
            // Asks for the next batch before it waits for this one.
            auto batch = next();
            if (batch)
                prewarm(session, *batch, "prefetch");
            while (batch) {
                auto following = next();
                if (following)
                    prewarm(session, *following, "prefetch");
                const char *mode = batch->level == CacheLevel::SharedBuffers ? "buffer" : "read";
                prewarm(session, *batch, mode);
                done_blocks_ += batch->blocks;
                batch = std::move(following);
            }
        } catch (...) {
            fail(std::current_exception());
        }
        const std::lock_guard lock(mutex_);
        finished_++;
        changed_.notify_all();
    }

    std::optional<Batch> next() {
        std::unique_lock lock(mutex_);
        if (stopped_ || batches_.empty())
            return std::nullopt;
        Batch batch = std::move(batches_.front());
        batches_.pop_front();
        const double wait = rate_.take(static_cast<double>(batch.blocks) * 8192, seconds_now());
        if (changed_.wait_for(lock, std::chrono::duration<double>(wait),
                              [this] { return stopped_; }))
            return std::nullopt;
        return batch;
    }

    void prewarm(Server &session, const Batch &batch, const char *mode) {
        try {
            ask(session, batch.ranges, mode);
        } catch (const ServerFailure &failure) {
            if (!is_about_the_range(failure))
                throw;
            if (std::string_view(mode) != "prefetch") // that was a mere hint
                one_by_one(session, batch.ranges, mode);
        }
    }

    void one_by_one(Server &session, const std::vector<WarmRange> &ranges, const char *mode) {
        for (const WarmRange &range : ranges)
            try {
                ask(session, {range}, mode);
            } catch (const ServerFailure &failure) {
                if (!is_about_the_range(failure))
                    throw;
                const std::lock_guard lock(mutex_);
                result_.skipped_blocks += range.size();
                result_.denied |= failure.sqlstate == insufficient_privilege;
                result_.refused.try_emplace(target_.relations[range.relation].name,
                                            failure.message);
            }
    }

    void ask(Server &session, const std::vector<WarmRange> &ranges, const char *mode) {
        session.query(
            fmt::format(
                "SELECT pg_catalog.sum({}(r.relation, $5, r.fork, r.first, r.last))"
                " FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.oid[]::pg_catalog.regclass[]),"
                " pg_catalog.unnest($2::pg_catalog.text[]), "
                "pg_catalog.unnest($3::pg_catalog.int8[]),"
                " pg_catalog.unnest($4::pg_catalog.int8[])) AS r(relation, fork, first, last)",
                target_.prewarm),
            {array_of(
                 ranges,
                 [&](const WarmRange &it) { return std::to_string(target_.oids[it.relation]); }),
             array_of(ranges,
                      [](const WarmRange &it) { return std::string(name_of_fork(it.fork)); }),
             array_of(ranges, [](const WarmRange &it) { return std::to_string(it.first); }),
             array_of(ranges, [](const WarmRange &it) { return std::to_string(it.last); }), mode});
    }

    void fail(std::exception_ptr failure) {
        const std::lock_guard lock(mutex_);
        if (!failure_)
            failure_ = failure;
        stopped_ = true;
        changed_.notify_all();
    }

    // ---- the session that watches ----

    void watch() {
        LatencyProbe latency(server_);
        result_.latency_known = latency.available();
        Progress progress(options_, "warming");
        const OnInterrupt stop([this] {
            const std::lock_guard lock(mutex_);
            stopped_ = true;
            changed_.notify_all();
        });
        auto lease_until = Clock::now();
        for (;;) {
            if (target_.has_extension && Clock::now() >= lease_until) {
                renew_lease();
                lease_until = Clock::now() + lease_renewal;
            }
            if (wait_for_end())
                return;
            throw_if_interrupted();
            if (const auto p99 = latency.p99_ms())
                adapt(*p99);
            show(progress);
            if (settings_.deadline && Clock::now() - start_ >= *settings_.deadline) {
                const std::lock_guard lock(mutex_);
                result_.deadline_reached = !batches_.empty();
                stopped_ = true;
                changed_.notify_all();
            }
        }
    }

    bool wait_for_end() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, look_interval,
                                 [this] { return finished_ == settings_.connections; });
    }

    // What is loaded now is not what statements want. Without the right to say so, it is merely
    // counted.
    void renew_lease() {
        try {
            server_.query("SELECT triage.pause_heat($1::int)", {lease_s});
        } catch (const ServerFailure &failure) {
            if (!is_about_the_range(failure))
                throw;
        }
    }

    void adapt(double p99_ms) {
        const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
        const double reached = static_cast<double>(done_blocks_) * 8192 / std::max(elapsed, 0.1);
        const std::lock_guard lock(mutex_);
        rate_.report_latency(p99_ms, reached);
        if (rate_.is_backing_off() &&
            (result_.slowest_bytes_per_s == 0 || rate_.bytes_per_s() < result_.slowest_bytes_per_s))
            result_.slowest_bytes_per_s = rate_.bytes_per_s();
    }

    void show(Progress &progress) {
        const double planned =
            static_cast<double>(std::max<std::uint64_t>(result_.planned_blocks, 1));
        progress.update(fmt::format("warming {} of {}",
                                    show_bytes(static_cast<double>(done_blocks_) * 8192),
                                    show_bytes(static_cast<double>(result_.planned_blocks) * 8192)),
                        static_cast<double>(done_blocks_) / planned);
    }

    const Options &options_;
    Server &server_;
    const WarmTarget &target_;
    const WarmSettings &settings_;

    std::mutex mutex_; // of all below
    std::condition_variable changed_;
    std::deque<Batch> batches_;
    RateControl rate_;
    WarmResult result_;
    std::exception_ptr failure_;
    bool stopped_ = false;
    int finished_ = 0;

    std::atomic<std::uint64_t> done_blocks_ = 0;
    Clock::time_point start_;
};

} // namespace

WarmResult run_warming(const Options &options, Server &server, const WarmTarget &target,
                       const WarmPlan &plan, const WarmSettings &settings) {
    return WarmRun(options, server, target, plan, settings).run();
}

} // namespace triage::advisor
