#include "core/application_names.h"

#include <algorithm>
#include <array>
#include <functional>

namespace triage {

namespace {

// Names that drivers and tools give themselves. Those with a tail (a version, a database, a
// window's title) are cut: the tail may say anything.
constexpr std::array<std::string_view, 30> plain_names = {
    "psql",         "pgbench",          "pg_dump",       "pg_dumpall",
    "pg_restore",   "pg_basebackup",    "pg_receivewal", "pg_recvlogical",
    "pg_isready",   "vacuumdb",         "reindexdb",     "clusterdb",
    "pg_amcheck",   "pg_triage",        "pgbouncer",     "pgcat",
    "odyssey",      "pgpool",           "pgbackrest",    "barman",
    "patroni",      "walreceiver",      "pg_repack",     "PostgreSQL JDBC Driver",
    "postgres_fdw", "HikariCP",         "pg_cron",       "postgrest",
    "hasura",       "postgres_exporter"};
constexpr std::array<std::string_view, 8> names_with_tails = {"DBeaver",    "pgAdmin 4", "DataGrip",
                                                              "PostgREST",  "Metabase",  "Patroni",
                                                              "pgBackRest", "Grafana"};

} // namespace

std::string_view known_application(std::string_view name) {
    if (std::find(plain_names.begin(), plain_names.end(), name) != plain_names.end())
        return name;
    for (const std::string_view known : names_with_tails)
        if (name.starts_with(known) && (name.size() == known.size() || name[known.size()] == ' '))
            return known;
    return {};
}

void ApplicationCounter::begin_look() {
    for (auto &[session, seen] : sessions_)
        seen.in_this_look = false;
}

void ApplicationCounter::end_look() {
    std::erase_if(sessions_, [](const auto &entry) { return !entry.second.in_this_look; });
}

std::uint32_t ApplicationCounter::count(const Session &session, std::string_view name) {
    const std::size_t hash = std::hash<std::string_view>{}(name);
    Seen &seen = sessions_[session];
    seen.in_this_look = true;
    const bool had_it = std::find(seen.names.begin(), seen.names.end(), hash) != seen.names.end();
    if (had_it || seen.names.size() >= most_names_a_session) {
        const auto known = counts_.find(hash);
        return known == counts_.end() ? 0 : known->second;
    }
    if (counts_.size() >= most_names && !counts_.contains(hash)) {
        std::uint32_t fewest = UINT32_MAX;
        for (const auto &[other, sessions] : counts_)
            fewest = std::min(fewest, sessions);
        std::erase_if(counts_, [=](const auto &entry) { return entry.second == fewest; });
    }
    seen.names.push_back(hash);
    return ++counts_[hash];
}

} // namespace triage
