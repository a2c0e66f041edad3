// From a workload to recommendations: snapshot, candidates, prices, selection, explanation.
#pragma once

#include "core/selection.h"
#include "pg/pg.h"

#include <optional>
#include <string>
#include <vector>

namespace triage {

struct RecommendationRequest {
    std::optional<std::vector<std::string>> queries; // none: the observed workload
    SelectionLimits limits;
    std::optional<std::vector<RelationId>> relations; // none: all
};

// One row of triage.recommend_indexes.
struct Recommendation {
    int rank = 0;
    RelationId relation = 0;
    std::string ddl;
    std::string fingerprint; // the definition without the index's name
    std::string kind;
    double size_bytes = 0;
    double cost_before = 0, cost_after = 0, improvement = 0, write_cost = 0;
    std::vector<std::int64_t> queryids; // most saved first
    int queries = 0;
    bool generic_plan_ok = true;
    std::string reason;
    std::string details; // JSON
};

// Reads only. Interruptible.
std::vector<Recommendation> recommend(const RecommendationRequest &request);

} // namespace triage
