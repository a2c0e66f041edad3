#include "pool_observations.h"

#include "exit_status.h"
#include "json_figures.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>

namespace triage::advisor {

namespace {

constexpr std::array<const char *, 4> lane_names = {"emergency", "clinical", "ai", "reporting"};

LaneClass lane_of(const Figures &figures) {
    const std::string name = figures.text("lane", "clinical");
    for (std::size_t i = 0; i < lane_names.size(); ++i)
        if (name == lane_names[i])
            return static_cast<LaneClass>(i);
    throw Failure(ExitStatus::Usage, fmt::format("unknown lane \"{}\"", name), {},
                  "Lanes are emergency, clinical, ai and reporting.");
}

PoolMachine machine_of(const Figures &figures) {
    PoolMachine machine;
    machine.cores = figures.need_positive("cores");
    machine.io_servers = std::max(1.0, figures.get("io_servers", machine.io_servers));
    for (const Figures &rate : figures.list("io_rates"))
        machine.io_rates.push_back({rate.need_positive("requests"), rate.need_positive("per_s")});
    machine.spindles = figures.get("spindles", machine.spindles);
    return machine;
}

ObservedStatement statement_of(const Figures &figures) {
    ObservedStatement statement;
    statement.calls_per_transaction = figures.need("calls_per_transaction");
    statement.mean_ms = figures.need("mean_ms");
    statement.stddev_ms = figures.get("stddev_ms", statement.mean_ms);
    statement.cpu_share = figures.get("cpu_share", 1);
    statement.io_share = figures.get("io_share", 0);
    statement.delay_share = figures.get("delay_share", 0);
    return statement;
}

ObservedPool pool_of(const Figures &figures) {
    ObservedPool pool;
    PoolObservation &observation = pool.observation;
    observation.pool = figures.text("pool");
    observation.seconds = figures.need_positive("seconds");
    observation.transactions = figures.need_positive("transactions");
    observation.clients = figures.count("clients", 0);
    observation.round_trips = figures.find("round_trips");
    observation.active_ms = figures.need("active_ms");
    observation.idle_in_transaction_ms = figures.need("idle_in_transaction_ms");
    observation.hold_ms = figures.find("hold_ms");
    observation.cpu_ms = figures.find("cpu_ms");
    observation.run_queue_ms = figures.find("run_queue_ms");
    observation.wake_ups = figures.find("wake_ups");
    observation.io_wait_ms = figures.get("io_wait_ms", 0);
    observation.wal_wait_ms = figures.get("wal_wait_ms", 0);
    observation.lock_wait_ms = figures.get("lock_wait_ms", 0);
    observation.lwlock_wait_ms = figures.get("lwlock_wait_ms", 0);
    observation.sleep_ms = figures.get("sleep_ms", 0);
    observation.pooler_ms = figures.find("pooler_ms");
    observation.other_cpu_ms = figures.get("other_cpu_ms", 0);
    for (const Figures &statement : figures.list("statements"))
        observation.statements.push_back(statement_of(statement));
    pool.lane = lane_of(figures);
    pool.database = figures.text("database", observation.pool);
    pool.user = figures.text("user", observation.pool);
    pool.statement_p99_ms = figures.get("statement_p99_ms", 0);
    return pool;
}

std::vector<double> known(const std::vector<std::optional<double>> &numbers) {
    std::vector<double> values;
    for (const auto &number : numbers)
        if (number)
            values.push_back(*number);
    return values;
}

ScaledApplication application_of(const Figures &figures) {
    ScaledApplication scaled;
    Application &application = scaled.application;
    application.name = figures.text("name");
    application.lane = lane_of(figures);
    application.min_replicas = figures.count("min_replicas", 3);
    application.max_replicas = figures.count("max_replicas", 100);
    application.surge = figures.count("surge", 1);
    application.terminating = figures.count("terminating", 1);
    application.pool = figures.count("pool", 10);
    application.through_pooler = figures.flag("through_pooler", false);
    if (application.min_replicas > application.max_replicas || application.pool < 1)
        throw Failure(ExitStatus::Usage,
                      fmt::format("application \"{}\" has no possible size", application.name),
                      "min_replicas must not be more than max_replicas, and pool at least 1.");
    scaled.deployment = figures.text("deployment", application.name);
    scaled.demand_a_replica = figures.get("demand_a_replica", 0);
    if (figures.has("demand")) {
        const Figures demand = figures.object("demand");
        scaled.demand.first_hour_of_week = demand.count("first_hour_of_week", 0);
        for (const auto &hour : demand.figures("hourly"))
            scaled.demand.hourly.push_back(hour.value_or(std::numeric_limits<double>::quiet_NaN()));
    }
    if (figures.has("usage")) {
        const Figures usage = figures.object("usage");
        scaled.request = request_resources(known(usage.figures("cpu_cores")),
                                           known(usage.figures("memory_bytes")));
    }
    return scaled;
}

Fleet fleet_of(const Figures &figures, std::vector<ScaledApplication> &applications) {
    Fleet fleet;
    fleet.max_connections = figures.count("max_connections", fleet.max_connections);
    fleet.superuser_reserved = figures.count("superuser_reserved", fleet.superuser_reserved);
    fleet.replication = figures.count("replication", fleet.replication);
    fleet.usable_share = std::min(figures.get("usable_share", fleet.usable_share), 1.0);
    fleet.poolers = figures.count("poolers", 0);
    for (const Figures &application : figures.list("applications")) {
        applications.push_back(application_of(application));
        fleet.applications.push_back(applications.back().application);
    }
    return fleet;
}

} // namespace

std::string text_of_observations(const PoolObservations &observations) {
    Json pools = Json::array();
    for (const ObservedPool &pool : observations.pools) {
        const PoolObservation &seen = pool.observation;
        Json statements = Json::array();
        for (const ObservedStatement &statement : seen.statements)
            statements.push_back({{"calls_per_transaction", statement.calls_per_transaction},
                                  {"mean_ms", statement.mean_ms},
                                  {"stddev_ms", statement.stddev_ms},
                                  {"cpu_share", statement.cpu_share},
                                  {"io_share", statement.io_share},
                                  {"delay_share", statement.delay_share}});
        Json json = {{"pool", seen.pool},
                     {"lane", name_of(pool.lane)},
                     {"database", pool.database},
                     {"user", pool.user},
                     {"seconds", seen.seconds},
                     {"transactions", seen.transactions},
                     {"clients", seen.clients},
                     {"active_ms", seen.active_ms},
                     {"idle_in_transaction_ms", seen.idle_in_transaction_ms},
                     {"io_wait_ms", seen.io_wait_ms},
                     {"wal_wait_ms", seen.wal_wait_ms},
                     {"lock_wait_ms", seen.lock_wait_ms},
                     {"lwlock_wait_ms", seen.lwlock_wait_ms},
                     {"sleep_ms", seen.sleep_ms},
                     {"other_cpu_ms", seen.other_cpu_ms},
                     {"statement_p99_ms", pool.statement_p99_ms},
                     {"statements", statements}};
        const auto add = [&](const char *name, const std::optional<double> &value) {
            if (value)
                json[name] = *value;
        };
        add("round_trips", seen.round_trips);
        add("hold_ms", seen.hold_ms);
        add("cpu_ms", seen.cpu_ms);
        add("run_queue_ms", seen.run_queue_ms);
        add("wake_ups", seen.wake_ups);
        add("pooler_ms", seen.pooler_ms);
        pools.push_back(json);
    }
    const Json file = {{"host", observations.host},
                       {"port", observations.port},
                       {"machine", json_of(observations.machine)},
                       {"pools", pools}};
    return file.dump(2) + "\n";
}

Json json_of(const PoolMachine &machine) {
    Json json = {{"cores", machine.cores}};
    if (machine.io_rates.empty())
        json["io_servers"] = machine.io_servers;
    for (const Speedup::Measured &rate : machine.io_rates)
        json["io_rates"].push_back({{"requests", rate.requests}, {"per_s", rate.per_s}});
    json["spindles"] = machine.spindles;
    return json;
}

std::string name_of(LaneClass lane) {
    return lane_names[static_cast<std::size_t>(lane)];
}

PoolObservations parse_pool_observations(const std::string &text) {
    const Json json = parse_json_file(text);
    const Figures file(json, "file");
    PoolObservations observations;
    observations.host = file.text("host", observations.host);
    observations.port = file.count("port", observations.port);
    if (file.has("machine"))
        observations.machine = machine_of(file.object("machine"));
    for (const Figures &pool : file.list("pools"))
        observations.pools.push_back(pool_of(pool));
    if (!observations.pools.empty() && !file.has("machine"))
        throw Failure(ExitStatus::Usage, "observations are not valid", "file.machine is missing.",
                      "Pool sizes depend on the server's cores.");
    if (file.has("fleet"))
        observations.fleet = fleet_of(file.object("fleet"), observations.applications);
    return observations;
}

} // namespace triage::advisor
