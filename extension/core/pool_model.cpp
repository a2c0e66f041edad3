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
// Standard deviations over means, as far as they are believed, and where nothing is known.
constexpr double least_variation = 0.05, most_variation = 4;
constexpr double unknown_variation = 1;

// The work of a transaction shrinks as the server fills up, from idle to full. Caches are warm:
// this share of the work, but no more a statement than it takes to fill a processor's own caches (2
// MB at 8 GB/s). And processes need not be woken (so much a round trip), since they find the next
// message waiting. Measured on the workloads that regress/bench/pool marks as not held out.
constexpr double warming_share = 0.3;
constexpr double most_warming_ms = 0.25;
constexpr double waking_ms = 0.05;
constexpr double most_shrinking = 0.6;

// Time in the run queue that sharing the processors does not explain is being woken; but no more of
// it than this a round trip: the rest is that they are not shared as evenly as they could be.
constexpr double most_woken_ms = 0.05;

// Demands are known to a fifth or so: no size without this much room over what 95 % of the best
// throughput takes. Nor with much more: where throughput saturates slowly, the last percent costs
// half as many connections again.
constexpr double least_room = 1.35, most_room = 1.5;

// More round trips are simulated as so many.
constexpr double most_round_trips = 10;
// Two messages between processes that have to be woken: nobody begins earlier than that.
constexpr double messages_ms = 0.1;

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

// As samples see them.
double waits_of(const PoolObservation &observation) {
    return observation.io_wait_ms + observation.wal_wait_ms + observation.lock_wait_ms +
           observation.lwlock_wait_ms + observation.sleep_ms;
}

// What a transaction's work on an idle server, with cold caches, is more than on a full one.
double warming_of(const PoolObservation &observation, double cpu, double others, double trips) {
    auto warming = [](double work) { return std::min(warming_share * work, most_warming_ms); };
    double known = 0;
    for (const ObservedStatement &statement : observation.statements)
        known += statement.calls_per_transaction * statement.mean_ms * statement.cpu_share;
    if (known <= 0)
        return trips * warming((cpu + others) / trips);
    double sum = trips * warming(others / trips);
    for (const ObservedStatement &statement : observation.statements)
        sum += statement.calls_per_transaction *
               warming(statement.mean_ms * statement.cpu_share * cpu / known);
    return sum;
}

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

// Of the time that a statement needs: in what it waited for locks it would not vary by itself.
double needed_deviation(const ObservedStatement &statement) {
    const double needed = statement.cpu_share + statement.io_share + statement.delay_share;
    return statement.stddev_ms * std::min(needed, 1.0);
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

double PoolDemands::cores_for_transactions() const {
    const double all = processor_ms();
    return all > 0 ? cores * (all - others_ms) / all : cores;
}

ClosedNetwork PoolDemands::network() const {
    // The pooler's work keeps its thread busy and a processor, at the same time: as a queue for the
    // thread it must not take the time that it takes on the processor once more.
    return {{{cpu_ms + pooler_cpu_ms, cores_for_transactions()},
             {io_ms, io_servers},
             {serial_ms, 1},
             {pooler_ms, 1}},
            positive(delay_ms + start_ms - pooler_cpu_ms)};
}

PoolDemands PoolDemands::at_utilisation(double utilisation) const {
    PoolDemands loaded = *this;
    double grown = 1 + extra_when_idle * (1 - std::clamp(utilisation, 0.0, 1.0));
    for (double *work : {&loaded.cpu_ms, &loaded.cpu_under_lock_ms, &loaded.serial_ms,
                         &loaded.pooler_ms, &loaded.pooler_cpu_ms, &loaded.others_ms})
        *work *= grown;
    return loaded;
}

PoolDemands PoolDemands::at_rate(double per_ms) const {
    // u = r D(u) / C, and D shrinks with u.
    const double full = per_ms * processor_ms();
    return at_utilisation(full * (1 + extra_when_idle) / (cores + full * extra_when_idle));
}

PoolDemands PoolDemands::without_locks() const {
    PoolDemands free = *this;
    free.cpu_ms += cpu_under_lock_ms;
    free.io_ms += io_under_lock_ms;
    free.delay_ms += serial_ms - cpu_under_lock_ms - io_under_lock_ms;
    free.serial_ms = free.cpu_under_lock_ms = free.io_under_lock_ms = 0;
    return free;
}

double round_trips_of(const PoolObservation &observation) {
    double calls = 0;
    for (const ObservedStatement &statement : observation.statements)
        calls += statement.calls_per_transaction;
    return std::max(observation.round_trips.value_or(calls), 1.0);
}

PoolDemands demands_of(const PoolObservation &observation, const PoolMachine &machine) {
    PoolDemands demands;
    double rate = observation.seconds > 0 ? observation.transactions / (observation.seconds * 1000)
                                          : 0; // a millisecond
    double others = positive(observation.other_cpu_ms);
    double trips = round_trips_of(observation);

    // On the processors, waiting for them included, and the work itself.
    double on_cpu = observation.cpu_ms ? *observation.cpu_ms + observation.run_queue_ms.value_or(0)
                                       : positive(observation.active_ms - waits_of(observation));
    double cpu =
        observation.cpu_ms ? *observation.cpu_ms : demand_of_residence(on_cpu, rate, machine.cores);
    double utilisation = std::min(rate * (cpu + others) / machine.cores, 0.99);
    double shared = cpu / (1 - std::pow(utilisation, machine.cores));

    demands.pooler_ms =
        positive(observation.pooler_ms.value_or(observation.hold_ms ? 0 : assumed_pooler_ms));
    double in_pooler = demands.pooler_ms / (1 - std::min(rate * demands.pooler_ms, 0.95));
    double direct = observation.active_ms + observation.idle_in_transaction_ms;
    double hold = observation.hold_ms.value_or(direct + in_pooler);

    // Who is on a processor or queues for one waits for nothing else, whatever samples say: a read
    // from the page cache is seen as a wait, and is work.
    double elsewhere = positive(hold - on_cpu - in_pooler), waits = waits_of(observation);
    double really = observation.cpu_ms && waits > elsewhere ? elsewhere / waits : 1;
    double io_wait = really * observation.io_wait_ms;
    double lock_wait = really * (observation.lock_wait_ms + observation.lwlock_wait_ms);

    // What is left of the hold once the stations' time, waiting included, is taken off.
    double delay = positive(elsewhere - io_wait - lock_wait);
    double woken =
        observation.cpu_ms ? std::min(positive(on_cpu - shared), most_woken_ms * trips) : 0;
    demands.start_ms = std::min(std::max(hold - direct - in_pooler, woken / trips), delay + woken);
    demands.delay_ms = delay + woken - demands.start_ms;

    // The application's own work between statements is done while the connection is held.
    demands.pooler_cpu_ms = std::min(demands.pooler_ms, others);
    double apart = others - demands.pooler_cpu_ms;
    double held = std::min(apart * (trips - 1) / trips, demands.delay_ms);
    demands.delay_ms -= held;

    double all = cpu + others;
    double slope = warming_of(observation, cpu, others, trips) + waking_ms * trips;
    double full = std::max(all - slope * (1 - utilisation), (1 - most_shrinking) * all);
    double shrunk = all > 0 ? full / all : 1;
    demands.extra_when_idle =
        utilisation < 1 && full > 0 ? (all - full) / (1 - utilisation) / full : 0;
    demands.cpu_ms = (cpu + held) * shrunk;
    demands.others_ms = (apart - held) * shrunk;
    demands.pooler_ms *= shrunk;
    demands.pooler_cpu_ms *= shrunk;
    demands.cores = machine.cores;
    demands.io_servers = machine.io_servers;
    demands.io_ms = demand_of_residence(io_wait, rate, machine.io_servers);
    // A transaction holds its locks for no longer than itself. At full load, when its work takes
    // less time, so does holding them.
    double busy = utilisation_behind_wait(lock_wait, hold - lock_wait);
    demands.serial_ms = rate > 0 ? shrunk * busy / rate : 0;

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
    const double trips = std::clamp(round_trips_of(observation), 1.0, most_round_trips);
    double calls = 0, mean = 0, variance = 0, known_cpu = 0;
    for (const ObservedStatement &statement : observation.statements) {
        calls += statement.calls_per_transaction;
        mean += statement.calls_per_transaction * statement.mean_ms;
        variance += statement.calls_per_transaction * std::pow(needed_deviation(statement), 2);
        known_cpu += statement.calls_per_transaction * statement.mean_ms * statement.cpu_share;
    }
    if (calls <= 0 || calls > most_calls_of_one_statement) {
        const double need = demands.cpu_ms + demands.io_ms + demands.serial_ms + demands.delay_ms;
        const double variation =
            mean > 0 ? std::sqrt(variance) / std::max(need, 1e-9) : unknown_variation;
        return {{"all", 1, demands.cpu_ms, demands.io_ms, demands.serial_ms, demands.delay_ms,
                 std::clamp(variation, least_variation, most_variation),
                 static_cast<int>(std::lround(trips))}};
    }

    // Each has its own time and what surrounds it: messages, parsing.
    const double surrounding = positive(demands.cpu_ms - known_cpu) / calls;
    std::vector<TransactionKind> kinds;
    for (const ObservedStatement &statement : observation.statements)
        kinds.push_back({"", statement.calls_per_transaction,
                         statement.mean_ms * statement.cpu_share + surrounding,
                         statement.mean_ms * statement.io_share, 0,
                         statement.mean_ms * statement.delay_share});
    scale(kinds, &TransactionKind::cpu_ms, demands.cpu_ms);
    scale(kinds, &TransactionKind::io_ms, demands.io_ms);
    scale(kinds, &TransactionKind::serial_ms, demands.serial_ms);
    scale(kinds, &TransactionKind::delay_ms, demands.delay_ms);
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        const double need =
            kinds[i].cpu_ms + kinds[i].io_ms + kinds[i].serial_ms + kinds[i].delay_ms;
        kinds[i].variation =
            std::clamp(needed_deviation(observation.statements[i]) / std::max(need, 1e-9),
                       least_variation, most_variation);
    }
    return kinds;
}

std::vector<double> throughput_by_size(const PoolDemands &demands, int largest) {
    std::vector<double> throughput = closed_throughput(demands.network(), largest);
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
            length.warm_up_ms = 5'000 / rate;
            length.measured_ms = 150'000 / rate;
            const PoolDemands now = demands.at_rate(rate);
            SimulatedServer server{now.cores, now.io_servers, now.pooler_ms};
            server.pooler_on_cores = now.pooler_cpu_ms > 0;
            server.others_ms = now.others_ms;
            server.start_ms = now.start_ms;
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
    advice.knee = std::isfinite(knee) ? std::clamp(static_cast<int>(knee), 1, largest_size) : 1;

    advice.waits = waits_at_size(observation, advice.demands, advice.size, advice.size_per_s,
                                 {shown_loads.begin(), shown_loads.end()}, random);
    advice.sensitivity = sensitivity_of(advice.demands, observation.clients);
    judge(advice, observation);
    return advice;
}

} // namespace triage
