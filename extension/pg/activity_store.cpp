#include "pg/activity_store.h"

#include "core/activity_image.h"
#include "core/application_names.h"
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

namespace triage::activity {

namespace {

constexpr char file_name[] = PGSTAT_STAT_PERMANENT_DIRECTORY "/pg_triage_activity.stat";
constexpr char temporary_name[] = PGSTAT_STAT_PERMANENT_DIRECTORY "/pg_triage_activity.tmp";

struct Shared {
    LWLock *lock;
    TimestampTz last_look;
    ActivityHead head;
    ActivitySlot slots[FLEXIBLE_ARRAY_MEMBER];
};

Shared *shared = nullptr;
shmem_request_hook_type previous_request = nullptr;
shmem_startup_hook_type previous_startup = nullptr;

// A sixteenth of the extension's memory; no more than a server with many applications needs.
std::size_t most_slots() {
    constexpr std::size_t enough = 512;
    const std::size_t bytes = static_cast<std::size_t>(guc::memory_kb) * 1024 / 16;
    return std::min(enough, (bytes - sizeof(Shared)) / sizeof(ActivitySlot));
}

void request() {
    if (previous_request)
        previous_request();
    RequestAddinShmemSpace(shared_bytes());
    RequestNamedLWLockTranche("pg_triage_activity", 1);
}

void startup() {
    if (previous_startup)
        previous_startup();
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    bool found;
    shared = static_cast<Shared *>(ShmemInitStruct("pg_triage activity", shared_bytes(), &found));
    if (!found) {
        memset(static_cast<void *>(shared), 0, shared_bytes());
        shared->lock = &GetNamedLWLockTranche("pg_triage_activity")->lock;
        shared->head = ActivityHead{};
    }
    LWLockRelease(AddinShmemInitLock);
}

// Holds the lock for a change or a copy; nothing in between may raise.
class Locked {
  public:
    explicit Locked(LWLockMode mode) { LWLockAcquire(shared->lock, mode); }
    ~Locked() { LWLockRelease(shared->lock); }
    Locked(const Locked &) = delete;
    Locked &operator=(const Locked &) = delete;
};

std::string_view name_of(const ActivityApplication &application) {
    return application.name.data();
}

bool may_be_shown(std::string_view name, std::uint32_t sessions) {
    return sessions >= static_cast<std::uint32_t>(guc::min_shared_rows) ||
           !known_application(name).empty();
}

void warn_untrusted(const char *why) {
    call_server([&] {
        ereport(LOG, (errcode(ERRCODE_DATA_CORRUPTED),
                      errmsg("ignoring activity file \"%s\"", file_name), errdetail("%s", why)));
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

std::size_t shared_bytes() {
    return sizeof(Shared) + most_slots() * sizeof(ActivitySlot);
}

std::optional<std::string> Log::application(std::uint16_t number) const {
    if (number == no_application)
        return "";
    if (number < first_listed_application || number >= first_listed_application + head.applications)
        return std::nullopt;
    const ActivityApplication &listed = head.application[number - first_listed_application];
    if (!may_be_shown(name_of(listed), listed.sessions))
        return std::nullopt;
    return std::string(name_of(listed));
}

Log read() {
    Log log;
    log.slots.resize(most_slots());
    {
        const Locked locked(LW_SHARED);
        log.head = shared->head;
        std::copy_n(shared->slots, shared->head.slots, log.slots.begin());
    }
    log.slots.resize(log.head.slots);
    return log;
}

TimestampTz last_look() {
    const Locked locked(LW_SHARED);
    return shared->last_look;
}

void reset() {
    const Locked locked(LW_EXCLUSIVE);
    memset(static_cast<void *>(shared->slots), 0, most_slots() * sizeof(ActivitySlot));
    shared->head = ActivityHead{};
}

void dump(std::string &out) {
    const std::size_t before = out.size();
    out.resize(before + shared_bytes());
    const Locked locked(LW_SHARED);
    memcpy(out.data() + before, shared, shared_bytes());
}

void record(std::span<const ActivitySample> samples, const ActivityMoment &moment) {
    const Locked locked(LW_EXCLUSIVE);
    observe(shared->head, {shared->slots, most_slots()}, samples, moment);
    shared->last_look = GetCurrentTimestamp();
}

std::uint16_t application_number(std::string_view name, std::uint32_t sessions) {
    if (name.empty())
        return no_application;
    if (const std::string_view known = known_application(name); !known.empty())
        name = known;
    if (!may_be_shown(name, sessions))
        return withheld_application;
    const Locked locked(LW_EXCLUSIVE);
    ActivityHead &head = shared->head;
    const auto first = head.application.begin();
    const auto last = first + head.applications;
    auto at =
        std::find_if(first, last, [&](const auto &listed) { return name_of(listed) == name; });
    if (at == head.application.end() || name.size() >= at->name.size())
        return withheld_application;
    if (at == last) {
        *at = ActivityApplication{};
        std::copy(name.begin(), name.end(), at->name.begin());
        head.applications++;
    }
    at->sessions = std::max(at->sessions, sessions);
    return static_cast<std::uint16_t>(first_listed_application + (at - first));
}

void save() {
    const Log log = read();
    plain_file::replace(file_name, temporary_name,
                        {activity_image::write(GetSystemIdentifier(), log.head, log.slots)});
}

void load() {
    if (read().head.looks_ever > 0) // only the worker was restarted
        return;
    std::vector<unsigned char> bytes;
    // Of a server with more memory for it, perhaps; but not of any size.
    switch (plain_file::read(file_name, 16 * shared_bytes(), bytes)) {
    case plain_file::Reading::Absent:
        return;
    case plain_file::Reading::Failed:
        return warn_untrusted("It cannot be read.");
    case plain_file::Reading::TooLarge:
        return warn_untrusted("It is too large for pg_triage.memory.");
    case plain_file::Reading::Done:
        break;
    }
    ActivityHead head;
    std::vector<ActivitySlot> slots;
    const auto verdict = activity_image::read(bytes, GetSystemIdentifier(), head, slots);
    if (verdict != activity_image::Verdict::Good)
        return warn_untrusted(activity_image::detail(verdict));
    if (slots.size() > most_slots()) {
        std::nth_element(slots.begin(), slots.begin() + static_cast<std::ptrdiff_t>(most_slots()),
                         slots.end(), [](const ActivitySlot &left, const ActivitySlot &right) {
                             return left.last_minute > right.last_minute;
                         });
        slots.resize(most_slots());
        head.slots = static_cast<std::uint32_t>(slots.size());
    }
    const Locked locked(LW_EXCLUSIVE);
    shared->head = head;
    std::copy(slots.begin(), slots.end(), shared->slots);
}

} // namespace triage::activity
