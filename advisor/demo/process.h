// A child process of the demo: started without a shell, told where its output goes, and never left
// behind, not even if this program is killed.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace triage::advisor {

class ChildProcess {
  public:
    struct Command {
        std::vector<std::string> arguments; // the first one is the program's path
        std::string directory;              // working directory; empty: ours
        std::string output_file;            // stdout and stderr are appended to it
        int end_signal;                     // what ends it in good order
        bool releasable = false;            // release() may be called
    };

    // Raises Failure if the program cannot be started. To be called from a thread that lives as
    // long as the child: the kernel ends the child with the thread.
    explicit ChildProcess(const Command &command);
    // Ends it, if it still runs and was not released.
    ~ChildProcess();
    ChildProcess(ChildProcess &&other) noexcept;
    ChildProcess(const ChildProcess &) = delete;
    ChildProcess &operator=(const ChildProcess &) = delete;

    // The exit status, once there is one; a signal's number counts as 128 + number.
    std::optional<int> poll();

    // Raises Failure if a signal comes first.
    int wait();

    // From now on it outlives this program. Without this a releasable process is ended by the
    // destructor, too, but not if we are killed.
    void release() { pid_ = -1; }

    // Asks it to end, waits that long, then ends it by force. Raises nothing.
    void end(std::chrono::seconds patience = std::chrono::seconds(20)) noexcept;

  private:
    pid_t pid_ = -1;
    std::optional<int> status_;
    int end_signal_;
};

// Runs a program to its end. Raises Failure with the last lines of its output if it fails.
void run_program(const std::string &what, const std::vector<std::string> &arguments,
                 const std::string &output_file);

// What a program prints, without the line's end; empty if it cannot be run or fails.
std::string output_of(const std::vector<std::string> &arguments);

// The last lines of a text file; empty if there is none.
std::string last_lines(const std::string &file, int lines);

} // namespace triage::advisor
