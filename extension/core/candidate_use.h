// Which accesses the planner could use a candidate for. What it cannot use need not be offered:
// each index that is offered costs planning time, and too many of them another plan.
#pragma once

#include "core/index_definition.h"
#include "core/workload.h"

#include <vector>

namespace triage {

// True if the text names the column. A literal that reads like the name counts as well.
bool mentions(const std::string &sql, const std::string &column);

class CandidateUse {
  public:
    CandidateUse(const IndexDefinition &definition, const Relation &relation);

    // False only if a plan cannot gain by the index in this access, or gains as much by a candidate
    // that is made for it.
    bool possible(const RelationAccess &access) const;

  private:
    bool concerns(const Clause &clause, AttributeNumber column) const;
    bool may_imply_predicate(const RelationAccess &access) const;
    bool leads(const RelationAccess &access) const;
    static bool is_looked_for(const RelationAccess &access, const KeyExpression &key);
    bool covers(const RelationAccess &access) const;

    const IndexDefinition &definition_;
    const Relation &relation_;
    // By condition of the predicate: the columns that it names.
    std::vector<std::vector<AttributeNumber>> condition_columns_;
};

} // namespace triage
