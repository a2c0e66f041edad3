#include "snapshot_indexes.h"

#include <fmt/format.h>

#include <algorithm>

namespace triage::advisor {

namespace {

// Of a relation that is gone since, there is nothing left to recommend.
const std::string recommendation_columns =
    " r.rank, pg_catalog.format('%I.%I', n.nspname, c.relname) AS relation,"
    " pg_catalog.quote_ident(n.nspname) AS schema, r.ddl, r.kind,"
    " r.size_bytes, r.cost_before, r.cost_after, r.improvement, r.write_cost, r.queries,"
    " r.generic_plan_ok, r.reason, r.details::text AS details";
const std::string recommendation_relation =
    " JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) r.relation"
    " JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace";

Recommendation recommendation_from(const Row &row) {
    Recommendation it;
    it.id = row.integer("id");
    it.status = row.text("status");
    it.rank = static_cast<int>(row.integer("rank").value_or(0));
    it.relation = row.text("relation");
    it.schema = row.text("schema");
    it.ddl = row.text("ddl");
    it.kind = row.text("kind");
    it.size_bytes = row.integer("size_bytes").value_or(0);
    it.cost_before = row.number("cost_before").value_or(0);
    it.cost_after = row.number("cost_after").value_or(0);
    it.improvement = row.number("improvement").value_or(0);
    it.write_cost = row.number("write_cost").value_or(0);
    it.queries = static_cast<int>(row.integer("queries").value_or(0));
    it.generic_plan_ok = row.boolean("generic_plan_ok").value_or(false);
    it.reason = row.text("reason");
    it.details = row.text("details");
    return it;
}

std::vector<Recommendation> recommendations_from(const Rows &rows) {
    std::vector<Recommendation> recommendations;
    for (const Row &row : rows)
        recommendations.push_back(recommendation_from(row));
    return recommendations;
}

Server::Parameters parameters_of(const IndexLimits &limits) {
    const auto text = [](const auto &number) {
        return number ? std::optional(std::to_string(*number)) : std::nullopt;
    };
    return {text(limits.budget_bytes), text(limits.max_indexes)};
}

} // namespace

namespace {

const std::string job_columns =
    " j.id, j.kind, j.status, j.phase, j.progress, j.ddl, j.index_name, j.relation::text AS "
    "relation,"
    " j.attempts, j.error, j.verdict, j.size_bytes, j.before_ms, j.after_ms, j.before_p95_ms,"
    " j.after_p95_ms, j.executions,"
    " to_char(j.finished_at, 'YYYY-MM-DD HH24:MI') AS finished_at";

Job job_from(const Row &row) {
    Job it;
    it.id = row.integer("id").value_or(0);
    it.kind = row.text("kind");
    it.status = row.text("status");
    it.phase = row.text("phase");
    it.progress = row.number("progress");
    it.ddl = row.text("ddl");
    it.index = row.text("index_name");
    it.relation = row.text("relation");
    it.attempts = static_cast<int>(row.integer("attempts").value_or(0));
    it.error = row.text("error");
    it.verdict = row.text("verdict");
    it.size_bytes = row.integer("size_bytes");
    it.before_ms = row.number("before_ms");
    it.after_ms = row.number("after_ms");
    it.before_p95_ms = row.number("before_p95_ms");
    it.after_p95_ms = row.number("after_p95_ms");
    it.executions = row.integer("executions");
    it.finished_at = row.text("finished_at");
    return it;
}

} // namespace

std::vector<Job> read_recent_jobs(Server &server, int limit) {
    std::vector<Job> jobs;
    for (const Row &row :
         server.query("SELECT" + job_columns +
                          " FROM (SELECT * FROM triage.jobs ORDER BY id DESC LIMIT $1)"
                          " j ORDER BY j.id",
                      {std::to_string(limit)}))
        jobs.push_back(job_from(row));
    return jobs;
}

Job read_job(Server &server, std::int64_t id) {
    return job_from(server.query_one("SELECT" + job_columns + " FROM triage.jobs j WHERE j.id = $1",
                                     {std::to_string(id)}));
}

std::vector<Recommendation> read_open_recommendations(Server &server) {
    return recommendations_from(server.query(
        "SELECT r.id, r.status," + recommendation_columns + " FROM triage.recommendations r" +
        recommendation_relation + " WHERE r.status = 'open' ORDER BY r.rank, r.id"));
}

std::vector<Recommendation> compute_recommendations(Server &server, const IndexLimits &limits) {
    return recommendations_from(server.query_with_users_path(
        "SELECT NULL AS id, NULL AS status," + recommendation_columns +
            " FROM triage.recommend_indexes(budget_bytes => $1, max_indexes => $2) r" +
            recommendation_relation + " ORDER BY r.rank",
        parameters_of(limits)));
}

void refresh_recommendations(Server &server, const IndexLimits &limits) {
    server.query_with_users_path("SELECT FROM triage.refresh_recommendations(budget_bytes => $1,"
                                 " max_indexes => $2)",
                                 parameters_of(limits));
}

std::map<std::string, StatementOfRecommendation>
read_statements_of_recommendations(Server &server) {
    std::map<std::string, StatementOfRecommendation> statements;
    // In less than an hour it is not known what a day is like.
    for (const Row &row :
         server.query("SELECT s.queryid, min(s.query) AS query, sum(s.calls) / CASE WHEN "
                      "min(s.first_seen) < now() - "
                      "interval '1 hour' THEN extract(epoch FROM now() - min(s.first_seen)) / "
                      "86400 END AS calls_a_day"
                      " FROM triage.statements s JOIN pg_database d ON d.oid = s.dbid"
                      " WHERE d.datname = current_database() GROUP BY s.queryid"))
        statements[row.text("queryid")] = {row.text("query"), row.number("calls_a_day")};
    return statements;
}

std::vector<Recommendation> within(const IndexLimits &limits,
                                   std::vector<Recommendation> recommendations) {
    std::int64_t left = limits.budget_bytes.value_or(INT64_MAX);
    std::erase_if(recommendations, [&](const Recommendation &it) {
        if (it.size_bytes > left)
            return true;
        left -= it.size_bytes;
        return false;
    });
    const auto most = static_cast<std::size_t>(limits.max_indexes.value_or(INT32_MAX));
    if (recommendations.size() > most)
        recommendations.resize(most);
    return recommendations;
}

} // namespace triage::advisor
