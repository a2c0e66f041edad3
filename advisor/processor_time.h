// What processes of this machine have had of its processors, from /proc/PID/schedstat and status;
// and the backends of a server on it, while they are watched.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <string>

namespace triage::advisor {

class Server;

struct ProcessorTime {
    double on_processor_ms = 0;
    double queued_ms = 0; // ready to run, without a processor
    double wake_ups = 0;  // how often it gave its processor up by itself, to go on later
};

// Nothing where the kernel does not count it, or the process is gone.
std::optional<ProcessorTime> processor_time_of(int process);
std::string name_of_process(int process); // empty: gone

// Who sessions belong to.
struct SessionOwner {
    std::string database, user;
    auto operator<=>(const SessionOwner &) const = default;
};

// Each look notes what the backends have had so far; of one that ended in between, what the last
// look saw counts. Sessions that come and go between two looks are not seen: whoever asks must know
// how many began.
class BackendTimes {
  public:
    // Nothing is noted of a server on another machine.
    explicit BackendTimes(bool same_machine) : readable_(same_machine) {}

    void look(Server &server);

    // From the first look to the last. Nothing if backends could not be read, or this is another
    // machine (or another container of it).
    std::optional<std::map<SessionOwner, ProcessorTime>> between_looks() const;
    // Sessions in the database that began after the first look, and were seen.
    int begun(const std::string &database) const;

  private:
    struct Backend {
        SessionOwner owner;
        bool is_session = true; // not the worker of one
        bool began_later = false;
        ProcessorTime first, last;
    };
    struct Identity { // numbers of processes are used again
        int process = 0;
        std::string began;
        auto operator<=>(const Identity &) const = default;
    };

    bool readable_;
    double first_look_s_ = 0; // by the server's clock
    std::map<Identity, Backend> backends_;
};

} // namespace triage::advisor
