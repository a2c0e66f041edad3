// A line on the terminal for a person who waits: shown once a wait has lasted two seconds, taken
// away when it is over. Without a terminal on stderr, or with --quiet, nothing is shown.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace triage::advisor {

struct Options;

class Progress {
  public:
    Progress(const Options &options, std::string what);
    ~Progress();
    Progress(const Progress &) = delete;
    Progress &operator=(const Progress &) = delete;

    // What is waited for now, and how much of it is done (0..1) if that is known.
    void update(std::string what, std::optional<double> done = {});

    // Takes the line away until the next update, so that something else can be printed.
    void pause();

  private:
    void draw();
    void erase();
    void run();

    const bool shown_;
    std::mutex mutex_;
    std::condition_variable wake_up_;
    std::string what_;
    std::optional<double> done_;
    std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
    bool ended_ = false, paused_ = false, drawn_ = false;
    std::thread drawer_;
};

// The line without escape sequences, at most `width` wide.
std::string progress_line(const std::string &what, std::optional<double> done,
                          std::chrono::seconds elapsed, std::size_t width);

} // namespace triage::advisor
