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
// Demands are known to a fifth or so: no size without this much room over what 95 % of the best
// throughput takes. Nor with much more: where throughput saturates slowly, the last percent costs
// half as many connections again.
constexpr double least_room = 1.35, most_room = 1.5;

// Two messages between processes that have to be woken: nobody begins earlier than that.
constexpr double messages_ms = 0.1;

constexpr std::array<double, 3> shown_loads = {0.5, 0.7, 0.9};

int smallest_reaching(const std::vector<double> &throughput, double wanted) {
    for (std::size_t n = 1; n < throughput.size(); ++n)
        if (throughput[n] >= wanted)
            return static_cast<int>(n);
    return static_cast<int>(throughput.size()) - 1;
}

// The same between sizes, on straight lines.
double where_reached(const std::vector<double> &throughput, double wanted) {
    const int size = smallest_reaching(throughput, wanted);
    const double here = throughput[static_cast<std::size_t>(size)];
    if (size < 1 || here <= wanted)
        return size;
    const double before = throughput[static_cast<std::size_t>(size) - 1];
    return size - (here - wanted) / (here - before);
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
        {{"cpu", bound(demands.cores_for_transactions(), demands.cpu_ms + demands.pooler_cpu_ms)},
         {"io", bound(demands.disk.most(), demands.io_ms)},
         {"lock", bound(1, demands.serial_ms())},
         {"pooler", bound(1, demands.pooler_ms)},
         {"clients", clients > 0 ? bound(clients, demands.total_ms()) : INFINITY}}};
    return std::min_element(bounds.begin(), bounds.end(),
                            [](const Bound &a, const Bound &b) { return a.per_ms < b.per_ms; })
        ->name;
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

std::vector<double> throughput_by_size(const PoolDemands &demands, int largest) {
    std::vector<double> throughput = closed_throughput(demands.network(), largest);
    if (demands.locks > 0)
        throughput = throughput_behind_locks(throughput, demands.locks, demands.variation);
    for (double &x : throughput)
        x *= 1000;
    return throughput;
}

int advised_size(const PoolDemands &demands, int clients) {
    const int population = population_of(clients);
    auto size_for = [&](const PoolDemands &needed) {
        std::vector<double> throughput = throughput_by_size(needed, population);
        double enough = where_reached(throughput, 0.95 * throughput.back());
        double wanted = smallest_reaching(throughput, wanted_share * throughput.back());
        double size = std::clamp(
            wanted, std::ceil(least_room * enough),
            std::max(std::ceil(least_room * enough), std::floor(most_room * std::ceil(enough))));
        return std::min(static_cast<int>(size), population);
    };
    // A lock that is short saturates slowly, as any single server: but who queues there gains
    // nothing by having a connection for it.
    int size = size_for(demands);
    return demands.locks > 0 ? std::min(size, size_for(demands.without_locks())) : size;
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
            length.warm_up_ms = 3'000 / rate;
            length.measured_ms = 60'000 / rate;
            const PoolDemands now = demands.at_rate(rate);
            SimulatedServer server{now.cores, now.disk, now.pooler_ms};
            server.pooler_on_cores = now.pooler_cpu_ms > 0;
            server.others_ms = now.others_ms;
            server.start_ms = now.start_ms;
            server.apart = now.apart;
            auto outcome =
                simulate_pools(server, {{observation.pool, size, rate, kinds_of(observation, now)}},
                               length, random);
            for (WaitPercentiles *times : {&outcome.front().wait, &outcome.front().response})
                for (double *time :
                     {&times->mean_ms, &times->p50_ms, &times->p95_ms, &times->p99_ms})
                    *time += messages_ms;
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
    if (advice.demands.locks > 0)
        knee = std::min(knee, std::ceil(advice.demands.locks));
    advice.knee = std::isfinite(knee) ? std::clamp(static_cast<int>(knee), 1, largest_size) : 1;

    advice.waits = waits_at_size(observation, advice.demands, advice.size, advice.size_per_s,
                                 {shown_loads.begin(), shown_loads.end()}, random);
    advice.sensitivity = sensitivity_of(advice.demands, observation.clients);
    judge(advice, observation);
    return advice;
}

} // namespace triage
