// A selection in words and figures: which statements an index serves, by how much, at what price,
// on what evidence. Never a value of user data beyond the conditions that the privacy rule let out.
#pragma once

#include "core/selection.h"
#include "pg/recommender.h"
#include "pg/snapshot.h"

#include <vector>

namespace triage {

std::vector<Recommendation> explain(const Snapshot &snapshot,
                                    const std::vector<Candidate> &candidates,
                                    const Selection &selection, double elapsed_ms);

} // namespace triage
