// What Ctrl-C (SIGINT), SIGTERM and SIGHUP do: they cancel what runs on the server, so that the
// command fails in an orderly way and cleans up. A second signal, or one while nothing is registered,
// ends the program at once. Child processes start with the default handling.
#pragma once

#include <chrono>
#include <functional>

namespace triage::advisor {

void handle_interrupts();

bool interrupted();

// Raises Failure if a signal has come.
void throw_if_interrupted();

// Sleeps, but raises Failure as soon as a signal comes.
void interruptible_sleep(std::chrono::milliseconds duration);

// While it lives, the action runs (on a thread of its own, once) when a signal comes. The
// destructor waits for an action that is running.
class OnInterrupt {
  public:
    explicit OnInterrupt(std::function<void()> action);
    ~OnInterrupt();
    OnInterrupt(const OnInterrupt &) = delete;
    OnInterrupt &operator=(const OnInterrupt &) = delete;

  private:
    std::function<void()> action_;
};

} // namespace triage::advisor
