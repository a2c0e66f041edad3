// A selection in words and figures: which statements an index serves, by how much, at what price,
// on what evidence. Never a value of user data beyond the conditions that the privacy rule let out.
#pragma once

#include "core/selection.h"
#include "pg/recommender.h"
#include "pg/snapshot.h"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace triage {

// EXPLAIN's text of the plan of a statement (by its place in the workload) with this candidate,
// which has the given name, or with none; empty if there is none to show.
struct NamedCandidate {
    CandidateId id;
    std::string name;
};
using Planner = std::function<std::string(std::size_t statement, PlanMode mode,
                                          const std::optional<NamedCandidate> &with)>;

// What else is to be told of how the selection came about.
struct SearchRecord {
    double elapsed_ms = 0;
    std::map<std::string, std::uint64_t> undefined; // candidates that cannot be, by SQLSTATE
    std::uint64_t withheld = 0; // candidates that would name what the privacy rule keeps in
    std::set<std::pair<RelationId, std::string>> sampled; // expressions with statistics from rows
};

std::vector<Recommendation> explain(const Snapshot &snapshot,
                                    const std::vector<Candidate> &candidates,
                                    const Selection &selection, const SearchRecord &record,
                                    const Planner &plan_of);

} // namespace triage
