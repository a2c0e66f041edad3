#include "pg/process_priority.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "access/xact.h"
PG_HEADERS_END

namespace triage::process_priority {

namespace {

int applied = 0;            // steps below the server's priority
bool group_pending = false; // the session's group has not got there yet

// The server's own, which a process has until it is told otherwise.
int server_nice() {
    static const int nice = getpriority(PRIO_PROCESS, 0);
    return nice;
}

bool may_raise_to(int nice) {
    rlimit limit;
    return geteuid() == 0 ||
           (getrlimit(RLIMIT_NICE, &limit) == 0 && static_cast<long>(limit.rlim_cur) >= 20L - nice);
}

// Linux divides its processors among sessions first (setsid(); sched(7), "The autogroup feature"),
// and within a session by nice. Each process of PostgreSQL is a session of its own: nice alone
// would change nothing there. Where there are no such groups, or they are off, nice does it.
bool set_group(int nice) {
    const int file = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return true;
    char text[8];
    const int length = snprintf(text, sizeof text, "%d\n", nice);
    // Ten writes a second are taken, from all processes together.
    const bool later = write(file, text, length) < 0 && errno == EAGAIN;
    close(file);
    return !later;
}

void try_again(XactEvent, void *) {
    if (group_pending)
        group_pending = !set_group(applied);
}

} // namespace

bool can_become(int nice) {
    return !IsUnderPostmaster || nice >= applied || may_raise_to(server_nice() + nice);
}

void become(int nice) {
    if (!IsUnderPostmaster || nice == applied)
        return;
    if (setpriority(PRIO_PROCESS, 0, server_nice() + nice) != 0)
        return;
    applied = nice;
    group_pending = !set_group(nice);
    static bool registered = false;
    if (group_pending && !registered) {
        RegisterXactCallback(try_again, nullptr);
        registered = true;
    }
}

} // namespace triage::process_priority
