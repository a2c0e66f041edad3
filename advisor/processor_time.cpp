#include "processor_time.h"

#include "server.h"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace triage::advisor {

namespace {

constexpr double nanoseconds = 1e6; // in a millisecond

// A process of that number in another container may be anything. Titles of backends are
// "postgres: [cluster: ]user database address activity", if update_process_title is not off.
bool is_backend(int process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/cmdline");
    const std::string title{std::istreambuf_iterator<char>(file), {}};
    return title.starts_with("postgres: ") || name_of_process(process) == "postgres";
}

double wake_ups_of(int process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/status");
    for (std::string word; file >> word;)
        if (double switches = 0; word == "voluntary_ctxt_switches:" && file >> switches)
            return switches;
    return 0;
}

} // namespace

std::optional<ProcessorTime> processor_time_of(int process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/schedstat");
    double on_processor = 0, queued = 0;
    if (!(file >> on_processor >> queued) || on_processor <= 0)
        return std::nullopt;
    return ProcessorTime{on_processor / nanoseconds, queued / nanoseconds, wake_ups_of(process)};
}

std::string name_of_process(int process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/comm");
    std::string name;
    std::getline(file, name);
    return name;
}

void BackendTimes::look(Server &server) {
    if (!readable_)
        return;
    // Of others' sessions the type and the start are null without pg_read_all_stats.
    const Rows rows = server.query(R"(
SELECT a.pid, a.datname, a.usename, a.backend_type, extract(epoch FROM a.backend_start)::text AS began,
       extract(epoch FROM a.backend_start)::float8 AS began_s, clock.at
  FROM (SELECT extract(epoch FROM clock_timestamp())::float8 AS at) clock
  LEFT JOIN pg_catalog.pg_stat_activity a
    ON a.datname IS NOT NULL AND a.usename IS NOT NULL AND a.pid <> pg_backend_pid()
   AND a.backend_type IS DISTINCT FROM 'background worker')");
    const bool first = first_look_s_ == 0;
    for (const Row &row : rows) {
        if (first)
            first_look_s_ = row.number("at").value_or(0);
        if (row.is_null("pid"))
            continue;
        const int process = static_cast<int>(row.integer("pid").value_or(0));
        const auto time = processor_time_of(process);
        if (row.is_null("backend_type") || (time && !is_backend(process))) {
            readable_ = false;
            return;
        }
        if (!time) // it has just ended
            continue;
        const auto [at, is_new] = backends_.try_emplace(
            {process, row.text("began")}, Backend{{row.text("datname"), row.text("usename")}});
        Backend &backend = at->second;
        if (is_new) {
            backend.is_session = row.text("backend_type") == "client backend";
            backend.began_later = !first && row.number("began_s").value_or(0) > first_look_s_;
            backend.first = backend.began_later ? ProcessorTime{} : *time;
        }
        backend.last = *time;
    }
}

std::optional<std::map<SessionOwner, ProcessorTime>> BackendTimes::between_looks() const {
    if (!readable_ || backends_.empty())
        return std::nullopt;
    std::map<SessionOwner, ProcessorTime> times;
    for (const auto &[identity, backend] : backends_) {
        ProcessorTime &sum = times[backend.owner];
        sum.on_processor_ms += backend.last.on_processor_ms - backend.first.on_processor_ms;
        sum.queued_ms += backend.last.queued_ms - backend.first.queued_ms;
        sum.wake_ups += backend.last.wake_ups - backend.first.wake_ups;
    }
    return times;
}

int BackendTimes::begun(const std::string &database) const {
    return static_cast<int>(
        std::count_if(backends_.begin(), backends_.end(), [&](const auto &entry) {
            const Backend &backend = entry.second;
            return backend.is_session && backend.began_later && backend.owner.database == database;
        }));
}

} // namespace triage::advisor
