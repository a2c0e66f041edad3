#include "core/pool_demands.h"

#include <algorithm>
#include <cmath>

namespace triage {
namespace {

// A pooler that nobody measured: system calls and parsing of one round trip, and as much of waking
// up on each side.
constexpr double assumed_pooler_ms = 0.05;

// Up to so many statements a transaction on average, each is taken to be a transaction of its own.
constexpr double most_calls_of_one_statement = 1.3;
// Standard deviations over means, as far as they are believed, and where nothing is known.
constexpr double least_variation = 0.05, most_variation = 4;
constexpr double unknown_variation = 1;

// The work of a transaction shrinks as the server fills up, from idle to full. Processes need not
// be woken (so much a round trip), since they find the next message waiting. And caches are warm:
// this share of the rest, but no more a statement than it takes to fill a processor's own caches (2
// MB at 8 GB/s). Measured on the workloads that regress/bench/pool marks as not held out.
constexpr double warming_share = 0.3;
constexpr double most_warming_ms = 0.25;
constexpr double waking_ms = 0.05;
constexpr double most_shrinking = 0.6;

// Time in the run queue that sharing the processors does not explain is being woken; but no more of
// it than this each time. The rest is that one processor has a queue while another is idle, as far
// as queues of their own explain it: more would be neighbours.
constexpr double most_woken_ms = 0.02;

// Who runs that long each time is moved to where there is room: operating systems look for it at
// ticks, 1 to 4 ms apart. Who sleeps again after a moment stays with the processor it was on.
constexpr double moved_after_ms = 2;

// More round trips are simulated as so many, and more reads in one.
constexpr double most_round_trips = 10;
constexpr double most_reads = 20;
// And more locks as so many, among which hardly two meet.
constexpr double most_locks = 1000;

double positive(double value) {
    return std::isfinite(value) ? std::max(value, 0.0) : 0;
}

// As samples see them.
double waits_of(const PoolObservation &observation) {
    return observation.io_wait_ms + observation.wal_wait_ms + observation.lock_wait_ms +
           observation.lwlock_wait_ms + observation.sleep_ms;
}

// Of a statement's time without what it waited for locks: there it would not vary by itself.
double needed_share(const ObservedStatement &statement) {
    return std::min(statement.cpu_share + statement.io_share + statement.delay_share, 1.0);
}

// A transaction's statements together.
struct StatementTimes {
    double calls = 0;
    double cpu_ms = 0;
    double needed_ms = 0, variance = 0; // if all of them are one transaction
    double square = 0;                  // of each one's time, summed
};

StatementTimes times_of(const PoolObservation &observation) {
    StatementTimes times;
    for (const ObservedStatement &statement : observation.statements) {
        const double calls = statement.calls_per_transaction, share = needed_share(statement);
        const double needed = statement.mean_ms * share, deviation = statement.stddev_ms * share;
        times.calls += calls;
        times.cpu_ms += calls * statement.mean_ms * statement.cpu_share;
        times.needed_ms += calls * needed;
        times.variance += calls * deviation * deviation;
        times.square += calls * (deviation * deviation + needed * needed);
    }
    return times;
}

// How long a backend computes before it sleeps again: the mean over the processors' time and not
// over wake-ups, of which short statements have as many as long ones and hardly any time.
double computing_at_a_time(const PoolObservation &observation, double cpu, double wake_ups) {
    const StatementTimes times = times_of(observation);
    if (times.cpu_ms <= 0)
        return cpu / wake_ups;
    double square = 0;
    for (const ObservedStatement &statement : observation.statements)
        square +=
            statement.calls_per_transaction * std::pow(statement.mean_ms * statement.cpu_share, 2);
    return square / times.cpu_ms * std::min(times.calls / wake_ups, 1.0);
}

// What a transaction's work on an idle server, with cold caches, is more than on a full one.
double warming_of(const PoolObservation &observation, double cpu, double others, double trips) {
    auto warming = [](double work) { return std::min(warming_share * work, most_warming_ms); };
    const double known = times_of(observation).cpu_ms;
    if (known <= 0)
        return trips * warming((cpu + others) / trips);
    double sum = trips * warming(others / trips);
    for (const ObservedStatement &statement : observation.statements)
        sum += statement.calls_per_transaction *
               warming(statement.mean_ms * statement.cpu_share * cpu / known);
    return sum;
}

// The share of a transaction's processor time that its longest statement has. What surrounds
// statements, all of them have alike.
double longest_statement(const PoolObservation &observation, double cpu_ms, double trips) {
    constexpr double in_most_transactions = 0.5; // calls
    double longest = 0;
    for (const ObservedStatement &statement : observation.statements)
        if (statement.calls_per_transaction >= in_most_transactions)
            longest = std::max(longest, statement.mean_ms * statement.cpu_share);
    const double known = times_of(observation).cpu_ms;
    if (known <= 0 || cpu_ms <= 0)
        return 0;
    return (longest * std::min(cpu_ms / known, 1.0) + positive(cpu_ms - known) / trips) / cpu_ms;
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

// What was measured of statements includes their queueing, which stretches all of them alike: their
// deviation is held against their own mean then, and not against the less that they need. Where
// they need more, that is what surrounds them, which does not vary.
double variation_of(double deviation, double measured, double need) {
    const double mean = std::max(measured, need);
    return mean > 0 ? std::clamp(deviation / mean, least_variation, most_variation)
                    : least_variation;
}

// Of the whole transaction's time, where nothing queues: what is not statements does not vary.
double variation_of_hold(const PoolObservation &observation, double hold) {
    const StatementTimes times = times_of(observation);
    if (times.needed_ms <= 0)
        return unknown_variation;
    // Each is a transaction of its own, or all of them are one.
    const double variance =
        times.calls <= most_calls_of_one_statement
            ? times.square / times.calls - std::pow(times.needed_ms / times.calls, 2)
            : times.variance;
    return variation_of(std::sqrt(positive(variance)), times.needed_ms, hold);
}

} // namespace

double PoolDemands::cores_for_transactions() const {
    const double all = processor_ms();
    return all > 0 ? cores * (all - others_ms) / all : cores;
}

ClosedNetwork PoolDemands::network() const {
    // The pooler's work keeps its thread busy and a processor, at the same time: as a queue for the
    // thread it must not take the time that it takes on the processor once more.
    return {{{cpu_ms + pooler_cpu_ms, {cores_for_transactions(), apart * (1 - moved)}},
             {io_ms, disk},
             {pooler_ms, 1}},
            positive(delay_ms + start_ms - pooler_cpu_ms)};
}

PoolDemands PoolDemands::at_utilisation(double utilisation) const {
    PoolDemands loaded = *this;
    double grown = 1 + extra_when_idle * (1 - std::clamp(utilisation, 0.0, 1.0));
    for (double *work :
         {&loaded.cpu_ms, &loaded.pooler_ms, &loaded.pooler_cpu_ms, &loaded.others_ms})
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
    free.locks = 0;
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
    double wake_ups = std::max(observation.wake_ups.value_or(trips), trips);

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
        observation.cpu_ms ? std::min(positive(on_cpu - shared), most_woken_ms * wake_ups) : 0;
    // Not where nobody counted wake-ups: all of the run queue would be taken for queues apart.
    const double if_apart = cpu / (1 - utilisation);
    if (observation.cpu_ms && observation.wake_ups && if_apart > shared)
        demands.apart = std::min(positive(on_cpu - shared - woken) / (if_apart - shared), 1.0);
    demands.moved = std::min(computing_at_a_time(observation, cpu, wake_ups) / moved_after_ms, 1.0);
    demands.start_ms =
        std::min(std::max(hold - direct - in_pooler, woken / wake_ups), delay + woken);
    demands.delay_ms = delay + woken - demands.start_ms;

    // The application's own work between statements is done while the connection is held.
    demands.pooler_cpu_ms = std::min(demands.pooler_ms, others);
    double application = others - demands.pooler_cpu_ms;
    double held = std::min(application * (trips - 1) / trips, demands.delay_ms);
    demands.delay_ms -= held;

    double all = cpu + others;
    double waking = std::min(waking_ms * trips, all);
    double slope =
        waking + (all > 0 ? warming_of(observation, cpu, others, trips) * (all - waking) / all : 0);
    double full = std::max(all - slope * (1 - utilisation), (1 - most_shrinking) * all);
    double shrunk = all > 0 ? full / all : 1;
    demands.extra_when_idle =
        utilisation < 1 && full > 0 ? (all - full) / (1 - utilisation) / full : 0;
    demands.cpu_ms = (cpu + held) * shrunk;
    demands.others_ms = (application - held) * shrunk;
    demands.pooler_ms *= shrunk;
    demands.pooler_cpu_ms *= shrunk;
    demands.cores = machine.cores;
    demands.disk = machine.disk();
    demands.io_ms = demand_of_residence(io_wait, rate, demands.disk);
    // A transaction holds its lock for as long as itself: by how busy a lock is, so many there are.
    demands.variation = variation_of_hold(observation, hold - lock_wait);
    const double busy = utilisation_behind_wait(lock_wait, hold - lock_wait, demands.variation);
    if (busy > 0 && rate > 0)
        demands.locks = std::max(rate * (hold - lock_wait) / busy, 1.0);
    return demands;
}

std::vector<TransactionKind> kinds_of(const PoolObservation &observation,
                                      const PoolDemands &demands) {
    const double trips = std::clamp(round_trips_of(observation), 1.0, most_round_trips);
    const int locks = static_cast<int>(std::lround(std::min(demands.locks, most_locks)));
    // In a round trip that reads as much as the mean one: each read and each message wakes it up.
    const double reads = observation.wake_ups.value_or(0) / round_trips_of(observation) - 1;
    auto reads_for = [&](double io_ms) {
        const double share = demands.io_ms > 0 ? io_ms / demands.io_ms : 0;
        return static_cast<int>(std::lround(std::clamp(reads * share, 1.0, most_reads)));
    };
    const StatementTimes times = times_of(observation);
    if (times.calls <= 0 || times.calls > most_calls_of_one_statement) {
        const double need = demands.cpu_ms + demands.io_ms + demands.delay_ms;
        const double variation =
            times.needed_ms > 0 ? variation_of(std::sqrt(times.variance), times.needed_ms, need)
                                : unknown_variation;
        TransactionKind kind{"all", 1, demands.cpu_ms, demands.io_ms, demands.delay_ms, variation};
        kind.round_trips = static_cast<int>(std::lround(trips));
        kind.longest_trip = longest_statement(observation, demands.cpu_ms, trips);
        kind.reads = reads_for(demands.io_ms);
        kind.locks = locks;
        return {kind};
    }

    // Each has its own time and what surrounds it: messages, parsing.
    const double surrounding = positive(demands.cpu_ms - times.cpu_ms) / times.calls;
    std::vector<TransactionKind> kinds;
    for (const ObservedStatement &statement : observation.statements)
        kinds.push_back({"", statement.calls_per_transaction,
                         statement.mean_ms * statement.cpu_share + surrounding,
                         statement.mean_ms * statement.io_share,
                         statement.mean_ms * statement.delay_share, 1, 1, locks});
    scale(kinds, &TransactionKind::cpu_ms, demands.cpu_ms);
    scale(kinds, &TransactionKind::io_ms, demands.io_ms);
    scale(kinds, &TransactionKind::delay_ms, demands.delay_ms);
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        const double need = kinds[i].cpu_ms + kinds[i].io_ms + kinds[i].delay_ms;
        const ObservedStatement &statement = observation.statements[i];
        const double share = needed_share(statement);
        kinds[i].reads = reads_for(kinds[i].io_ms);
        kinds[i].variation =
            variation_of(statement.stddev_ms * share, statement.mean_ms * share, need);
    }
    return kinds;
}

} // namespace triage
