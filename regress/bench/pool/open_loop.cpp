// Sends transactions at random moments, whether or not earlier ones have ended, and writes down how
// long each waited until the server began it. pgbench cannot: its clock stops at the end of the
// transaction.
//
//   open_loop --conninfo C --rate TPS --seconds S --connections N [--fill N] -f SCRIPT[@WEIGHT] ...
//
// Scripts are pgbench's, as far as the benchmark needs them: \set NAME random(A, B), \sleep N ms, SQL
// of one line each. The first statement of a transaction is preceded by SELECT clock_timestamp() in
// the same message, and as both programs read the same clock, its answer less the moment of arrival
// is the wait: for a client connection (none is short of them), for the pooler, for a connection to
// the server, for a processor. An arrival that this program notices late, since it has a processor to
// wait for as everybody else, counts from then; how late that was is the `lag`. Asking is work for the
// server, too: of more than a thousand transactions a second, a thousand are asked. Before the load
// begins, --fill makes the pooler open so many connections: it would do so one by one when a rush first
// asks for them, and that rush would wait for processes to start. Prints JSON.
#include <libpq-fe.h>

#include <poll.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr double most_asked_per_s = 1000;

double now_ms() {
    using namespace std::chrono;
    return duration<double, std::milli>(system_clock::now().time_since_epoch()).count();
}

[[noreturn]] void fail(const std::string &message) {
    std::fprintf(stderr, "open_loop: %s\n", message.c_str());
    std::exit(1);
}

struct Line {
    enum { Set, Sleep, Sql } kind;
    std::string text;     // SQL, or the variable's name
    double low = 0, high = 0; // of random(), or the sleep's milliseconds
};

struct Script {
    std::vector<Line> lines;
    double weight = 1;
};

Script read_script(std::string path) {
    Script script;
    if (auto at = path.rfind('@'); at != std::string::npos) {
        script.weight = std::atof(path.c_str() + at + 1);
        path.resize(at);
    }
    std::ifstream file(path);
    if (!file)
        fail("cannot read " + path);
    for (std::string text; std::getline(file, text);) {
        Line line{Line::Sql, text};
        char name[64];
        if (text.empty() || text.rfind("--", 0) == 0)
            continue;
        if (std::sscanf(text.c_str(), "\\set %63s random(%lf, %lf)", name, &line.low,
                        &line.high) == 3) {
            line.kind = Line::Set;
            line.text = name;
        } else if (std::sscanf(text.c_str(), "\\sleep %lf ms", &line.low) == 1) {
            line.kind = Line::Sleep;
        } else if (text[0] == '\\') {
            fail("not understood: " + text);
        }
        script.lines.push_back(line);
    }
    return script;
}

struct Client {
    PGconn *connection = nullptr;
    const Script *script = nullptr; // null: idle
    std::size_t line = 0;
    double arrived = 0, wake = 0; // wake: end of a \sleep, 0 if there is none
    bool begun = false;           // the wait is known, or not asked for
    std::vector<std::pair<std::string, long>> variables;
};

struct Measured {
    std::vector<double> waits, lags, responses;
    std::vector<std::vector<double>> waits_by_second;
    std::size_t errors = 0;
};

class Generator {
  public:
    Generator(std::vector<Script> scripts, const std::string &conninfo, int connections,
              unsigned seed)
        : scripts_(std::move(scripts)), random_(seed), clients_(connections) {
        std::vector<double> weights;
        for (const Script &script : scripts_)
            weights.push_back(script.weight);
        choose_ = std::discrete_distribution<std::size_t>(weights.begin(), weights.end());
        for (Client &client : clients_) {
            client.connection = PQconnectdb(conninfo.c_str());
            if (PQstatus(client.connection) != CONNECTION_OK)
                fail(PQerrorMessage(client.connection));
            PQsetnonblocking(client.connection, 1);
            idle_.push_back(&client);
        }
    }
    ~Generator() {
        for (Client &client : clients_)
            PQfinish(client.connection);
    }
    Generator(const Generator &) = delete;
    Generator &operator=(const Generator &) = delete;

    void fill(std::size_t connections) {
        const std::size_t count = std::min(connections, clients_.size());
        for (std::size_t i = 0; i < count; ++i)
            if (!PQsendQuery(clients_[i].connection, "SELECT pg_sleep(2)"))
                fail(PQerrorMessage(clients_[i].connection));
        for (std::size_t i = 0; i < count; ++i)
            while (PGresult *result = PQgetResult(clients_[i].connection))
                PQclear(result);
    }

    Measured run(double rate_per_s, int batch, double seconds, double warm_up_s) {
        std::exponential_distribution<double> gap(rate_per_s / 1000 / batch);
        double start = now_ms(), end = start + (warm_up_s + seconds) * 1000;
        measured_from_ = start + warm_up_s * 1000;
        asked_ = std::bernoulli_distribution(std::min(1.0, most_asked_per_s / rate_per_s));
        double next = start + gap(random_);
        for (double now = start; now < end; now = now_ms()) {
            while (next <= now) {
                for (int i = 0; i < batch; ++i)
                    backlog_.push_back(now);
                if (next >= measured_from_)
                    measured_.lags.push_back(now - next);
                next += gap(random_);
            }
            while (!backlog_.empty() && !idle_.empty()) {
                Client *client = idle_.front();
                idle_.pop_front();
                begin(*client, backlog_.front());
                backlog_.pop_front();
            }
            await(std::min(next, end));
        }
        return std::move(measured_);
    }

  private:
    void begin(Client &client, double arrived) {
        client.script = &scripts_[choose_(random_)];
        client.line = 0;
        client.arrived = arrived;
        client.begun = !asked_(random_);
        client.variables.clear();
        proceed(client);
    }

    // Sends the script's next statement, or ends the transaction.
    void proceed(Client &client) {
        while (client.line < client.script->lines.size()) {
            const Line &line = client.script->lines[client.line++];
            if (line.kind == Line::Set) {
                std::uniform_int_distribution<long> any(std::lround(line.low),
                                                        std::lround(line.high));
                client.variables.emplace_back(line.text, any(random_));
            } else if (line.kind == Line::Sleep) {
                client.wake = now_ms() + line.low;
                return;
            } else {
                send(client, substitute(line.text, client.variables));
                return;
            }
        }
        if (client.arrived >= measured_from_)
            measured_.responses.push_back(now_ms() - client.arrived);
        client.script = nullptr;
        idle_.push_back(&client);
    }

    static std::string substitute(std::string sql,
                                  const std::vector<std::pair<std::string, long>> &variables) {
        for (const auto &[name, value] : variables)
            for (std::size_t at; (at = sql.find(":" + name)) != std::string::npos;)
                sql.replace(at, name.size() + 1, std::to_string(value));
        return sql;
    }

    // The clock is asked for inside the transaction, so that one connection serves both.
    void send(Client &client, const std::string &sql) {
        static const std::string clock = "SELECT extract(epoch FROM clock_timestamp()) * 1000;";
        std::string text = sql;
        if (!client.begun)
            text = sql.rfind("BEGIN", 0) == 0 ? sql + clock : clock + sql;
        if (!PQsendQuery(client.connection, text.c_str()))
            fail(PQerrorMessage(client.connection));
        PQflush(client.connection);
    }

    void receive(Client &client) {
        if (!PQconsumeInput(client.connection))
            fail(PQerrorMessage(client.connection));
        while (!PQisBusy(client.connection)) {
            PGresult *result = PQgetResult(client.connection);
            if (!result) {
                proceed(client);
                return;
            }
            if (PQresultStatus(result) == PGRES_FATAL_ERROR) {
                ++measured_.errors;
            } else if (!client.begun && PQresultStatus(result) == PGRES_TUPLES_OK) {
                client.begun = true;
                if (client.arrived >= measured_from_)
                    note_wait(client.arrived, std::atof(PQgetvalue(result, 0, 0)) - client.arrived);
            }
            PQclear(result);
        }
    }

    void note_wait(double arrived, double wait) {
        measured_.waits.push_back(wait);
        auto second = static_cast<std::size_t>((arrived - measured_from_) / 1000);
        if (second >= measured_.waits_by_second.size())
            measured_.waits_by_second.resize(second + 1);
        measured_.waits_by_second[second].push_back(wait);
    }

    void await(double until) {
        std::vector<pollfd> files;
        std::vector<Client *> waiting;
        double now = now_ms();
        for (Client &client : clients_) {
            if (!client.script)
                continue;
            if (client.wake > 0) {
                if (client.wake <= now) {
                    client.wake = 0;
                    proceed(client);
                } else {
                    until = std::min(until, client.wake);
                    continue;
                }
            }
            if (client.script && client.wake == 0) {
                files.push_back({PQsocket(client.connection), POLLIN, 0});
                waiting.push_back(&client);
            }
        }
        double left = std::max(until - now_ms(), 0.0);
        timespec timeout{static_cast<time_t>(left / 1000),
                         static_cast<long>(std::fmod(left, 1000) * 1e6)};
        if (ppoll(files.data(), files.size(), &timeout, nullptr) <= 0)
            return;
        for (std::size_t i = 0; i < files.size(); ++i)
            if (files[i].revents)
                receive(*waiting[i]);
    }

    std::vector<Script> scripts_;
    std::mt19937_64 random_;
    std::discrete_distribution<std::size_t> choose_;
    std::bernoulli_distribution asked_;
    std::vector<Client> clients_;
    std::deque<Client *> idle_;
    std::deque<double> backlog_; // arrivals that find no client connection free
    double measured_from_ = 0;
    Measured measured_;
};

double percentile(const std::vector<double> &sorted, double p) {
    if (sorted.empty())
        return 0;
    return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(p * double(sorted.size())))];
}

void print(const char *name, std::vector<double> times) {
    std::sort(times.begin(), times.end());
    auto at = [&](double p) { return percentile(times, p); };
    double sum = 0;
    for (double time : times)
        sum += time;
    std::printf("\"%s\": {\"mean_ms\": %.4f, \"p50_ms\": %.4f, \"p95_ms\": %.4f, \"p99_ms\": %.4f}, ",
                name, times.empty() ? 0 : sum / double(times.size()), at(0.50), at(0.95), at(0.99));
}

} // namespace

int main(int argc, char **argv) {
    std::string conninfo;
    double rate = 0, seconds = 8, warm_up = 1;
    int connections = 64, batch = 1, fill = 0;
    unsigned seed = 1;
    std::vector<Script> scripts;
    for (int i = 1; i + 1 < argc; i += 2) {
        std::string option = argv[i], value = argv[i + 1];
        if (option == "--conninfo")
            conninfo = value;
        else if (option == "--rate")
            rate = std::atof(value.c_str());
        else if (option == "--seconds")
            seconds = std::atof(value.c_str());
        else if (option == "--warm-up")
            warm_up = std::atof(value.c_str());
        else if (option == "--connections")
            connections = std::atoi(value.c_str());
        else if (option == "--fill")
            fill = std::atoi(value.c_str());
        else if (option == "--batch")
            batch = std::atoi(value.c_str());
        else if (option == "--seed")
            seed = static_cast<unsigned>(std::atoi(value.c_str()));
        else if (option == "-f")
            scripts.push_back(read_script(value));
        else
            fail("unknown option " + option);
    }
    if (rate <= 0 || scripts.empty())
        fail("--rate and -f are needed");

#ifdef __linux__
    prctl(PR_SET_TIMERSLACK, 1UL); // arrivals at their moments, not when timers are looked at anyway
#endif
    Generator generator(std::move(scripts), conninfo, connections, seed);
    generator.fill(static_cast<std::size_t>(fill));
    Measured measured = generator.run(rate, batch, seconds, warm_up);
    std::printf("{");
    print("wait", measured.waits);
    print("lag", measured.lags);
    print("response", measured.responses);
    // Whether the p99 is that of all the time or of a moment.
    std::printf("\"wait_p99_ms_by_second\": [");
    for (const char *comma = ""; std::vector<double> &waits : measured.waits_by_second) {
        std::sort(waits.begin(), waits.end());
        std::printf("%s%.4f", std::exchange(comma, ", "), percentile(waits, 0.99));
    }
    std::printf("], \"transactions\": %zu, \"errors\": %zu}\n", measured.responses.size(),
                measured.errors);
}
