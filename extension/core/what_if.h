// The question that only a planner can answer: what would this statement cost if these indexes
// existed? Behind an abstract interface, so that selection is tested against a table of costs.
#pragma once

#include "core/index_definition.h"
#include "core/size_model.h"

#include <cstddef>
#include <span>
#include <vector>

namespace triage {

using CandidateId = std::size_t; // place in the vector of candidates

enum class PlanMode : std::uint8_t {
    Custom, // parameters known: literals of the sampled selectivities
    Generic // parameters unknown, as in a cached generic plan
};

// A possible index with its price.
struct Candidate {
    IndexDefinition definition;
    SizeEstimate size;
    double indexed_tuples = 0; // rows that satisfy the predicate
    double entries_per_row = 1; // of these; more in a GIN index
};

class WhatIf {
  public:
    struct Answer {
        double cost = 0;               // planner units, one execution
        std::vector<CandidateId> used; // offered candidates that the plan uses, sorted
    };

    virtual ~WhatIf() = default;

    // Plans statement number `statement` of the workload with the `offered` candidates (beside the
    // indexes that exist). May throw; is interruptible.
    virtual Answer plan(std::size_t statement, PlanMode mode, std::span<const CandidateId> offered) = 0;
};

} // namespace triage
