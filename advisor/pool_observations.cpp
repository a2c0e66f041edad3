#include "pool_observations.h"

#include "exit_status.h"
#include "render/json.h"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <iostream>
#include <sstream>

namespace triage::advisor {

namespace {

[[noreturn]] void reject(const std::string &detail) {
    throw Failure(ExitStatus::Usage, "observations are not valid", detail,
                  "The form of the file is described in advisor/pool_observations.h.");
}

// An object of the file, and where it stands, for messages.
class Figures {
  public:
    Figures(const Json &object, std::string place) : object_(object), place_(std::move(place)) {
        if (!object_.is_object())
            reject(fmt::format("{} is not an object.", place_));
    }

    std::optional<double> find(const char *key) const {
        const auto at = object_.find(key);
        if (at == object_.end() || at->is_null())
            return std::nullopt;
        if (!at->is_number() || !std::isfinite(at->get<double>()) || at->get<double>() < 0)
            reject(fmt::format("{}.{} is not a number of at least 0.", place_, key));
        return at->get<double>();
    }
    double get(const char *key, double otherwise) const { return find(key).value_or(otherwise); }
    double need(const char *key) const {
        const auto value = find(key);
        if (!value)
            reject(fmt::format("{}.{} is missing.", place_, key));
        return *value;
    }
    double need_positive(const char *key) const {
        const double value = need(key);
        if (value <= 0)
            reject(fmt::format("{}.{} must be more than 0.", place_, key));
        return value;
    }
    std::string text(const char *key) const {
        const auto at = object_.find(key);
        if (at == object_.end() || !at->is_string() || at->get_ref<const std::string &>().empty())
            reject(fmt::format("{}.{} is missing or not a text.", place_, key));
        return at->get<std::string>();
    }

  private:
    const Json &object_;
    std::string place_;
};

PoolMachine machine_of(const Json &object) {
    const Figures figures(object, "machine");
    PoolMachine machine;
    machine.cores = figures.need_positive("cores");
    machine.io_servers = std::max(1.0, figures.get("io_servers", machine.io_servers));
    machine.spindles = figures.get("spindles", machine.spindles);
    return machine;
}

ObservedStatement statement_of(const Json &object, const std::string &place) {
    const Figures figures(object, place);
    ObservedStatement statement;
    statement.calls_per_transaction = figures.need("calls_per_transaction");
    statement.mean_ms = figures.need("mean_ms");
    statement.stddev_ms = figures.get("stddev_ms", statement.mean_ms);
    statement.cpu_share = figures.get("cpu_share", 1);
    statement.io_share = figures.get("io_share", 0);
    statement.delay_share = figures.get("delay_share", 0);
    return statement;
}

PoolObservation pool_of(const Json &object, const std::string &place) {
    const Figures figures(object, place);
    PoolObservation pool;
    pool.pool = figures.text("pool");
    pool.seconds = figures.need_positive("seconds");
    pool.transactions = figures.need_positive("transactions");
    pool.clients = static_cast<int>(std::min(figures.get("clients", 0), 1e6));
    pool.round_trips = figures.find("round_trips");
    pool.active_ms = figures.need("active_ms");
    pool.idle_in_transaction_ms = figures.need("idle_in_transaction_ms");
    pool.hold_ms = figures.find("hold_ms");
    pool.cpu_ms = figures.find("cpu_ms");
    pool.run_queue_ms = figures.find("run_queue_ms");
    pool.io_wait_ms = figures.get("io_wait_ms", 0);
    pool.wal_wait_ms = figures.get("wal_wait_ms", 0);
    pool.lock_wait_ms = figures.get("lock_wait_ms", 0);
    pool.lwlock_wait_ms = figures.get("lwlock_wait_ms", 0);
    pool.sleep_ms = figures.get("sleep_ms", 0);
    pool.pooler_ms = figures.find("pooler_ms");
    pool.other_cpu_ms = figures.get("other_cpu_ms", 0);
    if (object.contains("statements")) {
        int number = 0;
        for (const Json &statement : object["statements"])
            pool.statements.push_back(
                statement_of(statement, fmt::format("{}.statements[{}]", place, number++)));
    }
    return pool;
}

} // namespace

PoolObservations parse_pool_observations(const std::string &text) {
    const Json file = Json::parse(text, nullptr, false);
    if (file.is_discarded())
        reject("The text is not JSON.");
    if (!file.is_object() || !file.contains("machine") || !file.contains("pools") ||
        !file["pools"].is_array() || file["pools"].empty())
        reject("An object with \"machine\" and a list \"pools\" is expected.");
    PoolObservations observations;
    observations.machine = machine_of(file["machine"]);
    int number = 0;
    for (const Json &pool : file["pools"])
        observations.pools.push_back(pool_of(pool, fmt::format("pools[{}]", number++)));
    return observations;
}

PoolObservations read_pool_observations(const std::string &path) {
    std::ostringstream text;
    if (path == "-") {
        text << std::cin.rdbuf();
    } else {
        std::ifstream file(path);
        if (!file)
            throw Failure(ExitStatus::Usage, fmt::format("cannot read file \"{}\"", path));
        text << file.rdbuf();
    }
    return parse_pool_observations(text.str());
}

} // namespace triage::advisor
