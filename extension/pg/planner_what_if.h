// Prices hypothetical indexes by PostgreSQL's own planner in this process. The planner sees them
// through get_relation_info_hook, and only in the calls made here: not in plans made while one of
// ours is under way, never in a plan that is executed or cached.
#pragma once

#include "core/what_if.h"
#include "core/workload.h"
#include "pg/expression_statistics.h"
#include "pg/hypothetical_index.h"
#include "pg/pg.h"
#include "pg/query_text.h"

PG_HEADERS_BEGIN
#include "nodes/params.h"
#include "nodes/plannodes.h"
PG_HEADERS_END

namespace triage {

// How one statement's parameters are bound. A parameter without a value has ptype InvalidOid; a
// value that the planner may rely on has PARAM_FLAG_CONST. Null: nothing bound.
struct PlanningParameters {
    ParamListInfo custom = nullptr;  // literals and parameters known
    ParamListInfo generic = nullptr; // literals known, true parameters not
};

// What the executed plan would look like.
struct ExplainedPlan {
    double cost = 0;
    std::vector<CandidateId> used; // sorted
    std::string text;              // EXPLAIN's, hypothetical indexes by name
};

class PlannerWhatIf : public WhatIf {
  public:
    // Statements, by their place in the workload, with their parameters (may be shorter: then
    // nothing is bound); all handed over must outlive this object, and the statements must have
    // been analysed in this transaction, whose locks they rely on. What is known of `expressions`
    // the planner knows in every call, whatever is offered. `resolved` are the candidates' indexes,
    // if the caller has them already. Throws ServerError.
    PlannerWhatIf(std::span<const PlannableQuery> statements,
                  std::span<const PlanningParameters> parameters,
                  std::span<const Candidate> candidates,
                  std::span<const ExpressionStatistics> expressions = {},
                  std::span<HypotheticalIndex *const> resolved = {});
    ~PlannerWhatIf() override;
    PlannerWhatIf(const PlannerWhatIf &) = delete;
    PlannerWhatIf &operator=(const PlannerWhatIf &) = delete;

    // std::domain_error if the statement cannot be planned in this mode at all (folding its
    // constants fails, say); every other error, a cancel among them, is a ServerError.
    Answer plan(std::size_t statement, PlanMode mode,
                std::span<const CandidateId> offered) override;

    // As plan(), but throws ServerError also if the statement cannot be planned: for statements
    // without bound values, whose errors may be shown.
    Answer price(std::size_t statement, PlanMode mode, std::span<const CandidateId> offered);

    // As price(), with the plan's text; `names` by candidate. A value bound to a parameter is shown
    // as the parameter.
    ExplainedPlan explain(std::size_t statement, PlanMode mode,
                          std::span<const CandidateId> offered, std::span<const std::string> names);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace triage
