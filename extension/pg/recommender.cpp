#include "pg/recommender.h"

#include "core/candidates.h"
#include "pg/explanation.h"
#include "pg/planner_what_if.h"
#include "pg/scoped_memory.h"
#include "pg/snapshot.h"

#include <chrono>

namespace triage {
namespace {

std::vector<IndexDefinition> wanted_candidates(const Workload &workload,
                                               const RecommendationRequest &request) {
    std::vector<IndexDefinition> candidates = generate_candidates(workload);
    if (request.relations)
        std::erase_if(candidates, [&](const IndexDefinition &candidate) {
            return std::find(request.relations->begin(), request.relations->end(),
                             candidate.relation) == request.relations->end();
        });
    return candidates;
}

double elapsed_ms(std::chrono::steady_clock::time_point since) {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - since)
        .count();
}

} // namespace

std::vector<Recommendation> recommend(const RecommendationRequest &request) {
    auto start = std::chrono::steady_clock::now();
    ScopedMemory memory("pg_triage recommender");
    Snapshot snapshot = request.queries ? take_snapshot(*request.queries) : take_snapshot();
    std::vector<Candidate> candidates =
        price_candidates(snapshot.workload, wanted_candidates(snapshot.workload, request));
    PlannerWhatIf planner(snapshot.plannable, snapshot.parameters, candidates);
    Selection selection = select_indexes(snapshot.workload, candidates, planner, request.limits);
    return explain(snapshot, candidates, selection, elapsed_ms(start));
}

} // namespace triage
