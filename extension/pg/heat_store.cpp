#include "pg/heat_store.h"

#include "core/heat_image.h"
#include "pg/guard.h"
#include "pg/guc.h"
#include "pg/plain_file.h"

PG_HEADERS_BEGIN
#include "access/xlog.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"
PG_HEADERS_END

namespace triage::heat {

namespace {

constexpr char file_name[] = PGSTAT_STAT_PERMANENT_DIRECTORY "/pg_triage_heat.stat";
constexpr char temporary_name[] = PGSTAT_STAT_PERMANENT_DIRECTORY "/pg_triage_heat.tmp";

struct Shared {
    LWLock *lock;
    std::atomic<TimestampTz> paused_until;
    HeatClock clock;
    std::uint64_t count;
    Reuse reuse;
    HeatSlot slots[FLEXIBLE_ARRAY_MEMBER];
};
static_assert(std::is_trivially_copyable_v<Reuse>);
static_assert(std::atomic<TimestampTz>::is_always_lock_free);

Shared *shared = nullptr;
shmem_request_hook_type previous_request = nullptr;
shmem_startup_hook_type previous_startup = nullptr;

void request() {
    if (previous_request)
        previous_request();
    RequestAddinShmemSpace(shared_bytes());
    RequestNamedLWLockTranche("pg_triage_heat", 1);
}

void startup() {
    if (previous_startup)
        previous_startup();
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    bool found;
    shared = static_cast<Shared *>(ShmemInitStruct("pg_triage heat", shared_bytes(), &found));
    if (!found) {
        memset(static_cast<void *>(shared), 0, shared_bytes());
        shared->lock = &GetNamedLWLockTranche("pg_triage_heat")->lock;
        shared->clock = HeatClock{};
    }
    LWLockRelease(AddinShmemInitLock);
}

// Holds the lock for a copy; nothing in between may raise.
class Locked {
  public:
    explicit Locked(LWLockMode mode) { LWLockAcquire(shared->lock, mode); }
    ~Locked() { LWLockRelease(shared->lock); }
    Locked(const Locked &) = delete;
    Locked &operator=(const Locked &) = delete;
};

heat_image::Origin this_cluster() {
    return {GetSystemIdentifier(), BLCKSZ};
}

void warn_untrusted(Untrusted untrusted, const char *why) {
    if (untrusted == Untrusted::PassOver)
        return;
    call_server([&] {
        ereport(LOG, (errcode(ERRCODE_DATA_CORRUPTED),
                      errmsg("ignoring heat map file \"%s\"", file_name), errdetail("%s", why)));
    });
}

} // namespace

void install_store() {
    previous_request = std::exchange(shmem_request_hook, request);
    previous_startup = std::exchange(shmem_startup_hook, startup);
}

bool available() {
    return shared != nullptr;
}

// A quarter of the extension's memory; no more than for a pool in which hardly two blocks are
// neighbours.
std::size_t max_extents() {
    const std::size_t bytes = static_cast<std::size_t>(guc::memory_kb) * 1024 / 4;
    const std::size_t room = (bytes - sizeof(Shared)) / sizeof(HeatSlot);
    return std::min(room, std::max<std::size_t>(1024, static_cast<std::size_t>(NBuffers) / 2));
}

std::size_t shared_bytes() {
    return sizeof(Shared) + max_extents() * sizeof(HeatSlot);
}

Map read_map() {
    Map map;
    map.slots.resize(max_extents());
    {
        const Locked locked(LW_SHARED);
        map.clock = shared->clock;
        std::copy_n(shared->slots, shared->count, map.slots.begin());
        map.slots.resize(shared->count); // shrinks: no allocation
    }
    return map;
}

Reuse read_reuse() {
    const Locked locked(LW_SHARED);
    return shared->reuse;
}

void publish(const Map &map) {
    const Locked locked(LW_EXCLUSIVE);
    shared->clock = map.clock;
    shared->count = std::min(map.slots.size(), max_extents());
    std::copy_n(map.slots.begin(), shared->count, shared->slots);
}

void publish(const Reuse &reuse) {
    const Locked locked(LW_EXCLUSIVE);
    shared->reuse = reuse;
}

void save(const Map &map) {
    plain_file::replace(file_name, temporary_name,
                        {heat_image::header(this_cluster(), map.slots, map.clock),
                         {reinterpret_cast<const char *>(map.slots.data()),
                          map.slots.size() * sizeof(HeatSlot)}});
}

Map load(Untrusted untrusted) {
    std::vector<unsigned char> bytes;
    // Of a server with more memory for it, perhaps; but not of any size.
    switch (plain_file::read(file_name, 16 * shared_bytes(), bytes)) {
    case plain_file::Reading::Absent:
        return {};
    case plain_file::Reading::Failed:
        warn_untrusted(untrusted, "It cannot be read.");
        return {};
    case plain_file::Reading::TooLarge:
        warn_untrusted(untrusted, "It is too large for pg_triage.memory.");
        return {};
    case plain_file::Reading::Done:
        break;
    }
    Map map;
    const heat_image::Verdict verdict =
        heat_image::read(bytes, this_cluster(), map.slots, map.clock);
    if (verdict != heat_image::Verdict::Good) {
        warn_untrusted(untrusted, heat_image::detail(verdict));
        return {};
    }
    map.clock.sampled_at = 0; // while the server was down, nothing cooled
    return map;
}

void pause_sampling(TimestampTz until) {
    TimestampTz current = shared->paused_until.load(std::memory_order_relaxed);
    while (current < until && !shared->paused_until.compare_exchange_weak(current, until))
        ;
}

bool is_paused() {
    return shared->paused_until.load(std::memory_order_relaxed) > GetCurrentTimestamp();
}

} // namespace triage::heat
