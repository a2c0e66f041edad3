#include "demo/process.h"

#include "exit_status.h"
#include "interrupt.h"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <fstream>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace triage::advisor {

namespace {

using namespace std::chrono_literals;

constexpr auto poll_interval = 20ms;

// Between fork and exec of a program with threads only async-signal-safe calls are allowed. What
// fails there goes back as an error number through a pipe that a successful exec closes.
[[noreturn]] void become(char *const *arguments, const char *directory, int output, int error_pipe,
                         int signal_at_our_end, pid_t parent) {
    const auto fail = [error_pipe] {
        const int error = errno;
        [[maybe_unused]] const ssize_t written = ::write(error_pipe, &error, sizeof error);
        ::_exit(127);
    };
    // A session of its own: Ctrl-C is for us alone, and we end our children in order.
    ::setsid();
    if (signal_at_our_end != 0) {
        ::prctl(PR_SET_PDEATHSIG, signal_at_our_end);
        if (::getppid() != parent) // it ended before this took effect
            ::_exit(127);
    }
    const int null = ::open("/dev/null", O_RDONLY);
    if (null < 0 || ::dup2(null, STDIN_FILENO) < 0 || ::dup2(output, STDOUT_FILENO) < 0 ||
        ::dup2(output, STDERR_FILENO) < 0 || (*directory && ::chdir(directory) != 0))
        fail();
    ::execv(arguments[0], arguments);
    fail();
    ::_exit(127);
}

} // namespace

ChildProcess::ChildProcess(const Command &command) : end_signal_(command.end_signal) {
    const std::string &program = command.arguments.front();
    const auto failure = [&program](int error) {
        return Failure(ExitStatus::ActionFailed,
                       fmt::format("could not run \"{}\": {}", program, std::strerror(error)));
    };
    std::vector<char *> arguments;
    for (const std::string &argument : command.arguments)
        arguments.push_back(const_cast<char *>(argument.c_str()));
    arguments.push_back(nullptr);

    int error_pipe[2];
    if (::pipe2(error_pipe, O_CLOEXEC) != 0)
        throw failure(errno);
    const int output =
        ::open(command.output_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const pid_t us = ::getpid();
    pid_ = output < 0 ? -1 : ::fork();
    if (pid_ == 0)
        become(arguments.data(), command.directory.c_str(), output, error_pipe[1],
               command.releasable ? 0 : end_signal_, us);
    int error = errno;
    if (output >= 0)
        ::close(output);
    ::close(error_pipe[1]);
    if (pid_ > 0 && ::read(error_pipe[0], &error, sizeof error) == sizeof error) {
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
    ::close(error_pipe[0]);
    if (pid_ < 0)
        throw failure(error);
}

ChildProcess::~ChildProcess() {
    end();
}

ChildProcess::ChildProcess(ChildProcess &&other) noexcept
    : pid_(std::exchange(other.pid_, -1)), status_(other.status_), end_signal_(other.end_signal_) {}

std::optional<int> ChildProcess::poll() {
    int status;
    if (!status_ && pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) == pid_)
        status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return status_;
}

int ChildProcess::wait() {
    while (!poll())
        interruptible_sleep(poll_interval);
    return *status_;
}

void ChildProcess::end(std::chrono::seconds patience) noexcept {
    if (pid_ <= 0 || poll())
        return;
    ::kill(pid_, end_signal_);
    for (const auto until = std::chrono::steady_clock::now() + patience;
         !poll() && std::chrono::steady_clock::now() < until;)
        std::this_thread::sleep_for(poll_interval);
    if (!poll()) {
        ::kill(-pid_, SIGKILL); // the whole session
        while (!poll())
            std::this_thread::sleep_for(poll_interval);
    }
}

void run_program(const std::string &what, const std::vector<std::string> &arguments,
                 const std::string &output_file) {
    ChildProcess child({arguments, {}, output_file, SIGTERM});
    if (const int status = child.wait(); status != 0)
        throw Failure(ExitStatus::ActionFailed,
                      fmt::format("could not {}: \"{}\" ended with status {}", what,
                                  arguments.front(), status),
                      last_lines(output_file, 12));
}

std::string output_of(const std::vector<std::string> &arguments) {
    std::vector<char *> pointers;
    for (const std::string &argument : arguments)
        pointers.push_back(const_cast<char *>(argument.c_str()));
    pointers.push_back(nullptr);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return {};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    pid_t child;
    const int error =
        ::posix_spawnp(&child, pointers[0], &actions, nullptr, pointers.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    std::string output;
    char buffer[256];
    for (ssize_t got; error == 0 && (got = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        output.append(buffer, static_cast<std::size_t>(got));
    ::close(ends[0]);
    int status = 1;
    if (error != 0 || ::waitpid(child, &status, 0) != child || status != 0)
        return {};
    return output.substr(0, output.find('\n'));
}

std::string last_lines(const std::string &file, int lines) {
    std::ifstream stream(file);
    std::deque<std::string> last;
    for (std::string line; std::getline(stream, line);) {
        last.push_back(line);
        if (static_cast<int>(last.size()) > lines)
            last.pop_front();
    }
    std::string text;
    for (const std::string &line : last)
        text += (text.empty() ? "" : "\n") + line;
    return text;
}

} // namespace triage::advisor
