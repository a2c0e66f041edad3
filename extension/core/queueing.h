// Queueing theory that the pool model stands on: closed networks of stations, solved exactly, and
// Erlang's formula for open ones. Times in milliseconds, rates per millisecond.
#pragma once

#include "core/speedup.h"

#include <vector>

namespace triage {

// Where jobs queue: a machine's processors, its disk.
struct Station {
    double demand_ms = 0; // of a job that is there alone
    Speedup speedup;
};

struct ClosedNetwork {
    std::vector<Station> stations;
    double delay_ms = 0; // where nobody waits for anybody
};

// Throughput by number of jobs 0..population. Exact for exponential or processor-sharing stations:
// the answer of load-dependent mean value analysis, got by Buzen's convolution, which subtracts
// nothing and so loses no digits with many servers.
std::vector<double> closed_throughput(const ClosedNetwork &network, int population);

// How long jobs that come at random stay at a station that each makes this demand on, times being
// exponential or the station shared; infinite where it cannot keep up.
double open_residence_ms(const Station &station, double arrival_rate);

// The demand on a station at which they stay for so long: close to that itself at low load.
double demand_of_residence(double residence_ms, double arrival_rate, const Speedup &speedup);

// No number of jobs can have more; infinite if there are no stations.
double throughput_bound(const ClosedNetwork &network);

// Share of arrivals that find all servers of an M/M/c busy; 1 if they cannot keep up.
double erlang_c(int servers, double arrival_rate, double service_ms);

// Waiting time in an M/M/c that the share p of arrivals does not exceed; infinite if overloaded.
double erlang_wait_ms(int servers, double arrival_rate, double service_ms, double p);

// How busy single servers are, that customers hold for `held_ms` after waiting `wait_ms` for one,
// on average; however many servers there are. `variation`: standard deviation of held_ms over it.
double utilisation_behind_wait(double wait_ms, double held_ms, double variation);

// Throughput where each job also takes one of `locks` before it begins, whichever, and keeps it to
// its end. `free`: throughput by number of jobs (from 0) that have what they want. Not exact: by
// the mean value analysis of a closed network with as many single servers, whose times are those of
// the jobs that hold them; for exponential times it is theirs. `locks` may be fractional.
std::vector<double> throughput_behind_locks(const std::vector<double> &free, double locks,
                                            double variation);

} // namespace triage
