#include "emit/pooler_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

namespace triage::advisor {

namespace {

long seconds(double milliseconds) {
    return std::max(1L, std::lround(std::ceil(milliseconds / 1000)));
}

constexpr std::array<Saturation, 3> saturations = {Saturation::Normal, Saturation::Busy,
                                                   Saturation::Saturated};
constexpr char saturation_mark[] = "\n; Saturation: ";

const char *meaning_of(Saturation saturation) {
    switch (saturation) {
    case Saturation::Normal:
        return "half of the processors";
    case Saturation::Busy:
        return "a quarter of the processors";
    case Saturation::Saturated:
        break;
    }
    return "one connection each";
}

// An alias or value of pgbouncer.ini: a name as it is, anything else in single quotes. PgBouncer's
// alias must be a word, or quoted with double quotes.
bool is_word(const std::string &text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return std::isalnum(c) || c == '_' || c == '.' || c == '-' || c == '/';
    });
}

std::string alias(const std::string &name) {
    if (is_word(name))
        return name;
    std::string quoted = "\"";
    for (char c : name)
        quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + "\"";
}

std::string value(const std::string &text) {
    if (is_word(text))
        return text;
    std::string quoted = "'";
    for (char c : text)
        quoted += c == '\'' ? std::string("''") : std::string(1, c);
    return quoted + "'";
}

std::string sql_name(const std::string &name) {
    std::string quoted = "\"";
    for (char c : name)
        quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + "\"";
}

std::string why(const EmittedPool &pool) {
    return fmt::format("{} Predicted: {:.{}f} transactions a second; p99 wait {:.1f} ms at 70 % "
                       "load. Confidence: {}.",
                       pool.plan.reason, pool.throughput_per_s, pool.throughput_per_s < 10 ? 1 : 0,
                       pool.wait_p99_ms, pool.confidence);
}

int longest_wait(const EmittedPools &pools) {
    double longest = 0;
    for (const EmittedPool &pool : pools.pools)
        longest = std::max(longest, pool.plan.query_wait_timeout_ms);
    return static_cast<int>(seconds(longest));
}

} // namespace

std::string name_of(Saturation saturation) {
    switch (saturation) {
    case Saturation::Normal:
        return "normal";
    case Saturation::Busy:
        return "busy";
    case Saturation::Saturated:
        break;
    }
    return "saturated";
}

std::optional<Saturation> saturation_of_fragment(const std::string &text) {
    for (const Saturation saturation : saturations)
        if (text.find(saturation_mark + name_of(saturation) + ":") != std::string::npos)
            return saturation;
    return std::nullopt;
}

std::string pgbouncer_fragment(const EmittedPools &pools) {
    // A second [pgbouncer] would set everything that it does not name back to the default: so the
    // settings come first, without a section, as the rest of the one that includes them.
    std::string text = fmt::format(
        "; Written by {}. Use it with \"%include\" as the last line of section [pgbouncer] of\n"
        "; pgbouncer.ini, then RELOAD."
        "{}{}: bulk lanes (ai, reporting) together get {}.\n"
        "; They get less when urgent lanes need the processors: write the fragment again with\n"
        "; --saturation, RELOAD, and RECONNECT each of them (a pool whose clients queue keeps its\n"
        "; connections until then); or let --saturation auto --reload do so by a timer.\n"
        "; Transactions share connections: what a session keeps beyond one (SET, LISTEN, advisory\n"
        "; locks; before PgBouncer 1.21 prepared statements) is not kept. Each user= needs an "
        "entry\n"
        "; in auth_file, or a way in without a password.\n",
        pools.program, saturation_mark, name_of(pools.saturation), meaning_of(pools.saturation));
    if (pools.poolers > 1)
        text += fmt::format("; For each of {} poolers.\n", pools.poolers);
    text += fmt::format(
        "\n; All clients of all pods, in the midst of a rollout, and room.\n"
        "max_client_conn = {}\n"
        "; Clients that have waited so long may have the reserve: long before a person notices.\n"
        "reserve_pool_timeout = 1\n"
        "; The longest of the lanes' patience, in seconds: PgBouncer knows only one.\n"
        "query_wait_timeout = {}\n"
        "; Not set here, since other databases may live by it: default_pool_size. What is no "
        "alias\n"
        "; below gets as many connections for each user, outside the budget.\n"
        "\n[databases]\n",
        pools.max_client_conn, longest_wait(pools));
    int total = 0;
    for (const EmittedPool &pool : pools.pools) {
        const LanePlan &plan = pool.plan;
        total += plan.size + plan.reserve;
        text += fmt::format("; {}\n", why(pool));
        if (plan.reserve > 0)
            text += fmt::format("; {} more in reserve, for clients that have waited "
                                "reserve_pool_timeout.\n",
                                plan.reserve);
        text += fmt::format("{} = host={} port={} dbname={} user={} pool_mode=transaction "
                            "pool_size={} reserve_pool={}\n",
                            alias(plan.name), value(pools.host), pools.port, value(pool.database),
                            value(pool.user), plan.size, plan.reserve);
    }
    text += fmt::format("; Server connections for all of them, reserves included: {}.\n", total);
    return text;
}

std::string server_settings(const EmittedPools &pools) {
    std::string text = fmt::format("-- Written by {}.\n", pools.program);
    if (pools.max_connections)
        text +=
            fmt::format("-- At the worst moment of a rollout no pool would be cut at this; about "
                        "{} MB more memory.\n"
                        "-- {}\n"
                        "-- Takes effect at a restart; restart standbys with it first.\n"
                        "{}ALTER SYSTEM SET max_connections = {};\n",
                        pools.added_memory_bytes / (1024 * 1024),
                        pools.fits ? "As they are cut, the pools fit the present one: a choice."
                                   : "However the pools are cut, the present one is too small.",
                        pools.fits ? "-- " : "", *pools.max_connections);
    for (const EmittedPool &pool : pools.pools) {
        const LanePlan &plan = pool.plan;
        const std::string role = sql_name(pool.user);
        const std::string setting =
            fmt::format("ALTER ROLE {} IN DATABASE {} SET", role, sql_name(pool.database));
        text += fmt::format(
            "-- {}: a multiple of its p99, so that what is stuck does not hold a connection.\n"
            "{} statement_timeout = {};\n"
            "-- A connection held by a client that does nothing is lost to all others.\n"
            "{} idle_in_transaction_session_timeout = {};\n",
            plan.name, setting, std::lround(plan.statement_timeout_ms), setting,
            std::lround(plan.idle_in_transaction_timeout_ms));
        if (!is_bulk(plan.lane))
            continue;
        const bool ai = plan.lane == LaneClass::Ai;
        text += fmt::format(
            "-- Each connection of a bulk lane is counted as one processor; parallel workers\n"
            "-- would be more of them.\n"
            "{} max_parallel_workers_per_gather = 0;\n"
            "-- {}\n"
            "{} pg_triage.priority = {};\n",
            setting,
            ai ? "Where urgent lanes want its processor, it has a tenth of what they have."
               : "It has what other lanes leave of the processors; as low where\n"
                 "-- kernel.sched_autogroup_enabled is 1, so set that to 0 (sysctl.d).",
            setting, ai ? "low" : "idle");
        // With no room a pooler that replaces a connection would be refused, and then pause.
        text += fmt::format("-- Whoever connects, not many more sessions than the pools: {} "
                            "for each of {} poolers,\n"
                            "-- and one more for a connection that is being replaced.\n"
                            "ALTER ROLE {} CONNECTION LIMIT {};\n",
                            plan.size, pools.poolers, role, pools.poolers * (plan.size + 1));
    }
    return text;
}

std::string client_pool(ClientPool kind, const EmittedPools &pools, const EmittedPool &pool,
                        int processes) {
    const LanePlan &plan = pool.plan;
    const int lane = plan.size * std::max(pools.poolers, 1);
    const int size = std::max(1, lane / std::max(processes, 1));
    const long wait = std::lround(plan.query_wait_timeout_ms);
    const std::string number = fmt::format(
        "{} connection{} for {}", lane, lane == 1 ? "" : "s",
        processes > 1 ? fmt::format("the lane, shared by {} processes", processes) : "one process");
    switch (kind) {
    case ClientPool::Hikari:
        return fmt::format("# {}: written by {}.\n"
                           "# {}. {}\n"
                           "maximumPoolSize={}\n"
                           "# A pool of one size: connections made during a rush come too late.\n"
                           "minimumIdle={}\n"
                           "# How long the lane's clients are patient, in ms.\n"
                           "connectionTimeout={}\n"
                           "# Below the idle timeouts of firewalls and poolers, in ms.\n"
                           "maxLifetime=1740000\n"
                           "# Held so long, a connection is reported as leaked, in ms.\n"
                           "leakDetectionThreshold={}\n",
                           plan.name, pools.program, number, why(pool), size, size, wait,
                           std::max(2000L, std::lround(plan.statement_timeout_ms)));
    case ClientPool::SqlAlchemy:
        return fmt::format("# {}: written by {}.\n"
                           "# {}. {}\n"
                           "engine = create_engine(\n"
                           "    url,\n"
                           "    pool_size={},\n"
                           "    max_overflow=0,  # overflow would exceed the connection budget\n"
                           "    pool_timeout={},  # seconds that the lane's clients are patient\n"
                           "    pool_recycle=1740,  # seconds; below idle timeouts on the way\n"
                           "    pool_pre_ping=True,\n"
                           ")\n",
                           plan.name, pools.program, number, why(pool), size,
                           seconds(plan.query_wait_timeout_ms));
    case ClientPool::Pgx:
        return fmt::format(
            "// {}: written by {}.\n"
            "// {}. {}\n"
            "config.MaxConns = {}\n"
            "config.MinConns = {} // connections made during a rush come too late\n"
            "config.MaxConnLifetime = 29 * time.Minute // below idle timeouts on the "
            "way\n"
            "acquireTimeout := {} * time.Second // of the context given to Acquire\n",
            plan.name, pools.program, number, why(pool), size, size,
            seconds(plan.query_wait_timeout_ms));
    case ClientPool::NodePostgres:
        break;
    }
    return fmt::format("// {}: written by {}.\n"
                       "// {}. {}\n"
                       "const pool = new Pool({{\n"
                       "  max: {},\n"
                       "  min: {}, // connections made during a rush come too late\n"
                       "  connectionTimeoutMillis: {}, // the lane's patience\n"
                       "  maxLifetimeSeconds: 1740, // below idle timeouts on the way\n"
                       "}});\n",
                       plan.name, pools.program, number, why(pool), size, size, wait);
}

} // namespace triage::advisor
