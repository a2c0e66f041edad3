#include "interrupt.h"

#include "exit_status.h"
#include "messages.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <fcntl.h>
#include <mutex>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

namespace triage::advisor {

namespace {

// The handler only writes a byte; a thread reads it and does the work, for which no signal handler
// is fit. Signals are not blocked, so that child processes inherit nothing.
int wake_up[2] = {-1, -1};

std::atomic<bool> signalled = false;

// Never destroyed: the watching thread outlives main's statics.
std::mutex &mutex = *new std::mutex;
std::condition_variable &changed = *new std::condition_variable;
std::vector<std::function<void()> *> &actions = *new std::vector<std::function<void()> *>;

extern "C" void on_signal(int) {
    const int saved = errno;
    const char byte = 0;
    [[maybe_unused]] const ssize_t written = ::write(wake_up[1], &byte, 1);
    errno = saved;
}

Failure interruption() {
    return Failure(ExitStatus::ActionFailed, "canceled by user");
}

[[noreturn]] void end_at_once() {
    print_failure(interruption());
    ::_exit(static_cast<int>(ExitStatus::ActionFailed));
}

void watch_signals() {
    for (;;) {
        char byte;
        if (::read(wake_up[0], &byte, 1) != 1)
            continue;
        // A second signal does not wait for the first one's actions.
        if (signalled.exchange(true))
            end_at_once();
        std::thread([] {
            const std::lock_guard lock(mutex);
            if (actions.empty())
                end_at_once();
            for (const auto *action : actions)
                (*action)();
            changed.notify_all();
        }).detach();
    }
}

} // namespace

void handle_interrupts() {
    if (::pipe2(wake_up, O_CLOEXEC) != 0)
        throw std::system_error(errno, std::generic_category(), "could not create a pipe");
    std::thread(watch_signals).detach();
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction before {};
        ::sigaction(signal, nullptr, &before);
        if (signal != SIGHUP || before.sa_handler != SIG_IGN) // nohup means it
            ::sigaction(signal, &action, nullptr);
    }
}

bool interrupted() {
    return signalled;
}

void throw_if_interrupted() {
    if (signalled)
        throw interruption();
}

void interruptible_sleep(std::chrono::milliseconds duration) {
    // Registers an action, so that the signal wakes this up instead of ending the program.
    const OnInterrupt stay([] {});
    std::unique_lock lock(mutex);
    changed.wait_for(lock, duration, [] { return signalled.load(); });
    lock.unlock();
    throw_if_interrupted();
}

OnInterrupt::OnInterrupt(std::function<void()> action) : action_(std::move(action)) {
    const std::lock_guard lock(mutex);
    actions.push_back(&action_);
}

OnInterrupt::~OnInterrupt() {
    const std::lock_guard lock(mutex);
    actions.erase(std::find(actions.begin(), actions.end(), &action_));
}

} // namespace triage::advisor
