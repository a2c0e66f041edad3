#include "pg/observed_statements.h"

#include "pg/store.h"
#include "pg/subtransaction.h"

PG_HEADERS_BEGIN
#include "executor/spi.h"
PG_HEADERS_END

namespace triage {
namespace {

// Beyond so many, statements are too cheap together to decide anything.
constexpr std::size_t most_statements = 1000;

// One row of pg_stat_statements as text.
struct Row {
    char *queryid, *role, *query, *calls, *total_ms, *rows;
};

struct Rows {
    Row *rows;
    std::uint64_t count;
};

char *copy_of(char *value, MemoryContext context) {
    return value ? MemoryContextStrdup(context, value) : nullptr;
}

// Columns by name: their places differ between versions. A statement may be there once for each
// user and once more as part of a function.
Rows read_rows(const char *schema) {
    MemoryContext context = CurrentMemoryContext;
    StringInfoData query;
    initStringInfo(&query);
    appendStringInfo(&query,
                     "SELECT s.queryid::text, "
                     "(pg_catalog.array_agg(s.userid ORDER BY s.calls DESC))[1]::text, "
                     "pg_catalog.min(s.query), "
                     "pg_catalog.sum(s.calls)::float8::text, "
                     "pg_catalog.sum(s.total_exec_time)::float8::text, "
                     "pg_catalog.sum(s.rows)::float8::text "
                     "FROM %s.pg_stat_statements(true) AS s "
                     "WHERE s.dbid OPERATOR(pg_catalog.=) %u "
                     "GROUP BY s.queryid ORDER BY pg_catalog.sum(s.total_exec_time) DESC",
                     schema, MyDatabaseId);
    Rows result{};
    if (SPI_connect() != SPI_OK_CONNECT)
        elog(ERROR, "SPI_connect failed");
    if (SPI_execute(query.data, true, 0) != SPI_OK_SELECT)
        elog(ERROR, "could not read pg_stat_statements");
    result.count = SPI_processed;
    result.rows = static_cast<Row *>(
        MemoryContextAllocHuge(context, sizeof(Row) * std::max<std::uint64_t>(result.count, 1)));
    for (std::uint64_t i = 0; i < result.count; i++) {
        auto column = [&](int n) {
            return copy_of(SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, n), context);
        };
        result.rows[i] = {column(1), column(2), column(3), column(4), column(5), column(6)};
    }
    SPI_finish();
    return result;
}

// Quoted; null if the extension is not there.
char *schema_of_pg_stat_statements() {
    MemoryContext context = CurrentMemoryContext;
    if (SPI_connect() != SPI_OK_CONNECT)
        elog(ERROR, "SPI_connect failed");
    if (SPI_execute("SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_extension AS e "
                    "JOIN pg_catalog.pg_namespace AS n "
                    "ON n.oid OPERATOR(pg_catalog.=) e.extnamespace "
                    "WHERE e.extname OPERATOR(pg_catalog.=) 'pg_stat_statements'",
                    true, 1) != SPI_OK_SELECT)
        elog(ERROR, "could not read pg_extension");
    char *schema =
        SPI_processed == 0
            ? nullptr
            : copy_of(SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1), context);
    SPI_finish();
    return schema;
}

Rows read_pg_stat_statements() {
    const char *schema = call_server([] { return schema_of_pg_stat_statements(); });
    if (schema == nullptr)
        throw SqlError(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            "pg_stat_statements is not installed in this database",
            "The texts of the observed statements are kept there.",
            "Use CREATE EXTENSION pg_stat_statements, or give the statements as queries.");
    Rows rows{};
    ErrorData *error = call_server([&] { return attempt([&] { rows = read_rows(schema); }); });
    if (error && error->sqlerrcode == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE)
        throw SqlError(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "no statements have been observed",
            "pg_stat_statements is not loaded.",
            "Add pg_stat_statements and pg_triage to shared_preload_libraries and restart, "
            "or give the statements as queries.");
    if (error)
        throw ServerError(error);
    return rows;
}

struct Sampled {
    double calls = 0, total_ms = 0, samples = 0, generic = 0;
    Oid main_relation = InvalidOid;
};

std::map<std::int64_t, Sampled> read_samples() {
    std::map<std::int64_t, Sampled> result;
    if (!store::available())
        return result;
    for (const store::StatementStats &stats : store::read_statements(MyDatabaseId)) {
        Sampled &sampled = result[stats.key.queryid];
        sampled.calls += static_cast<double>(stats.calls);
        sampled.total_ms += stats.latency.total_ms;
        sampled.samples += static_cast<double>(stats.sampled);
        sampled.generic += static_cast<double>(stats.generic_plans);
        if (OidIsValid(stats.main_relation))
            sampled.main_relation = stats.main_relation;
    }
    return result;
}

ObservedStatement statement_of(const Row &row) {
    ObservedStatement statement{.queryid = std::stoll(row.queryid),
                                .role = static_cast<Oid>(std::stoul(row.role)),
                                .text = row.query ? row.query : "",
                                .calls = std::stod(row.calls)};
    if (statement.calls > 0) {
        statement.mean_ms = std::stod(row.total_ms) / statement.calls;
        statement.rows_per_call = std::stod(row.rows) / statement.calls;
    }
    return statement;
}

// The store's counts are the better ones: of the same time as the conditions it sampled.
void refine(ObservedStatement &statement, const Sampled &sampled) {
    statement.calls = sampled.calls;
    statement.main_relation = sampled.main_relation;
    if (sampled.calls > 0)
        statement.mean_ms = sampled.total_ms / sampled.calls;
    if (sampled.samples > 0)
        statement.generic_share = sampled.generic / sampled.samples;
}

} // namespace

ObservedStatements read_observed_statements() {
    Rows rows = read_pg_stat_statements();
    std::map<std::int64_t, Sampled> samples = read_samples();
    ObservedStatements result;
    for (std::uint64_t i = 0; i < rows.count; i++) {
        if (rows.rows[i].queryid == nullptr) {
            result.hidden++;
            continue;
        }
        ObservedStatement statement = statement_of(rows.rows[i]);
        // pg_stat_statements may remember what ran before the store was last emptied.
        auto sampled = samples.find(statement.queryid);
        if (sampled != samples.end())
            refine(statement, sampled->second);
        else if (!samples.empty())
            continue;
        result.statements.push_back(std::move(statement));
    }
    std::stable_sort(result.statements.begin(), result.statements.end(),
                     [](const ObservedStatement &a, const ObservedStatement &b) {
                         return a.calls * a.mean_ms > b.calls * b.mean_ms;
                     });
    if (result.statements.size() > most_statements) {
        result.left_out = result.statements.size() - most_statements;
        result.statements.resize(most_statements);
    }
    return result;
}

ObservedStatements observe_texts(const std::vector<std::string> &texts) {
    ObservedStatements result;
    std::unordered_map<std::string, std::size_t> places;
    for (const std::string &text : texts) {
        auto [place, is_new] = places.emplace(text, result.statements.size());
        if (is_new)
            result.statements.push_back({.text = text});
        else
            result.statements[place->second].calls++;
    }
    return result;
}

} // namespace triage
