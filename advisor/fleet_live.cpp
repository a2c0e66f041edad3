#include "fleet_live.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace triage::advisor {

namespace {

// As Kubernetes allows it.
std::string deployment_name(const std::string &application) {
    std::string name;
    for (const unsigned char letter : application)
        name += (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9')
                    ? static_cast<char>(letter)
                : letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a')
                                                 : '-';
    const auto first = name.find_first_not_of('-'), last = name.find_last_not_of('-');
    return first == std::string::npos ? "application" : name.substr(first, last - first + 1);
}

} // namespace

void read_address(Server &server, PoolObservations &observations) {
    const Row row = server.query_one(
        "SELECT host(inet_server_addr()) AS host, current_setting('port') AS port");
    if (!row.is_null("host"))
        observations.host = row.text("host");
    observations.port = static_cast<int>(row.integer("port").value_or(observations.port));
}

PoolObservations read_fleet(Server &server, const ReplicaAssumptions &assumptions) {
    PoolObservations observations;
    read_address(server, observations);
    Fleet fleet;
    const Row limits = server.query_one(R"(
SELECT current_setting('max_connections')::int AS connections,
       current_setting('superuser_reserved_connections')::int
         + coalesce(current_setting('reserved_connections', true), '0')::int AS reserved)");
    fleet.max_connections = static_cast<int>(limits.integer("connections").value_or(100));
    fleet.superuser_reserved = static_cast<int>(limits.integer("reserved").value_or(3));

    // Hours in which nobody was there at all cannot be told from those that nobody looked at.
    std::map<std::string, std::vector<double>> demand;
    std::vector<double> nobody(hours_a_week, std::numeric_limits<double>::quiet_NaN());
    const Rows rows = server.query(R"(
SELECT coalesce(nullif(a.application, ''), 'others') AS application, a.hour_of_week,
       coalesce(sum(a.sessions) FILTER (WHERE a.state NOT IN ('idle', 'disabled')), 0) AS busy
  FROM triage.activity_by_hour a
 WHERE a.application IS NULL OR a.application NOT IN ('pg_triage', 'psql', 'pg_dump', 'pg_dumpall', 'pg_restore')
 GROUP BY 1, 2)");
    for (const Row &row : rows)
        nobody[static_cast<std::size_t>(row.integer("hour_of_week").value_or(0))] = 0;
    for (const Row &row : rows) {
        auto &hourly = demand.try_emplace(row.text("application"), nobody).first->second;
        hourly[static_cast<std::size_t>(row.integer("hour_of_week").value_or(0))] =
            row.number("busy").value_or(0);
    }
    for (auto &[name, hourly] : demand) {
        ScaledApplication scaled;
        scaled.application.name = name;
        scaled.application.min_replicas = assumptions.min_replicas;
        scaled.application.max_replicas = assumptions.max_replicas;
        scaled.application.surge = scaled.application.terminating = 1;
        scaled.application.pool = assumptions.pool;
        scaled.deployment = deployment_name(name);
        scaled.demand_a_replica = assumptions.demand_a_replica;
        // Only what has been observed: a forecast needs a whole week.
        if (std::none_of(hourly.begin(), hourly.end(),
                         [](double value) { return std::isnan(value); }))
            scaled.demand.hourly = hourly;
        fleet.applications.push_back(scaled.application);
        observations.applications.push_back(std::move(scaled));
    }
    observations.fleet = std::move(fleet);
    return observations;
}

} // namespace triage::advisor
