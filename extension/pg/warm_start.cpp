#include "pg/warm_start.h"

#include "core/warm_plan.h"
#include "pg/buffers.h"
#include "pg/guard.h"
#include "pg/guc.h"
#include "pg/page_cache.h"
#include "pg/warm_files.h"
#include "pg/warm_loader.h"

PG_HEADERS_BEGIN
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"
PG_HEADERS_END

#include <algorithm>
#include <chrono>
#include <deque>

namespace triage::heat {

namespace {

// Room for what the first statements bring in by themselves.
constexpr double share_of_buffers = 0.9;
constexpr TimestampTz lease_us = 10 * USECS_PER_SEC;

using Clock = std::chrono::steady_clock;

void measure_files(WarmFiles &files) {
    for (std::size_t i = 0; i < files.files.size(); i++)
        for (int fork = MAIN_FORKNUM; fork <= VISIBILITYMAP_FORKNUM; fork++) {
            BlockPlace place = files.files[i];
            place.fork = static_cast<ForkNumber>(fork);
            files.relations[i].blocks[static_cast<std::size_t>(fork)] = blocks_on_disk(place);
        }
}

void doze(double seconds) {
    call_server([=] {
        WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
                  static_cast<long>(1000 * seconds) + 1, PG_WAIT_EXTENSION);
        ResetLatch(MyLatch);
    });
}

// The databases' workers, from here. Where all worker slots are taken, those that found none are
// started once there is one again, the database with most to load first.
class Loaders {
  public:
    // Each with its share of what the plan of all puts into shared buffers.
    Loaders(const WarmFiles &files, const WarmPlan &plan) {
        std::map<Oid, std::uint64_t> blocks;
        std::uint64_t shared_catalogs = 0;
        for (const WarmWave &wave : plan.waves)
            for (const WarmRange &range : wave.load) {
                const Oid database = files.files[range.relation].database;
                (OidIsValid(database) ? blocks[database] : shared_catalogs) += range.size();
            }
        for (const auto &[database, count] : blocks)
            waiting_.push_back({database, count, false});
        std::sort(waiting_.begin(), waiting_.end(),
                  [](const LoadOrder &a, const LoadOrder &b) { return a.blocks > b.blocks; });
        if (!waiting_.empty()) {
            waiting_.front().blocks += shared_catalogs;
            waiting_.front().with_shared = true;
        }
    }

    void start_waiting() {
        while (!waiting_.empty()) {
            auto *handle = call_server([this] { return start_loader(waiting_.front()); });
            if (handle == nullptr) {
                wait_or_give_up();
                return;
            }
            handles_.push_back(handle);
            waiting_.pop_front();
        }
    }

    bool any_started() const {
        return any([](BgwHandleStatus status) { return status != BGWH_NOT_YET_STARTED; });
    }
    bool any_left() const {
        return !waiting_.empty() ||
               any([](BgwHandleStatus status) { return status == BGWH_STARTED; });
    }

  private:
    template <class Test> bool any(Test &&test) const {
        for (BackgroundWorkerHandle *handle : handles_) {
            pid_t pid;
            if (test(call_server([&] { return GetBackgroundWorkerPid(handle, &pid); })))
                return true;
        }
        return false;
    }

    void wait_or_give_up() {
        const auto now = Clock::now();
        if (!waiting_since_)
            waiting_since_ = now;
        else if (now - *waiting_since_ < patience)
            return;
        const bool giving_up = now != *waiting_since_;
        call_server([giving_up, database = waiting_.front().database] {
            ereport(LOG,
                    (errcode(ERRCODE_INSUFFICIENT_RESOURCES),
                     giving_up
                         ? errmsg("could not start the warm-up of database %u", database)
                         : errmsg("the warm-up of database %u waits for a background worker slot",
                                  database),
                     errhint("Consider increasing the configuration parameter "
                             "\"max_worker_processes\".")));
        });
        if (giving_up)
            waiting_.clear();
    }

    // By then the statements have warmed the buffers themselves.
    static constexpr std::chrono::seconds patience{60};

    std::deque<LoadOrder> waiting_;
    std::vector<BackgroundWorkerHandle *> handles_;
    std::optional<Clock::time_point> waiting_since_;
};

// How the page cache is filled: as fast as it goes while nobody else reads, at half the speed else.
class PageCacheWarmer {
  public:
    PageCacheWarmer(const WarmFiles &files, std::uint32_t piece_blocks)
        : files_(files), piece_blocks_(piece_blocks), reader_(piece_blocks) {}

    // Reads a level's waves; stops when `enough`, asked before each piece, says so.
    template <class Enough>
    void read(const WarmPlan &plan, CacheLevel level, bool gently, Enough &&enough) {
        for (const WarmWave &wave : plan.waves) {
            if (wave.level != level)
                continue;
            for (const WarmRange &piece : in_pieces(wave.fetch, piece_blocks_)) {
                if (enough())
                    return;
                const auto start = Clock::now();
                reader_.fetch(files_.place_of(piece), static_cast<std::uint32_t>(piece.size()));
                if (gently)
                    rest(std::chrono::duration<double>(Clock::now() - start).count());
            }
        }
    }

    std::uint64_t fetched_blocks() const { return reader_.fetched_blocks(); }

  private:
    // As long as the reads took, in naps that are worth a system call.
    void rest(double seconds) {
        constexpr double nap_s = 0.005;
        owed_s_ += seconds;
        if (owed_s_ >= nap_s)
            doze(std::exchange(owed_s_, 0));
    }

    const WarmFiles &files_;
    const std::uint32_t piece_blocks_;
    PageCacheReader reader_;
    double owed_s_ = 0;
};

struct FilesAndPlan {
    WarmFiles files;
    WarmPlan plan;
};

FilesAndPlan plan_for(const Map &map) {
    FilesAndPlan result{files_of(map), {}};
    measure_files(result.files);
    result.plan = plan_warming(result.files.relations, result.files.extents,
                               {.shared_buffers_blocks = static_cast<std::uint64_t>(
                                    share_of_buffers * buffers::pool_size()),
                                .page_cache_blocks = free_memory_blocks()});
    return result;
}

void read_before_start() {
    const auto start = Clock::now();
    const auto until = start + std::chrono::milliseconds(guc::warm_start_delay_ms);
    const Map map = load(Untrusted::PassOver); // the worker will say so
    if (map.slots.empty())
        return;
    const FilesAndPlan warm = plan_for(map);
    PageCacheWarmer warmer(warm.files, large_chunk_blocks);
    warmer.read(warm.plan, CacheLevel::SharedBuffers, false,
                [until] { return Clock::now() >= until; });
    const auto fetched = static_cast<unsigned long long>(warmer.fetched_blocks());
    const double elapsed_ms =
        std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    call_server([=] {
        ereport(LOG, (errmsg("page cache warmed with %llu blocks before the start, in %.0f ms",
                             fetched, elapsed_ms)));
    });
}

} // namespace

void warm_before_start() {
    if (!IsPostmasterEnvironment || IsBinaryUpgrade || !guc::enabled || !guc::warm_on_start ||
        guc::warm_start_delay_ms == 0)
        return;
    guard_detail::Failure failure;
    try {
        read_before_start();
        return;
    } catch (...) {
        guard_detail::capture(failure);
    }
    // An ERROR would end the postmaster.
    ereport(LOG, (errmsg("could not warm the page cache before the start"),
                  errdetail_internal("%s", failure.server_error ? failure.server_error->message
                                                                : failure.message)));
}

void warm_after_start(const Map &map) {
    const auto start = GetCurrentTimestamp();
    pause_sampling(start + lease_us);
    const auto [files, plan] = plan_for(map);
    Loaders loaders(files, plan);
    loaders.start_waiting();

    PageCacheWarmer warmer(files, small_chunk_blocks);
    const auto read = [&, &plan = plan](CacheLevel level, bool gently, auto &&enough) {
        warmer.read(plan, level, gently, [&] {
            pause_sampling(GetCurrentTimestamp() + lease_us);
            loaders.start_waiting();
            return ShutdownRequestPending || enough();
        });
    };
    read(CacheLevel::SharedBuffers, false, [&] { return loaders.any_started(); });
    while (loaders.any_left() && !ShutdownRequestPending) {
        doze(0.02);
        pause_sampling(GetCurrentTimestamp() + lease_us);
        loaders.start_waiting();
    }
    read(CacheLevel::PageCache, loaders.any_started(), [] { return false; });

    const auto fetched = static_cast<unsigned long long>(warmer.fetched_blocks());
    const auto elapsed_ms = static_cast<long long>((GetCurrentTimestamp() - start) / 1000);
    call_server([=] {
        ereport(LOG,
                (errmsg("page cache warmed with %llu blocks in %lld ms", fetched, elapsed_ms)));
    });
}

} // namespace triage::heat
