#include "pg/process_priority.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "access/xact.h"
PG_HEADERS_END

namespace triage::process_priority {

namespace {

// A weight of 110 beside 1024 (sched_prio_to_weight, kernel/sched/core.c): little beside urgent
// work, and enough to soon let go of a lock that such work waits for.
constexpr int low_steps = 10;

Priority applied = Priority::Normal;
bool group_pending = false; // the session's group has not got there yet

// The server's own, which a process has until it is told otherwise.
int server_nice() {
    static const int nice = getpriority(PRIO_PROCESS, 0);
    return nice;
}

// RLIMIT_NICE counts from 1 (nice 19) to 40 (nice -20): getrlimit(2). It is also what lets a
// process out of SCHED_IDLE: sched(7).
bool may_raise_to(int nice) {
    rlimit limit;
    return geteuid() == 0 ||
           (getrlimit(RLIMIT_NICE, &limit) == 0 && static_cast<long>(limit.rlim_cur) >= 20L - nice);
}

// Linux may divide its processors among sessions first (setsid(2); sched(7), "The autogroup
// feature"), and within a session by nice and policy. Each process of PostgreSQL is a session of
// its own: there a policy changes nothing, and nice has to be told to the group as well.
bool sessions_are_groups() {
    const int file = open("/proc/sys/kernel/sched_autogroup_enabled", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    char on = '0';
    const bool known = read(file, &on, 1) == 1;
    close(file);
    return known && on == '1';
}

int steps_of(Priority priority) {
    return priority == Priority::Normal ? 0 : low_steps;
}

// Ten writes a second are taken, from all processes together: false if it was one too many.
bool set_group(int nice) {
    const int file = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return true;
    char text[8];
    const int length = snprintf(text, sizeof text, "%d\n", nice);
    const bool too_early = write(file, text, length) < 0 && errno == EAGAIN;
    close(file);
    return !too_early;
}

void try_again(XactEvent, void *) {
    if (group_pending)
        group_pending = !set_group(steps_of(applied));
}

void set_group_now_or_later() {
    group_pending = !set_group(steps_of(applied));
    static bool registered = false;
    if (group_pending && !registered) {
        RegisterXactCallback(try_again, nullptr);
        registered = true;
    }
}

// A process of SCHED_IDLE has what others leave, and gives way the moment one of them wakes up; and
// Linux sends who wakes up there as if the processor were free.
bool set_idle([[maybe_unused]] bool idle) {
#ifdef SCHED_IDLE
    const sched_param none = {};
    return sched_setscheduler(0, idle ? SCHED_IDLE : SCHED_OTHER, &none) == 0;
#else
    return false;
#endif
}

} // namespace

bool can_become(Priority priority) {
    return !IsUnderPostmaster || priority >= applied || may_raise_to(server_nice());
}

void become(Priority priority) {
    if (!IsUnderPostmaster || priority == applied)
        return;
    if (applied == Priority::Idle && !set_idle(false))
        return;
    if (setpriority(PRIO_PROCESS, 0, server_nice() + steps_of(priority)) != 0)
        return;
    applied = priority;
    set_group_now_or_later();
    if (priority == Priority::Idle && !sessions_are_groups())
        set_idle(true);
}

} // namespace triage::process_priority
