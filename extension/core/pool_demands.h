// What a pool's transactions need of a server, told apart from the waiting that was observed with
// it. Times in milliseconds a transaction.
#pragma once

#include "core/pool_simulation.h"
#include "core/queueing.h"

#include <optional>
#include <string>
#include <vector>

namespace triage {

struct PoolMachine {
    double cores = 1;                        // of the database server
    double io_servers = 16;                  // requests that its disk serves at the same time
    double spindles = 1;                     // for HikariCP's formula
    std::vector<Speedup::Measured> io_rates; // what the disk was seen to do, instead of io_servers

    Speedup disk() const { return io_rates.empty() ? Speedup(io_servers) : Speedup(io_rates); }
};

// A statement of a pool's transactions. The shares are of its time, and need not sum to one.
struct ObservedStatement {
    double calls_per_transaction = 1;
    double mean_ms = 0, stddev_ms = 0;
    double cpu_share = 1, io_share = 0, delay_share = 0;
};

// Of one pool: the transactions of a database, user or application over a while. Means.
struct PoolObservation {
    std::string pool;
    double seconds = 0;
    double transactions = 0;
    int clients = 0; // that may want a connection at the same time; 0: no bound known
    std::optional<double> round_trips; // statements, or messages, a transaction

    double active_ms = 0;               // pg_stat_database.active_time
    double idle_in_transaction_ms = 0;  // pg_stat_database.idle_in_transaction_time
    std::optional<double> hold_ms;      // as a pooler saw it: transaction time less wait time
    std::optional<double> cpu_ms;       // backends' /proc/PID/schedstat, on a processor
    std::optional<double> run_queue_ms; // and ready to run without one
    std::optional<double> wake_ups;     // how often one that slept went on: for a message, a read

    // Parts of active_ms by wait event, from samples of activity.
    double io_wait_ms = 0;   // data files
    double wal_wait_ms = 0;  // the log's flush, which all that commit share
    double lock_wait_ms = 0; // heavyweight locks
    double lwlock_wait_ms = 0;
    double sleep_ms = 0; // timeouts, extensions, other processes: nobody else is kept waiting

    std::optional<double> pooler_ms; // of the pooler's one thread
    double other_cpu_ms = 0; // of processes on the same machine that come with each transaction:
                             // the pooler, the application
    std::vector<ObservedStatement> statements; // for how much transactions differ; may be empty
};

// What a transaction needs of a fully loaded server, waiting left out.
struct PoolDemands {
    double cpu_ms = 0;
    double io_ms = 0;
    double pooler_ms = 0;
    double delay_ms = 0;
    double start_ms = 0;        // between the pooler and a backend that begins: to be woken
    double extra_when_idle = 0; // what processor and pooler work grows by, as a share, from a full
                                // server to an idle one
    double locks = 0;     // how many hot ones there are, of which each transaction holds one for
                          // as long as itself; inferred from lock waits. 0: none
    double variation = 1; // of how long they are held: standard deviation over mean
    double apart = 0;     // how far processors have queues of their own, 0 to 1: see Speedup
    double moved = 0;     // how far who computes is moved from its queue to an idle processor, 0 to
                          // 1: it has waited, but no processor's time is lost
    double pooler_cpu_ms = 0; // part of pooler_ms: on the server's processors
    double others_ms = 0;     // processor time of others that comes with each, and holds nothing
    double cores = 1;
    Speedup disk;

    double processor_ms() const { // of all, with each transaction
        return cpu_ms + pooler_cpu_ms + others_ms;
    }
    double cores_for_transactions() const;                // with what others take taken off
    ClosedNetwork network() const;                        // of everything but the locks
    PoolDemands at_utilisation(double utilisation) const; // of the processors
    PoolDemands at_rate(double per_ms) const;
    PoolDemands without_locks() const; // the same work, if nobody had to wait for a lock
    double total_ms() const { return cpu_ms + io_ms + pooler_ms + delay_ms + start_ms; }
    // What a transaction takes of the time of all locks together: no more than one can end within.
    double serial_ms() const { return locks > 0 ? total_ms() / locks : 0; }
};

PoolDemands demands_of(const PoolObservation &observation, const PoolMachine &machine);

double round_trips_of(const PoolObservation &observation); // at least 1

// How transactions differ. Where each is one statement, a statement is a kind; where they are made
// of several, there is one kind, that varies as a sum of them would.
std::vector<TransactionKind> kinds_of(const PoolObservation &observation,
                                      const PoolDemands &demands);

} // namespace triage
