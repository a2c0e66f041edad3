#include "core/pool_simulation.h"

#include "core/shared_station.h"
#include "core/time_slices.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <limits>
#include <optional>
#include <queue>

namespace triage {
namespace {

constexpr double never = std::numeric_limits<double>::infinity();

// The standard's distributions differ between libraries; these do not.
class Chance {
  public:
    explicit Chance(std::mt19937_64 &random) : random_(random) {}

    double uniform() { return (static_cast<double>(random_() >> 11) + 0.5) * 0x1.0p-53; }
    double exponential(double mean) { return -mean * std::log(uniform()); }

    // Of this mean, and this standard deviation over mean: constant, exponential (1) or gamma.
    double time(double mean, double variation) {
        if (mean <= 0 || variation < 0.01)
            return std::max(mean, 0.0);
        if (variation == 1)
            return exponential(mean);
        double shape = 1 / (variation * variation);
        return gamma(shape) * mean / shape;
    }

  private:
    double normal() {
        return std::sqrt(-2 * std::log(uniform())) * std::cos(2 * 3.14159265358979324 * uniform());
    }

    // Marsaglia and Tsang, "A simple method for generating gamma variables", 2000.
    double gamma(double shape) {
        if (shape < 1)
            return gamma(shape + 1) * std::pow(uniform(), 1 / shape);
        double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
        for (;;) {
            double x = normal(), v = 1 + c * x;
            if (v <= 0)
                continue;
            v = v * v * v;
            if (std::log(uniform()) < 0.5 * x * x + d - d * v + d * std::log(v))
                return d * v;
        }
    }

    std::mt19937_64 &random_;
};

// The stations of a round trip's way, in its order; processors and pooler are visited twice, and
// the disk and processors once more for each further read. What others do because of a transaction
// comes last, when its connection is somebody else's already.
enum class Step { Send, Start, Parse, Lock, Disk, Delay, Execute, Receive, Done, Others, Gone };

Step after(Step step) {
    return static_cast<Step>(static_cast<int>(step) + 1);
}

struct Job {
    std::size_t pool = 0;
    double arrived = 0, started = 0;
    double cpu_of_longest = 0, cpu = 0; // of its longest round trip, and of each other
    double delay = 0;                   // of each round trip
    double io = 0;                      // of each read
    int trips = 1, trips_left = 1;
    int longest = 1;                 // how many are left in the longest one
    int reads = 1, reads_left = 1;   // of this round trip
    std::optional<std::size_t> lock; // which one it wants, and then has
    Step step = Step::Send;

    bool first_trip() const { return trips_left == trips; }
    bool last_trip() const { return trips_left == 1; }

    // Its processor time in this round trip, and in how many parts: before and after each wait.
    double cpu_of_trip() const { return trips_left == longest ? cpu_of_longest : cpu; }
    int parts() const { return (lock && first_trip()) || io > 0 ? reads + 1 : 1; }
};

// First come, first served.
class Servers {
  public:
    explicit Servers(int count) : idle_(count) {}

    // True if the job starts now; else it will be handed out by leave().
    bool enter(std::size_t job) {
        if (idle_ > 0) {
            --idle_;
            return true;
        }
        waiting_.push_back(job);
        return false;
    }
    // Frees a server; true if `next` starts there.
    bool leave(std::size_t &next) {
        if (waiting_.empty()) {
            ++idle_;
            return false;
        }
        next = waiting_.front();
        waiting_.pop_front();
        return true;
    }
    std::size_t queued() const { return waiting_.size(); }

  private:
    int idle_;
    std::deque<std::size_t> waiting_;
};

struct PoolState {
    Servers connections;
    std::vector<Servers> locks;
    double next_arrival = never;
    double busy_ms = 0;
    std::size_t turned_away = 0;
    std::vector<double> waits, responses;
};

WaitPercentiles percentiles(std::vector<double> &times) {
    WaitPercentiles result;
    if (times.empty())
        return result;
    std::sort(times.begin(), times.end());
    auto at = [&](double p) {
        auto place = static_cast<std::size_t>(std::ceil(p * static_cast<double>(times.size())));
        return times[std::clamp<std::size_t>(place, 1, times.size()) - 1];
    };
    double sum = 0;
    for (double time : times)
        sum += time;
    result.mean_ms = sum / static_cast<double>(times.size());
    result.p50_ms = at(0.50);
    result.p95_ms = at(0.95);
    result.p99_ms = at(0.99);
    return result;
}

class Simulation {
  public:
    Simulation(const SimulatedServer &server, const std::vector<SimulatedPool> &pools,
               const SimulationLength &length, std::mt19937_64 &random)
        : server_(server), pools_(pools), length_(length), chance_(random),
          processors_(server.cores, server.slice_ms), disk_(server.disk), pooler_(1) {
        for (const SimulatedPool &pool : pools) {
            int locks = 0;
            for (const TransactionKind &kind : pool.kinds)
                locks = std::max(locks, kind.locks);
            states_.push_back({Servers(std::max(pool.size, 1)),
                               std::vector(static_cast<std::size_t>(locks), Servers(1))});
        }
    }

    std::vector<SimulatedOutcome> run() {
        for (std::size_t pool = 0; pool < pools_.size(); ++pool)
            schedule_arrival(pool, 0);
        double end = length_.warm_up_ms + length_.measured_ms;
        while (step(end)) {
        }
        return outcomes();
    }

  private:
    struct Event {
        double at;
        std::size_t order; // ties go in the order of their making
        std::size_t job;
        bool operator>(const Event &other) const {
            return at != other.at ? at > other.at : order > other.order;
        }
    };

    bool step(double end) {
        double arrival = never;
        std::size_t arriving = 0;
        for (std::size_t pool = 0; pool < states_.size(); ++pool)
            if (states_[pool].next_arrival < arrival) {
                arrival = states_[pool].next_arrival;
                arriving = pool;
            }
        double processor = processors_.next_event();
        double disk = disk_.next_event();
        double timed = events_.empty() ? never : events_.top().at;
        double now = std::min({arrival, processor, disk, timed});
        if (now > end)
            return false;
        if (now == arrival)
            arrive(arriving, now);
        else if (now == processor) {
            if (auto event = processors_.handle(now); event.finished)
                leave(event.job, now);
        } else if (now == disk) {
            leave(disk_.leave(), now);
        } else {
            std::size_t job = events_.top().job;
            events_.pop();
            leave(job, now);
        }
        for (std::size_t job : processors_.begun())
            if (jobs_[job].step == Step::Parse)
                begin(job, now);
        processors_.begun().clear();
        return true;
    }

    void schedule_arrival(std::size_t pool, double now) {
        double rate = pools_[pool].arrivals_per_ms;
        states_[pool].next_arrival =
            rate > 0 && !pools_[pool].kinds.empty() ? now + chance_.exponential(1 / rate) : never;
    }

    void arrive(std::size_t pool, double now) {
        schedule_arrival(pool, now);
        PoolState &state = states_[pool];
        if (state.connections.queued() >= length_.longest_queue) {
            ++state.turned_away;
            return;
        }
        std::size_t job = new_job();
        const TransactionKind &kind = choose_kind(pools_[pool].kinds);
        const double trips = kind.round_trips;
        const double cpu = chance_.time(kind.cpu_ms, kind.variation);
        const double longest = cpu * std::clamp(kind.longest_trip, 1 / trips, 1.0);
        const int reads = kind.io_ms > 0 ? kind.reads : 1;
        jobs_[job] = {.pool = pool,
                      .arrived = now,
                      .started = now,
                      .cpu_of_longest = longest,
                      .cpu = trips > 1 ? (cpu - longest) / (trips - 1) : 0,
                      .delay = chance_.time(kind.delay_ms, kind.variation) / trips,
                      .io = chance_.time(kind.io_ms, kind.variation) / trips / reads,
                      .trips = kind.round_trips,
                      .trips_left = kind.round_trips,
                      .longest = 1 + static_cast<int>(chance_.uniform() * trips),
                      .reads = reads,
                      .reads_left = reads,
                      .lock = choose_lock(kind.locks)};
        if (state.connections.enter(job))
            start(job, now);
    }

    const TransactionKind &choose_kind(const std::vector<TransactionKind> &kinds) {
        if (kinds.size() == 1)
            return kinds.front();
        double total = 0;
        for (const TransactionKind &kind : kinds)
            total += kind.share;
        double at = chance_.uniform() * total;
        for (const TransactionKind &kind : kinds)
            if ((at -= kind.share) < 0)
                return kind;
        return kinds.back();
    }

    std::optional<std::size_t> choose_lock(int locks) {
        if (locks <= 0)
            return std::nullopt;
        return static_cast<std::size_t>(chance_.uniform() * locks);
    }

    void start(std::size_t job, double now) {
        jobs_[job].started = now;
        enter(job, now);
    }

    // Begins the job's present step, or passes over it if it takes no time.
    void enter(std::size_t number, double now) {
        Job &job = jobs_[number];
        switch (job.step) {
        case Step::Send:
        case Step::Receive:
            if (server_.pooler_ms <= 0)
                return advance(number, now);
            if (pooler_.enter(number))
                serve(number, now);
            return;
        case Step::Start:
            if (server_.start_ms <= 0 || !job.first_trip())
                return advance(number, now);
            return serve(number, now);
        case Step::Parse:
            if (job.cpu_of_trip() <= 0) {
                begin(number, now);
                return advance(number, now);
            }
            return compute(number, now, job.cpu_of_trip() / job.parts());
        case Step::Execute:
            if (job.cpu_of_trip() <= 0 || job.parts() == 1)
                return advance(number, now);
            return compute(number, now, job.cpu_of_trip() / job.parts());
        case Step::Disk:
            if (job.io <= 0)
                return advance(number, now);
            return disk_.add(now, number, job.io);
        case Step::Lock:
            if (!job.lock || !job.first_trip() || states_[job.pool].locks[*job.lock].enter(number))
                advance(number, now);
            return;
        case Step::Delay:
            return job.delay > 0 && job.reads_left == job.reads ? serve(number, now)
                                                                : advance(number, now);
        case Step::Done:
            return finish(number, now);
        case Step::Others:
            if (server_.others_ms <= 0)
                return advance(number, now);
            return compute(number, now, chance_.exponential(server_.others_ms));
        case Step::Gone:
            return free_.push_back(number);
        }
    }

    void compute(std::size_t number, double now, double work_ms) {
        std::optional<std::size_t> home;
        if (server_.apart > 0 && chance_.uniform() < server_.apart)
            home = static_cast<std::size_t>(chance_.uniform() *
                                            static_cast<double>(processors_.count()));
        processors_.add(now, number, work_ms, home);
    }

    double service_time(const Job &job) {
        switch (job.step) {
        case Step::Delay:
            return job.delay;
        case Step::Start:
            return late();
        default:
            return pooler_ms(job);
        }
    }

    double late() {
        const double mean = std::max(server_.late_ms, server_.start_ms);
        return chance_.uniform() * mean < server_.start_ms ? chance_.exponential(mean) : 0;
    }

    double pooler_ms(const Job &job) const { return server_.pooler_ms / (2 * job.trips); }

    void serve(std::size_t number, double now) {
        const Step step = jobs_[number].step;
        if (server_.pooler_on_cores && (step == Step::Send || step == Step::Receive))
            return compute(number, now, pooler_ms(jobs_[number]));
        events_.push({now + service_time(jobs_[number]), order_++, number});
    }

    // Its service at a station is over.
    void leave(std::size_t number, double now) {
        Job &job = jobs_[number];
        std::size_t next = 0;
        if (server_.pooler_ms > 0 && (job.step == Step::Send || job.step == Step::Receive) &&
            pooler_.leave(next))
            serve(next, now);
        advance(number, now);
    }

    void advance(std::size_t number, double now) {
        Job &job = jobs_[number];
        if (job.step == Step::Execute && job.reads_left > 1) {
            --job.reads_left;
            job.step = Step::Disk;
            return enter(number, now);
        }
        job.step = after(job.step);
        if (job.step == Step::Done && !job.last_trip()) {
            --job.trips_left;
            job.reads_left = job.reads;
            job.step = Step::Send;
        }
        enter(number, now);
    }

    // The server begins with it, or goes on.
    void begin(std::size_t number, double now) {
        const Job &job = jobs_[number];
        if (now >= length_.warm_up_ms && job.first_trip())
            states_[job.pool].waits.push_back(now - job.arrived);
    }

    void finish(std::size_t number, double now) {
        const Job job = jobs_[number];
        PoolState &state = states_[job.pool];
        if (now >= length_.warm_up_ms) {
            state.busy_ms += now - std::max(job.started, length_.warm_up_ms);
            state.responses.push_back(now - job.arrived);
        }
        std::size_t next = 0;
        if (job.lock && state.locks[*job.lock].leave(next))
            advance(next, now);
        if (state.connections.leave(next))
            start(next, now);
        advance(number, now);
    }

    std::size_t new_job() {
        if (free_.empty()) {
            jobs_.emplace_back();
            return jobs_.size() - 1;
        }
        std::size_t job = free_.back();
        free_.pop_back();
        return job;
    }

    std::vector<SimulatedOutcome> outcomes() {
        std::vector<SimulatedOutcome> result;
        for (std::size_t pool = 0; pool < pools_.size(); ++pool) {
            PoolState &state = states_[pool];
            SimulatedOutcome outcome;
            outcome.pool = pools_[pool].name;
            outcome.transactions = state.responses.size();
            outcome.throughput_per_ms =
                static_cast<double>(outcome.transactions) / length_.measured_ms;
            outcome.busy_connections = state.busy_ms / length_.measured_ms;
            outcome.wait = percentiles(state.waits);
            outcome.response = percentiles(state.responses);
            outcome.turned_away = state.turned_away;
            result.push_back(outcome);
        }
        return result;
    }

    const SimulatedServer &server_;
    const std::vector<SimulatedPool> &pools_;
    const SimulationLength &length_;
    Chance chance_;
    TimeSlicedProcessors processors_;
    SharedStation disk_;
    Servers pooler_;
    std::vector<PoolState> states_;
    std::vector<Job> jobs_;
    std::vector<std::size_t> free_;
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
    std::size_t order_ = 0;
};

} // namespace

std::vector<SimulatedOutcome> simulate_pools(const SimulatedServer &server,
                                             const std::vector<SimulatedPool> &pools,
                                             const SimulationLength &length,
                                             std::mt19937_64 &random) {
    return Simulation(server, pools, length, random).run();
}

} // namespace triage
