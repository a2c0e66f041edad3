#include "core/pool_model.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace triage {
namespace {

// Sizes beyond this are not looked at: no PostgreSQL gets faster there.
constexpr int largest_size = 400;
// The share of the best throughput that a size must reach.
constexpr double wanted_share = 0.99;
// A pooler that nobody measured: system calls and parsing of one round trip, and as much of waking
// up on each side.
constexpr double assumed_pooler_ms = 0.05;

// Up to so many statements a transaction on average, each is taken to be a transaction of its own.
constexpr double most_calls_of_one_statement = 1.3;
// A statement's standard deviation over its mean, as far as it is believed.
constexpr double most_variation = 4;

constexpr std::array<double, 3> shown_loads = {0.5, 0.7, 0.9};

double positive(double value) {
    return std::isfinite(value) ? std::max(value, 0.0) : 0;
}

// The demand on a station at which a transaction stays there for so long at this rate: the inverse
// of D / (1 - utilisation^servers), by bisection. Close to the residence itself at low load.
double demand_of_residence(double residence_ms, double rate, double servers) {
    double low = 0, high = residence_ms;
    for (int i = 0; i < 60; ++i) {
        double demand = (low + high) / 2;
        double utilisation = std::min(rate * demand / servers, 0.999999);
        double stays = demand / (1 - std::pow(utilisation, servers));
        (stays < residence_ms ? low : high) = demand;
    }
    return low;
}

int smallest_reaching(const std::vector<double> &throughput, double wanted) {
    for (std::size_t n = 1; n < throughput.size(); ++n)
        if (throughput[n] >= wanted)
            return static_cast<int>(n);
    return static_cast<int>(throughput.size()) - 1;
}

int population_of(int clients) {
    return clients > 0 ? std::min(clients, largest_size) : largest_size;
}

std::string bottleneck_of(const PoolDemands &demands, int clients) {
    struct Bound {
        const char *name;
        double per_ms;
    };
    auto bound = [](double servers, double demand) {
        return demand > 0 ? servers / demand : INFINITY;
    };
    std::array<Bound, 5> bounds = {
        {{"cpu", bound(demands.cores, demands.cpu_ms)},
         {"io", bound(demands.io_servers, demands.io_ms)},
         {"lock", bound(1, demands.serial_ms)},
         {"pooler", bound(1, demands.pooler_ms)},
         {"clients", clients > 0 ? bound(clients, demands.total_ms()) : INFINITY}}};
    return std::min_element(bounds.begin(), bounds.end(),
                            [](const Bound &a, const Bound &b) { return a.per_ms < b.per_ms; })
        ->name;
}

// Scales the kinds so that their mean is what the demands say. A need that no kind is known to have
// is everybody's.
void scale(std::vector<TransactionKind> &kinds, double TransactionKind::*need, double wanted) {
    double share = 0, total = 0;
    for (const TransactionKind &kind : kinds) {
        share += kind.share;
        total += kind.share * kind.*need;
    }
    for (TransactionKind &kind : kinds)
        kind.*need = total > 0 ? kind.*need * wanted * share / total : wanted;
}

std::vector<SizeIf> sensitivity_of(const PoolDemands &demands, int clients) {
    std::vector<SizeIf> result;
    auto with = [&](std::string what, auto &&change) {
        PoolDemands changed = demands;
        change(changed);
        result.push_back({std::move(what), advised_size(changed, clients)});
    };
    with("processor time 20 % higher", [](PoolDemands &d) { d.cpu_ms *= 1.2; });
    with("processor time 20 % lower", [](PoolDemands &d) { d.cpu_ms *= 0.8; });
    with("sleeps and thinking 20 % longer", [](PoolDemands &d) { d.delay_ms *= 1.2; });
    with("sleeps and thinking 20 % shorter", [](PoolDemands &d) { d.delay_ms *= 0.8; });
    with("twice the cores", [](PoolDemands &d) { d.cores *= 2; });
    return result;
}

void judge(PoolAdvice &advice, const PoolObservation &observation) {
    auto doubt = [&](const char *sentence) { advice.doubts.emplace_back(sentence); };
    int weak = 0;
    if (observation.transactions < 1000 || observation.seconds < 10) {
        doubt("Fewer than 1000 transactions or 10 seconds were observed.");
        weak += 2;
    } else if (observation.seconds < 600) {
        doubt("Less than ten minutes were observed: a rush may look different.");
        ++weak;
    }
    if (!observation.cpu_ms) {
        doubt("Processor time of the backends could not be read; active time that waits for "
              "nothing was taken for it, which includes waiting for a processor.");
        ++weak;
    }
    if (!observation.hold_ms) {
        doubt("Observed without a pooler: what a pooler adds to each hold is assumed.");
        ++weak;
    }
    double held =
        observation.hold_ms.value_or(observation.active_ms + observation.idle_in_transaction_ms);
    if (observation.lock_wait_ms + observation.lwlock_wait_ms > 0.1 * held) {
        doubt("More than a tenth of the time went into waiting for locks: shorten those "
              "transactions first; more connections cannot help there.");
        ++weak;
    }
    if (advice.best_per_s > 0 && advice.observed_per_s > 0.85 * advice.best_per_s) {
        doubt("The server was close to saturation while it was observed: demands are told apart "
              "from waiting less surely there.");
        ++weak;
    }
    if (observation.clients <= 0)
        doubt("The number of clients is not known, so the best throughput is that of very many.");
    advice.confidence = weak == 0   ? Confidence::High
                        : weak <= 2 ? Confidence::Medium
                                    : Confidence::Low;
}

} // namespace

ClosedNetwork PoolDemands::network() const {
    return {{{cpu_ms, cores}, {io_ms, io_servers}, {serial_ms, 1}, {pooler_ms, 1}},
            delay_ms + scheduling_ms};
}

PoolDemands PoolDemands::without_locks() const {
    PoolDemands free = *this;
    free.cpu_ms += cpu_under_lock_ms;
    free.io_ms += io_under_lock_ms;
    free.delay_ms += serial_ms - cpu_under_lock_ms - io_under_lock_ms;
    free.serial_ms = free.cpu_under_lock_ms = free.io_under_lock_ms = 0;
    return free;
}

PoolDemands demands_of(const PoolObservation &observation, const PoolMachine &machine) {
    PoolDemands demands;
    double rate = observation.seconds > 0 ? observation.transactions / (observation.seconds * 1000)
                                          : 0; // a millisecond
    double waits = observation.io_wait_ms + observation.wal_wait_ms + observation.lock_wait_ms +
                   observation.lwlock_wait_ms + observation.sleep_ms;
    double on_cpu = observation.cpu_ms
                        ? *observation.cpu_ms + observation.run_queue_ms.value_or(0)
                        : positive(observation.active_ms - waits); // residence, not demand
    demands.cpu_ms =
        observation.cpu_ms ? *observation.cpu_ms : demand_of_residence(on_cpu, rate, machine.cores);

    // Perfectly shared processors would have kept it waiting so long at this load; what was seen
    // beyond that comes at any load. Much more than that is no habit of this machine: neighbours.
    double others = positive(observation.other_cpu_ms);
    double utilisation = std::min(rate * (demands.cpu_ms + others) / machine.cores, 0.99);
    double shared = demands.cpu_ms / (1 - std::pow(utilisation, machine.cores)) - demands.cpu_ms;
    if (observation.cpu_ms)
        demands.scheduling_ms =
            std::min(positive(observation.run_queue_ms.value_or(0) - shared), demands.cpu_ms);

    // Each transaction brings work of the pooler and the application along: when backends have all
    // that is left, each of theirs has its share of those.
    demands.cores = demands.cpu_ms > 0 ? machine.cores * demands.cpu_ms / (demands.cpu_ms + others)
                                       : machine.cores;
    demands.io_servers = machine.io_servers;
    demands.io_ms = demand_of_residence(observation.io_wait_ms, rate, machine.io_servers);

    double lock_wait = observation.lock_wait_ms + observation.lwlock_wait_ms;
    demands.serial_ms = demand_behind_wait(rate, lock_wait);
    demands.pooler_ms =
        positive(observation.pooler_ms.value_or(observation.hold_ms ? 0 : assumed_pooler_ms));

    // What is left of the hold once the stations' time, waiting included, is taken off.
    double in_pooler = demands.pooler_ms / (1 - std::min(rate * demands.pooler_ms, 0.95));
    double direct = observation.active_ms + observation.idle_in_transaction_ms;
    double hold = observation.hold_ms ? *observation.hold_ms : direct + in_pooler;
    demands.delay_ms = positive(hold - on_cpu - observation.io_wait_ms - lock_wait - in_pooler);

    // Who holds the lock spends its time on the other stations: it is not needed twice.
    double serial = demands.serial_ms;
    auto take = [&serial](double &part) {
        double moved = std::min(serial, part);
        part -= moved;
        serial -= moved;
        return moved;
    };
    take(demands.delay_ms);
    demands.cpu_under_lock_ms = take(demands.cpu_ms);
    demands.io_under_lock_ms = take(demands.io_ms);
    demands.serial_ms -= serial; // not longer than the transaction itself
    return demands;
}

std::vector<TransactionKind> kinds_of(const PoolObservation &observation,
                                      const PoolDemands &demands) {
    std::vector<TransactionKind> kinds;
    double calls = 0, mean = 0, variance = 0;
    for (const ObservedStatement &statement : observation.statements) {
        double variation = statement.mean_ms > 0 ? statement.stddev_ms / statement.mean_ms : 1;
        kinds.push_back(
            {"", statement.calls_per_transaction, statement.mean_ms * statement.cpu_share,
             statement.mean_ms * statement.io_share, 0, statement.mean_ms * statement.delay_share,
             std::clamp(variation, 0.05, most_variation)});
        calls += statement.calls_per_transaction;
        mean += statement.calls_per_transaction * statement.mean_ms;
        variance += statement.calls_per_transaction * statement.stddev_ms * statement.stddev_ms;
    }
    if (kinds.empty())
        kinds.push_back({"all"});
    else if (calls > most_calls_of_one_statement)
        kinds = {{"all", 1, 0, 0, 0, 0,
                  mean > 0 ? std::clamp(std::sqrt(variance) / mean, 0.05, most_variation) : 1}};
    scale(kinds, &TransactionKind::cpu_ms, demands.cpu_ms);
    scale(kinds, &TransactionKind::io_ms, demands.io_ms);
    scale(kinds, &TransactionKind::serial_ms, demands.serial_ms);
    scale(kinds, &TransactionKind::delay_ms, demands.delay_ms);
    return kinds;
}

std::vector<double> throughput_by_size(const PoolDemands &demands, int largest) {
    std::vector<double> throughput = closed_throughput(demands.network(), largest);
    for (double &x : throughput)
        x *= 1000;
    return throughput;
}

int advised_size(const PoolDemands &demands, int clients) {
    auto size_for = [&](const PoolDemands &needed) {
        std::vector<double> throughput = throughput_by_size(needed, population_of(clients));
        return smallest_reaching(throughput, wanted_share * throughput.back());
    };
    // A lock that is short saturates slowly, as any single server: but who queues there gains
    // nothing by having a connection for it.
    int size = size_for(demands);
    return demands.serial_ms > 0 ? std::min(size, size_for(demands.without_locks())) : size;
}

std::vector<LoadPoint> waits_at_size(const PoolObservation &observation, const PoolDemands &demands,
                                     int size, double capacity_per_s,
                                     const std::vector<double> &loads, std::mt19937_64 &random) {
    std::vector<LoadPoint> points;
    for (double load : loads) {
        LoadPoint point;
        point.load = load;
        point.transactions_per_s = load * capacity_per_s;
        double rate = point.transactions_per_s / 1000;
        if (rate > 0) {
            SimulationLength length;
            length.warm_up_ms = 2'000 / rate;
            length.measured_ms = 30'000 / rate;
            auto outcome = simulate_pools(
                {demands.cores, demands.io_servers, demands.pooler_ms, demands.scheduling_ms},
                {{observation.pool, size, rate, kinds_of(observation, demands)}}, length, random);
            point.wait = outcome.front().wait;
            point.response = outcome.front().response;
        }
        points.push_back(point);
    }
    return points;
}

RivalSizes rival_sizes(const PoolObservation &observation, const PoolMachine &machine) {
    RivalSizes sizes;
    sizes.hikari = static_cast<int>(std::lround(2 * machine.cores + machine.spindles));
    // num_connections < max(cores, parallel I/O) / (busy ratio * parallelism), with what
    // pg_stat_database says of the busy ratio and one process a statement.
    double busy = observation.active_ms + observation.idle_in_transaction_ms;
    double ratio = busy > 0 ? std::max(observation.active_ms / busy, 0.01) : 1;
    sizes.cybertec = std::max(
        1, static_cast<int>(std::lround(std::max(machine.cores, machine.spindles) / ratio)));
    return sizes;
}

PoolAdvice advise_pool(const PoolObservation &observation, const PoolMachine &machine,
                       std::mt19937_64 &random) {
    PoolAdvice advice;
    advice.demands = demands_of(observation, machine);
    advice.rivals = rival_sizes(observation, machine);
    advice.observed_per_s =
        observation.seconds > 0 ? observation.transactions / observation.seconds : 0;
    advice.bottleneck = bottleneck_of(advice.demands, observation.clients);

    std::vector<double> throughput =
        throughput_by_size(advice.demands, population_of(observation.clients));
    advice.best_per_s = throughput.back();
    advice.smallest_for_95 = smallest_reaching(throughput, 0.95 * advice.best_per_s);
    advice.size = advised_size(advice.demands, observation.clients);
    advice.size_per_s = throughput[static_cast<std::size_t>(advice.size)];
    double knee = std::ceil(throughput_bound(advice.demands.network()) * advice.demands.total_ms());
    advice.knee = std::isfinite(knee) ? std::clamp(static_cast<int>(knee), 1, largest_size) : 1;

    advice.waits = waits_at_size(observation, advice.demands, advice.size, advice.size_per_s,
                                 {shown_loads.begin(), shown_loads.end()}, random);
    advice.sensitivity = sensitivity_of(advice.demands, observation.clients);
    judge(advice, observation);
    return advice;
}

} // namespace triage
