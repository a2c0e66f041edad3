#include "warm/latency.h"

namespace triage::advisor {

namespace {

constexpr std::uint64_t fewest_statements = 20;

LatencyHistogram read_histogram(Server &server) {
    LatencyHistogram histogram;
    for (const Row &row :
         server.query("SELECT bucket, executions FROM triage.latency_histogram()")) {
        const auto bucket = row.integer("bucket").value_or(-1);
        if (bucket >= 0 && bucket < LatencyBuckets::count)
            histogram.counts[static_cast<std::size_t>(bucket)] =
                static_cast<std::uint64_t>(row.integer("executions").value_or(0));
    }
    return histogram;
}

} // namespace

LatencyProbe::LatencyProbe(Server &server) : server_(server) {
    available_ = server_
                     .query_one("SELECT coalesce(pg_catalog.has_function_privilege("
                                "pg_catalog.to_regprocedure('triage.latency_histogram()'),"
                                " 'EXECUTE'), false) AS available")
                     .boolean("available")
                     .value_or(false);
    if (!available_)
        return;
    try {
        last_ = read_histogram(server_);
    } catch (const ServerFailure &) { // not preloaded
        available_ = false;
    }
}

std::optional<double> LatencyProbe::p99_ms() {
    if (!available_)
        return std::nullopt;
    const LatencyHistogram now = read_histogram(server_);
    const LatencyHistogram since = now.since(last_);
    last_ = now;
    return since.executions() >= fewest_statements ? std::optional(since.percentile_ms(0.99))
                                                   : std::nullopt;
}

} // namespace triage::advisor
