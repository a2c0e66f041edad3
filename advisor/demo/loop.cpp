#include "demo/loop.h"

#include "emit/index_ddl.h"
#include "exit_status.h"
#include "interrupt.h"
#include "progress.h"
#include "snapshot_indexes.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace triage::advisor {

namespace {

using namespace std::chrono_literals;

std::string index_name(const Recommendation &recommendation) {
    const auto parts = parse_create_index(recommendation.ddl);
    return parts ? parts->name : recommendation.ddl;
}

bool finished(const Job &job) {
    return job.status != "queued" && job.status != "running" && job.status != "verifying";
}

bool is_built(const Job &job) {
    return job.status == "verifying" || job.status == "kept";
}

// Built ones count half: what follows is that they are watched.
double share_done(const std::vector<BuiltIndex> &indexes) {
    double done = 0;
    for (const BuiltIndex &index : indexes)
        done += finished(index.job)               ? 1
                : index.job.status == "verifying" ? 0.5
                                                  : 0.5 * index.job.progress.value_or(0);
    return indexes.empty() ? 1 : done / double(indexes.size());
}

std::string state_of(const std::vector<BuiltIndex> &indexes) {
    const auto count = [&indexes](const std::string &status) {
        return std::count_if(indexes.begin(), indexes.end(),
                             [&](const BuiltIndex &index) { return index.job.status == status; });
    };
    std::string now;
    for (const BuiltIndex &index : indexes)
        if (index.job.status == "running")
            now = fmt::format(": {}, {}", index_name(index.recommendation), index.job.phase);
    return fmt::format("building while the load runs ({} queued, {} verifying, {} done){}",
                       count("queued"), count("verifying"),
                       std::count_if(indexes.begin(), indexes.end(),
                                     [](const BuiltIndex &index) { return finished(index.job); }),
                       now);
}

// When the builds ran, and what the indexes are called now.
void read_builds(Server &server, LoopResult &result) {
    bool first = true;
    for (BuiltIndex &index : result.indexes) {
        const Row row = server.query_one(
            "SELECT extract(epoch FROM j.started_at) AS started,"
            " extract(epoch FROM coalesce(j.built_at, j.finished_at)) AS built,"
            " c.oid::regclass::text AS name"
            " FROM triage.jobs j LEFT JOIN pg_catalog.pg_class c ON c.relname = j.index_name"
            " AND c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n"
            " WHERE n.nspname = j.index_schema) WHERE j.id = $1",
            {std::to_string(index.job.id)});
        index.name = row.text("name");
        const auto started = row.number("started"), built = row.number("built");
        if (!started || !built)
            continue;
        index.build_seconds = *built - *started;
        result.building.from = first ? *started : std::min(result.building.from, *started);
        result.building.to = std::max(result.building.to, *built);
        first = false;
    }
    result.invalid_indexes =
        static_cast<int>(server
                             .query_one("SELECT count(*) AS invalid FROM pg_catalog.pg_index i"
                                        " WHERE NOT i.indisvalid OR NOT i.indisready")
                             .integer("invalid")
                             .value_or(0));
}

} // namespace

std::vector<Recommendation> recommend(const Options &options, Server &server) {
    const Progress progress(options, "working out recommendations");
    refresh_recommendations(server, {});
    return read_open_recommendations(server);
}

LoopResult build_and_verify(const Options &options, Server &server,
                            const std::vector<Recommendation> &recommendations,
                            std::chrono::seconds longest, const std::function<void()> &watch) {
    LoopResult result;
    for (const Recommendation &recommendation : recommendations) {
        const Row row = server.query_one("SELECT triage.create_index($1) AS job",
                                         {std::to_string(recommendation.id.value_or(0))});
        BuiltIndex index;
        index.recommendation = recommendation;
        index.job = read_job(server, row.integer("job").value_or(0));
        result.indexes.push_back(std::move(index));
    }
    Progress progress(options, "building while the load runs");
    for (const auto until = std::chrono::steady_clock::now() + longest;;) {
        for (BuiltIndex &index : result.indexes)
            if (!finished(index.job)) {
                index.job = read_job(server, index.job.id);
                // The prediction was of the fresh index; the load goes on to fill it.
                if (!index.bytes && is_built(index.job))
                    index.bytes = index.job.size_bytes;
            }
        if (std::all_of(result.indexes.begin(), result.indexes.end(),
                        [](const BuiltIndex &index) { return finished(index.job); }))
            break;
        progress.update(state_of(result.indexes), share_done(result.indexes));
        if (std::chrono::steady_clock::now() > until)
            throw Failure(ExitStatus::ActionFailed,
                          fmt::format("the builds were not finished within {} s", longest / 1s),
                          state_of(result.indexes));
        watch();
        interruptible_sleep(500ms);
    }
    read_builds(server, result);
    return result;
}

void read_use(Server &server, LoopResult &result) {
    for (BuiltIndex &index : result.indexes) {
        if (index.name.empty())
            continue;
        const Row row =
            server.query_one("SELECT pg_catalog.pg_relation_size($1::regclass) AS bytes,"
                             " pg_catalog.pg_stat_get_numscans($1::regclass) AS scans",
                             {index.name});
        index.bytes = row.integer("bytes");
        index.scans = row.integer("scans");
    }
}

} // namespace triage::advisor
