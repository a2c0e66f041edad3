#include "core/queueing.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace triage {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();
// With more servers than that, nobody who comes to an open station waits.
constexpr double most_servers = 100'000;
// Sums are kept below it.
constexpr double large = 1e100;

// Products of k service times over k rates, k = 0..population, with times in units of `unit`.
std::vector<long double> station_weights(const Station &station, int population, double unit) {
    std::vector<long double> weights(population + 1, 0);
    weights[0] = 1;
    for (int k = 1; k <= population; ++k)
        weights[k] = weights[k - 1] * (station.demand_ms / unit) / station.speedup.at(k);
    return weights;
}

std::vector<long double> delay_weights(double delay_ms, int population, double unit) {
    std::vector<long double> weights(population + 1, 0);
    weights[0] = 1;
    for (int k = 1; k <= population; ++k)
        weights[k] = weights[k - 1] * (delay_ms / unit) / k;
    return weights;
}

std::vector<long double> convolve(const std::vector<long double> &a,
                                  const std::vector<long double> &b) {
    std::vector<long double> sum(a.size(), 0);
    for (std::size_t n = 0; n < a.size(); ++n)
        for (std::size_t k = 0; k <= n; ++k)
            sum[n] += a[k] * b[n - k];
    return sum;
}

} // namespace

std::vector<double> closed_throughput(const ClosedNetwork &network, int population) {
    population = std::max(population, 0);
    std::vector<double> throughput(population + 1, 0);

    // A unit that keeps the normalising constants within range: no weight of a station falls, and
    // that of the delay rises to no more than e^population.
    double unit = network.delay_ms / std::max(population, 1);
    for (const Station &station : network.stations)
        unit = std::max(unit, station.demand_ms / std::max(station.speedup.most(), 1e-9));
    if (unit <= 0)
        return throughput; // jobs that take no time: no answer

    std::vector<long double> constants = delay_weights(network.delay_ms, population, unit);
    for (const Station &station : network.stations)
        if (station.demand_ms > 0)
            constants = convolve(constants, station_weights(station, population, unit));
    for (int n = 1; n <= population; ++n)
        throughput[n] = static_cast<double>(constants[n - 1] / constants[n]) / unit;
    return throughput;
}

double open_residence_ms(const Station &station, double arrival_rate) {
    const double load = arrival_rate * station.demand_ms;
    if (load <= 0 || station.speedup.saturation() > most_servers)
        return station.demand_ms;
    const double ratio = load / station.speedup.most();
    if (ratio >= 1)
        return infinite;
    // The birth and death of k jobs; from where no more speed is to be had, a geometric series.
    double states = 1, jobs = 0, weight = 1, k = 0;
    while (k < station.speedup.saturation()) {
        k++;
        weight *= load / station.speedup.at(k);
        states += weight;
        jobs += k * weight;
        if (states > large)
            for (double *sum : {&states, &jobs, &weight})
                *sum /= large;
    }
    states += weight * ratio / (1 - ratio);
    jobs += weight * (k * ratio / (1 - ratio) + ratio / ((1 - ratio) * (1 - ratio)));
    return jobs / states / arrival_rate;
}

double demand_of_residence(double residence_ms, double arrival_rate, const Speedup &speedup) {
    double low = 0, high = residence_ms;
    for (int i = 0; i < 60; ++i) {
        const double demand = (low + high) / 2;
        (open_residence_ms({demand, speedup}, arrival_rate) < residence_ms ? low : high) = demand;
    }
    return low;
}

double throughput_bound(const ClosedNetwork &network) {
    double bound = infinite;
    for (const Station &station : network.stations)
        if (station.demand_ms > 0)
            bound = std::min(bound, station.speedup.most() / station.demand_ms);
    return bound;
}

double erlang_c(int servers, double arrival_rate, double service_ms) {
    double load = arrival_rate * service_ms;
    if (servers < 1 || load >= servers)
        return 1;
    double blocked = 1; // Erlang B, by its recursion
    for (int k = 1; k <= servers; ++k)
        blocked = load * blocked / (k + load * blocked);
    return servers * blocked / (servers - load * (1 - blocked));
}

double erlang_wait_ms(int servers, double arrival_rate, double service_ms, double p) {
    double load = arrival_rate * service_ms;
    if (servers < 1 || load >= servers)
        return infinite;
    double waits = erlang_c(servers, arrival_rate, service_ms);
    if (1 - p >= waits)
        return 0;
    return service_ms / (servers - load) * std::log(waits / (1 - p));
}

namespace {

// What is left of a time that somebody comes upon, over the time's mean.
double residual(double variation) {
    return (1 + variation * variation) / 2;
}

} // namespace

double utilisation_behind_wait(double wait_ms, double held_ms, double variation) {
    // Pollaczek and Khinchine, W = S r (1 + v^2) / 2 / (1 - r), solved for r.
    return wait_ms > 0 ? wait_ms / (wait_ms + std::max(held_ms, 0.0) * residual(variation)) : 0;
}

std::vector<double> throughput_behind_locks(const std::vector<double> &free, double locks,
                                            double variation) {
    std::vector<double> throughput(free.size(), 0);
    double active = 0; // of one job fewer: those that have what they want
    for (std::size_t jobs = 1; jobs < free.size(); ++jobs) {
        // Who comes finds the others at all locks alike, waiting or half done.
        const double others = static_cast<double>(jobs - 1);
        const double ahead = (others - active + active * residual(variation)) / locks;
        active = std::min(static_cast<double>(jobs) / (1 + ahead), locks);
        const auto below = static_cast<std::size_t>(active);
        const double above = below + 1 < free.size() ? free[below + 1] : free[below];
        throughput[jobs] =
            free[below] + (above - free[below]) * (active - static_cast<double>(below));
    }
    return throughput;
}

} // namespace triage
