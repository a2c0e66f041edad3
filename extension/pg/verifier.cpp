#include "pg/verifier.h"

#include "core/verdict.h"
#include "pg/builder.h"
#include "pg/guc.h"
#include "pg/index_command.h"
#include "pg/store.h"
#include "pg/worker_area.h"

PG_HEADERS_BEGIN
#include "utils/timestamp.h"
PG_HEADERS_END

#include <charconv>

namespace triage::verifier {

namespace {

// So many looks are taken at an index during pg_triage.verify_duration.
constexpr int looks = 20;
constexpr int shortest_pause_ms = 1000, longest_pause_ms = 60 * 1000;
// A drop that could not get its lock is tried again after this.
constexpr int revert_retry_ms = 5 * 1000;
// With fewer executions since the last build, what came before it is taken as well.
constexpr std::uint64_t enough_before = 100;

// Counts as a bigint[] that leaves out the empty ends: its lower bound is the first bucket in use.
std::string array_of(const LatencyHistogram &histogram) {
    int first = 0, last = LatencyBuckets::count - 1;
    while (first <= last && histogram.counts[first] == 0)
        first++;
    while (last >= first && histogram.counts[last] == 0)
        last--;
    if (first > last)
        return "{}";
    std::string array = "[" + std::to_string(first) + ":" + std::to_string(last) + "]={";
    for (int bucket = first; bucket <= last; bucket++)
        array += (bucket > first ? "," : "") + std::to_string(histogram.counts[bucket]);
    return array + "}";
}

LatencyHistogram histogram_of(const spi::Value &array, const spi::Value &total_ms) {
    LatencyHistogram histogram;
    histogram.total_ms = spi::real(total_ms);
    if (!array)
        return histogram;
    const char *at = array->data(), *end = at + array->size();
    int bucket = 1; // PostgreSQL's default lower bound, which it does not print
    if (at < end && *at == '[')
        std::from_chars(at + 1, end, bucket);
    at = std::find(at, end, '{') + 1;
    while (at < end && bucket >= 0 && bucket < LatencyBuckets::count) {
        std::uint64_t count = 0;
        const auto [next, error] = std::from_chars(at, end, count);
        if (error != std::errc())
            break;
        histogram.counts[bucket++] = count;
        at = next + 1;
    }
    return histogram;
}

// Latencies of this database's statements now, all users together.
std::map<std::int64_t, LatencyHistogram> current_latencies() {
    std::map<std::int64_t, LatencyHistogram> latencies;
    for (const store::StatementStats &statement : store::read_statements(MyDatabaseId))
        latencies[statement.key.queryid] += statement.latency;
    return latencies;
}

// What a statement's counters were when the last index for it was built, if that was before this
// job.
LatencyHistogram at_last_build(const Job &job, std::int64_t queryid) {
    const std::vector<spi::Row> rows =
        spi::run("SELECT s.built_counts, s.built_ms FROM triage.job_statements s "
                 "JOIN triage.job j ON j.id = s.job_id WHERE s.queryid = $1::bigint "
                 "AND s.job_id <> $2::bigint AND s.built_counts IS NOT NULL "
                 "ORDER BY j.built_at DESC LIMIT 1",
                 {spi::text(queryid), spi::text(job.id)});
    return rows.empty() ? LatencyHistogram{} : histogram_of(rows[0][0], rows[0][1]);
}

struct Watched {
    Job job;
    Evidence evidence;
    bool time_is_up = false, quiet = true;
    bool revert = false; // the verdict was given, the drop is still to be done
};

Watched read_watched(std::int64_t id, const std::map<std::int64_t, LatencyHistogram> &now) {
    Watched watched;
    watched.job = jobs::read(id);
    const spi::Row row = spi::run(
        // Scans of an index are counted with a delay of up to ten seconds.
        "SELECT (SELECT max(b.built_at) FROM triage.job b) + make_interval(secs => $2::float8 + "
        "CASE WHEN scans.number = 0 THEN 11 ELSE 0 END) <= clock_timestamp(), "
        "scans.number, coalesce(decision = 'revert', false), "
        "EXISTS (SELECT FROM triage.job o WHERE o.id <> j.id AND o.kind = 'create' "
        "AND o.queryids && j.queryids AND o.built_at > j.queued_at), "
        "NOT EXISTS (SELECT FROM triage.job r WHERE r.status = 'running') "
        // An index on a partitioned table is scanned through those of the partitions.
        "FROM triage.job j, LATERAL (SELECT coalesce((SELECT sum(pg_stat_get_numscans(p.relid)) "
        "FROM pg_partition_tree(j.index_oid) p), pg_stat_get_numscans(j.index_oid), 0) AS number) "
        "scans WHERE id = $1::bigint",
        {spi::text(id), spi::text(double(guc::verify_duration_s))})[0];
    watched.time_is_up = spi::boolean(row[0]);
    watched.evidence.index_scans = static_cast<std::uint64_t>(spi::integer(row[1]));
    watched.revert = spi::boolean(row[2]);
    watched.evidence.overlapping_builds = spi::boolean(row[3]);
    watched.quiet = spi::boolean(row[4]);
    for (const spi::Row &statement :
         spi::run("SELECT queryid, before_counts, before_ms, built_counts, built_ms "
                  "FROM triage.job_statements WHERE job_id = $1::bigint",
                  {spi::text(id)})) {
        const auto current = now.find(spi::integer(statement[0]));
        StatementEvidence evidence;
        evidence.before = histogram_of(statement[1], statement[2]);
        if (current != now.end())
            evidence.after = current->second.since(histogram_of(statement[3], statement[4]));
        spi::run("UPDATE triage.job_statements SET after_counts = $3::bigint[], "
                 "after_ms = $4::float8 WHERE job_id = $1::bigint AND queryid = $2::bigint",
                 {spi::text(id), statement[0], array_of(evidence.after),
                  spi::text(evidence.after.total_ms)});
        watched.evidence.statements.push_back(std::move(evidence));
    }
    return watched;
}

// False if the job is not being verified any more: its verification was cancelled.
bool record_figures(const Watched &watched, const Verdict &verdict, const char *decision) {
    auto figure = [&](double value) {
        return verdict.compared ? spi::Value(spi::text(value)) : std::nullopt;
    };
    return !spi::run(
                "UPDATE triage.job SET before_mean_ms = $2::float8, after_mean_ms = $3::float8, "
                "before_p95_ms = $4::float8, after_p95_ms = $5::float8, "
                "improvement = $6::float8, executions = $7::bigint, idx_scan = $8::bigint, "
                "reason = $9, decision = $10 WHERE id = $1::bigint AND status = 'verifying' "
                "RETURNING 1",
                {spi::text(watched.job.id), figure(verdict.before_mean_ms),
                 figure(verdict.after_mean_ms), figure(verdict.before_p95_ms),
                 figure(verdict.after_p95_ms), figure(verdict.improvement),
                 spi::text(std::int64_t(verdict.executions)),
                 spi::text(std::int64_t(watched.evidence.index_scans)), verdict.reason, decision})
                .empty();
}

bool index_is_there(const Job &job) {
    return worker_transaction([&] { return OidIsValid(find_index(job.relation, job.index).oid); });
}

// The verdict stands in the job's row before the drop begins, so that a crash does not lose it.
bool revert(const Job &job) {
    try {
        worker_area::begin_interruptible(job.id);
        set_lock_timeout(guc::lock_timeout_ms);
        if (index_is_there(job))
            builder::drop_index(job.relation, job.index);
        worker_area::end_interruptible();
    } catch (const WorkerError &) {
        worker_area::end_interruptible();
        return false;
    }
    worker_transaction([&] { jobs::finish(job, JobStatus::Reverted, std::nullopt); });
    return true;
}

// Returns the pause until the next look at this job; 0: it is settled.
int check(std::int64_t id) {
    const std::map<std::int64_t, LatencyHistogram> now = current_latencies();
    const Watched watched = worker_transaction([&] { return read_watched(id, now); });
    if (watched.revert)
        return revert(watched.job) ? 0 : revert_retry_ms;
    if (!index_is_there(watched.job)) {
        worker_transaction([&] {
            jobs::finish(watched.job, JobStatus::Reverted, "somebody else dropped the index");
        });
        return 0;
    }
    Verdict verdict =
        judge(watched.evidence, {guc::revert_threshold, watched.time_is_up && watched.quiet});
    // A build that is running slows its neighbours down: that speaks against no index.
    if (!watched.quiet && verdict.decision == Decision::Revert)
        verdict.decision = Decision::NotEnoughEvidence;
    const bool keep =
        verdict.decision == Decision::Keep ||
        (verdict.decision == Decision::NotEnoughEvidence && watched.time_is_up && watched.quiet);
    const char *decision = keep ? "keep" : verdict.decision == Decision::Revert ? "revert" : "open";
    const bool settled = worker_transaction([&] {
        if (!record_figures(watched, verdict, decision))
            return true;
        if (keep)
            jobs::finish(watched.job, JobStatus::Kept, std::nullopt);
        return keep;
    });
    if (settled)
        return 0;
    if (verdict.decision == Decision::Revert)
        return revert(watched.job) ? 0 : revert_retry_ms;
    return std::clamp(guc::verify_duration_s * 1000 / looks, shortest_pause_ms, longest_pause_ms);
}

} // namespace

bool can_verify(const Job &job) {
    return !job.queryids.empty() && store::available();
}

void record_before(const Job &job) {
    if (!can_verify(job))
        return;
    const std::map<std::int64_t, LatencyHistogram> now = current_latencies();
    spi::run("DELETE FROM triage.job_statements WHERE job_id = $1::bigint", {spi::text(job.id)});
    for (std::int64_t queryid : job.queryids) {
        const auto current = now.find(queryid);
        LatencyHistogram before = current == now.end() ? LatencyHistogram{} : current->second;
        const LatencyHistogram recent = before.since(at_last_build(job, queryid));
        if (recent.executions() >= enough_before)
            before = recent;
        spi::run(
            "INSERT INTO triage.job_statements (job_id, queryid, before_counts, before_ms) "
            "VALUES ($1::bigint, $2::bigint, $3::bigint[], $4::float8) ON CONFLICT DO NOTHING",
            {spi::text(job.id), spi::text(queryid), array_of(before), spi::text(before.total_ms)});
    }
}

void record_built(const Job &job) {
    const std::map<std::int64_t, LatencyHistogram> now = current_latencies();
    for (const spi::Row &statement :
         spi::run("SELECT s.job_id, s.queryid FROM triage.job_statements s JOIN triage.job j "
                  "ON j.id = s.job_id WHERE j.id = $1::bigint OR j.status = 'verifying'",
                  {spi::text(job.id)})) {
        const auto current = now.find(spi::integer(statement[1]));
        const LatencyHistogram built = current == now.end() ? LatencyHistogram{} : current->second;
        spi::run("UPDATE triage.job_statements SET built_counts = $3::bigint[], "
                 "built_ms = $4::float8 WHERE job_id = $1::bigint AND queryid = $2::bigint",
                 {statement[0], statement[1], array_of(built), spi::text(built.total_ms)});
    }
}

TimestampTz check_all() {
    int pause = INT_MAX;
    for (std::int64_t id : worker_transaction(jobs::verifying))
        if (const int next = check(id))
            pause = std::min(pause, next);
    return pause == INT_MAX ? DT_NOEND : TimestampTzPlusMilliseconds(GetCurrentTimestamp(), pause);
}

} // namespace triage::verifier
