// Which names of applications may be kept. A name is free text of the client's, and some put a
// user's or even a patient's name there: it is let out only once enough different sessions had it,
// or if it is that of a well-known driver or tool.
#pragma once

#include <cstdint>
#include <compare>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace triage {

// The plain name of a well-known driver or tool ("DBeaver" of "DBeaver 24.1 - Main <mydb>"); empty
// for all others.
std::string_view known_application(std::string_view name);

// Counts the sessions that had a name, without keeping names. Lives in one process only.
class ApplicationCounter {
  public:
    struct Session {
        std::int32_t pid = 0;
        std::int64_t started = 0;
        auto operator<=>(const Session &) const = default;
    };

    // To be called before and after the sessions of each look.
    void begin_look();
    void end_look();

    // How many different sessions had the name, this one included.
    std::uint32_t count(const Session &session, std::string_view name);

    // Bounds on what is remembered. A session that changes its name more often than that is counted
    // for its first names only; names beyond the bound take the place of those that few share.
    static constexpr std::size_t most_names_a_session = 8;
    static constexpr std::size_t most_names = 4096;

  private:
    struct Seen {
        std::vector<std::size_t> names; // their hashes
        bool in_this_look = false;
    };

    std::map<Session, Seen> sessions_;
    std::unordered_map<std::size_t, std::uint32_t> counts_;
};

} // namespace triage
