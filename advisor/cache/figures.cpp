#include "cache/figures.h"

#include "interrupt.h"

#include <map>

namespace triage::advisor {

namespace {

struct Counts {
    double reads = 0, writes = 0;
};

struct CountedTables {
    std::map<std::string, Counts> tables;
    double at_s = 0;                              // by the server's clock
    double reads_since_s = 0, writes_since_s = 0; // how long the counters have been running
};

// What an application's cache would see as a read is an execution of a SELECT. Only the sampler
// tells these from the scans that an UPDATE makes to find its rows.
void count_reads(Server &server, CountedTables &result) {
    for (const Row &row : server.query(
             "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,"
             " sum(s.calls)::float8 AS reads,"
             " extract(epoch FROM clock_timestamp() - min(min(s.first_seen)) OVER ())::float8 AS "
             "since"
             " FROM triage.statements s JOIN pg_class c ON c.oid = s.main_relation"
             " JOIN pg_namespace n ON n.oid = c.relnamespace"
             " WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
             " AND s.query ~* '^\\s*(select|with)\\M'"
             " GROUP BY n.nspname, c.relname")) {
        result.tables[row.text("name")].reads = row.number("reads").value_or(0);
        result.reads_since_s = row.number("since").value_or(0);
    }
}

CountedTables count_tables(Server &server) {
    CountedTables result;
    const Row times = server.query_one(
        "SELECT extract(epoch FROM clock_timestamp())::float8 AS at,"
        " extract(epoch FROM clock_timestamp() - coalesce((SELECT stats_reset FROM pg_stat_database"
        " WHERE datname = current_database()), pg_postmaster_start_time()))::float8 AS since");
    result.at_s = times.number("at").value_or(0);
    result.writes_since_s = times.number("since").value_or(0);
    count_reads(server, result);
    for (const Row &row :
         server.query("SELECT pg_catalog.format('%I.%I', schemaname, relname) AS name,"
                      " (n_tup_ins + n_tup_upd + n_tup_del)::float8 AS writes"
                      " FROM pg_catalog.pg_stat_user_tables WHERE schemaname <> 'triage'"))
        result.tables[row.text("name")].writes = row.number("writes").value_or(0);
    return result;
}

} // namespace

CacheFigures read_cache_figures(Server &server) {
    CacheFigures figures;
    const Row pool = server.query_one(
        "SELECT current_setting('block_size')::int8 AS block_size,"
        " (SELECT setting::int8 FROM pg_settings WHERE name = 'shared_buffers') AS blocks");
    figures.block_size = pool.integer("block_size").value_or(8192);
    figures.pool_blocks = pool.integer("blocks").value_or(0);
    for (const Row &row : server.query(
             "SELECT pg_catalog.format('%I.%I', n.nspname, k.relname) AS name, c.data_class,"
             " k.relkind = 'i' AS is_index, c.relation_blocks, c.blocks AS resident,"
             " c.usage_counts[1] + c.usage_counts[2] AS rarely_used, coalesce(h.blocks, 0) AS "
             "working_set,"
             " c.fetched::float8 AS fetched, c.hit::float8 AS hit"
             " FROM triage.cache c JOIN pg_class k ON k.oid = c.relation"
             " JOIN pg_namespace n ON n.oid = k.relnamespace"
             " LEFT JOIN (SELECT relation, sum(bit_count(blocks::bit(64)))::int8 AS blocks"
             " FROM triage.heat() WHERE fork = 'main' GROUP BY relation) h USING (relation)"
             " WHERE c.fork = 'main'"))
        figures.relations.push_back(
            {row.text("name"), row.text("data_class"), row.boolean("is_index").value_or(false),
             row.integer("relation_blocks").value_or(0), row.integer("resident").value_or(0),
             row.integer("rarely_used").value_or(0), row.integer("working_set").value_or(0),
             row.number("fetched").value_or(0), row.number("hit").value_or(0)});
    for (const Row &row :
         server.query("SELECT * FROM triage.miss_ratio_curve() ORDER BY shared_buffers")) {
        figures.curve.push_back({row.number("shared_buffers").value_or(0), row.number("hit_rate"),
                                 row.number("error").value_or(0),
                                 row.boolean("observed").value_or(false),
                                 row.boolean("at_least").value_or(false)});
        figures.observed_s = row.number("observed_s").value_or(0);
        figures.watched_blocks = row.integer("watched_blocks").value_or(0);
        figures.accesses_per_s = row.number("accesses_per_s").value_or(0);
        figures.lru_factor = row.number("lru_factor").value_or(1);
    }
    return figures;
}

std::vector<TableRates> read_table_rates(Server &server, std::chrono::milliseconds watched,
                                         double read_skew) {
    CountedTables before, after = count_tables(server);
    if (watched.count() > 0) {
        before = std::move(after);
        interruptible_sleep(watched);
        after = count_tables(server);
    }
    const bool is_watched = watched.count() > 0;
    const double read_s = is_watched ? after.at_s - before.at_s : after.reads_since_s;
    const double write_s = is_watched ? after.at_s - before.at_s : after.writes_since_s;
    std::vector<TableRates> rates;
    if (read_s <= 0 || write_s <= 0)
        return rates;
    for (const Row &row : server.query(
             "SELECT pg_catalog.format('%I.%I', s.schemaname, s.relname) AS name,"
             " triage.data_class_of(s.relid) AS data_class,"
             " coalesce(CASE WHEN k.n_distinct > 0 THEN k.n_distinct"
             "               ELSE -k.n_distinct * c.reltuples END, c.reltuples)::float8 AS keys"
             " FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid"
             " LEFT JOIN LATERAL"
             " (SELECT p.n_distinct FROM pg_stat_user_indexes i JOIN pg_index x USING (indexrelid)"
             "  JOIN pg_attribute a ON a.attrelid = i.relid AND a.attnum = x.indkey[0]"
             "  JOIN pg_stats p ON p.schemaname = s.schemaname AND p.tablename = s.relname"
             "   AND p.attname = a.attname"
             "  WHERE i.relid = s.relid ORDER BY i.idx_scan DESC, i.indexrelid LIMIT 1) k ON true"
             " WHERE s.schemaname <> 'triage'")) {
        const std::string name = row.text("name");
        const auto found = after.tables.find(name);
        if (found == after.tables.end())
            continue;
        const Counts earlier = before.tables[name];
        TtlWorkload workload;
        workload.reads_per_s = std::max(0.0, found->second.reads - earlier.reads) / read_s;
        workload.writes_per_s = std::max(0.0, found->second.writes - earlier.writes) / write_s;
        workload.keys = std::max(1.0, row.number("keys").value_or(1));
        workload.read_skew = read_skew;
        rates.push_back({name, row.text("data_class"), workload});
    }
    return rates;
}

} // namespace triage::advisor
