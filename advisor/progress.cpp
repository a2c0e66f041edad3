#include "progress.h"

#include "options.h"
#include "render/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sys/ioctl.h>
#include <unistd.h>

namespace triage::advisor {

namespace {

using namespace std::chrono_literals;

constexpr auto patience = 2s; // shorter waits show nothing
constexpr auto interval = 200ms;
constexpr std::size_t bar_width = 20;

std::size_t terminal_width() {
    winsize size{};
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

} // namespace

std::string progress_line(const std::string &what, std::optional<double> done,
                          std::chrono::seconds elapsed, std::size_t width) {
    std::string tail;
    if (done) {
        const double share = std::clamp(*done, 0.0, 1.0);
        const auto filled = static_cast<std::size_t>(std::lround(share * bar_width));
        tail = fmt::format(" [{}{}] {:3.0f} %", std::string(filled, '#'),
                           std::string(bar_width - filled, '.'), std::floor(share * 100));
    }
    tail += elapsed >= 60s ? fmt::format(" {}:{:02} min", elapsed / 60s, (elapsed % 60s) / 1s)
                           : fmt::format(" {} s", elapsed / 1s);
    const std::size_t room = width > tail.size() + 1 ? width - tail.size() - 1 : 1;
    return shortened(what, room) + tail;
}

Progress::Progress(const Options &options, std::string what)
    : shown_(!options.quiet && isatty(STDERR_FILENO)), what_(std::move(what)) {
    if (shown_)
        drawer_ = std::thread([this] { run(); });
}

Progress::~Progress() {
    if (!shown_)
        return;
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
    }
    wake_up_.notify_all();
    drawer_.join();
}

void Progress::update(std::string what, std::optional<double> done) {
    const std::lock_guard lock(mutex_);
    what_ = std::move(what);
    done_ = done;
    paused_ = false;
}

void Progress::pause() {
    const std::lock_guard lock(mutex_);
    paused_ = true;
    erase();
}

void Progress::run() {
    std::unique_lock lock(mutex_);
    while (!wake_up_.wait_for(lock, interval, [this] { return ended_; }))
        if (!paused_ && std::chrono::steady_clock::now() - since_ >= patience)
            draw();
    erase();
}

void Progress::draw() {
    const auto elapsed =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - since_);
    std::fprintf(stderr, "\r\033[K%s",
                 progress_line(what_, done_, elapsed, terminal_width()).c_str());
    std::fflush(stderr);
    drawn_ = true;
}

void Progress::erase() {
    if (!drawn_)
        return;
    std::fputs("\r\033[K", stderr);
    std::fflush(stderr);
    drawn_ = false;
}

} // namespace triage::advisor
