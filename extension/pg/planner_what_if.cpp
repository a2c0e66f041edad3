#include "pg/planner_what_if.h"

#include "pg/guard.h"
#include "pg/plan_text.h"
#include "pg/plan_tree.h"
#include "pg/scratch.h"
#include "pg/subtransaction.h"

PG_HEADERS_BEGIN
#include "access/transam.h"
#include "optimizer/planner.h"
#include "utils/syscache.h"
PG_HEADERS_END

#include <stdexcept>

namespace triage {
namespace {

// Numbers of relations that do not exist and that none can be given meanwhile: from the range that
// is handed out only while a cluster is initialised.
Oid next_free_oid(Oid after) {
    for (Oid oid = after - 1; oid >= FirstUnpinnedObjectId; oid--)
        if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(oid)))
            return oid;
    ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                    errmsg("too many hypothetical indexes in one plan")));
    pg_unreachable();
}

// Which of the offered indexes a plan reads.
struct UsedIndexes {
    const OfferedIndex *offered;
    int count;
    bool *used;
};

void note_index(Plan *plan, void *context) {
    Oid oid = InvalidOid;
    switch (nodeTag(plan)) {
    case T_IndexScan:
        oid = castNode(IndexScan, plan)->indexid;
        break;
    case T_IndexOnlyScan:
        oid = castNode(IndexOnlyScan, plan)->indexid;
        break;
    case T_BitmapIndexScan:
        oid = castNode(BitmapIndexScan, plan)->indexid;
        break;
    default:
        return;
    }
    auto *used = static_cast<UsedIndexes *>(context);
    for (int i = 0; i < used->count; i++)
        if (used->offered[i].oid == oid)
            used->used[i] = true;
}

void lend(const ExpressionStatistics &known, const IndexDefinition &definition,
          HypotheticalIndex *index) {
    if (definition.relation == known.relation && definition.method == IndexMethod::Btree)
        for (std::size_t key = 0; key < definition.keys.size(); key++)
            if (definition.keys[key].key.expression == known.expression)
                index->statistics[key] = known.statistics;
}

// Enough for a plan of five tables.
constexpr Size kept_for_plans = 1024 * 1024;
MemoryContext memory_for_plans = nullptr;

} // namespace

struct PlannerWhatIf::State {
    std::span<const PlannableQuery> statements;
    std::span<const PlanningParameters> parameters;
    ScratchContext context{"pg_triage hypothetical indexes"};
    KeptContext plan_context{memory_for_plans, "pg_triage what-if plan", kept_for_plans};
    std::vector<HypotheticalIndex *> indexes;    // by candidate
    std::vector<HypotheticalIndex *> statistics; // offered in each call, behind the candidates
    std::vector<Oid> free_oids;
    HTAB *partitions = nullptr;
    ParamListInfo nothing_bound =
        nullptr; // never null in a call: it is what tells ours from others
    std::array<std::vector<bool>, 2> plannable; // by mode: planned once without an error
    // Of the call under way:
    std::vector<OfferedIndex> offered;
    std::vector<char> used_flags;

    State(std::span<const PlannableQuery> statements,
          std::span<const PlanningParameters> parameters, std::span<const Candidate> candidates,
          std::span<const ExpressionStatistics> expressions,
          std::span<HypotheticalIndex *const> resolved);

    ParamListInfo parameters_of(std::size_t statement, PlanMode mode) const;
    void offer(std::span<const CandidateId> candidates);
    IndexOffer current_offer(ParamListInfo parameters) const;
    PlannedStmt *make_plan(const PlannableQuery &query, ParamListInfo parameters);
    std::vector<CandidateId> used(const PlannedStmt *plan, std::span<const CandidateId> candidates);
};

PlannerWhatIf::State::State(std::span<const PlannableQuery> statements,
                            std::span<const PlanningParameters> parameters,
                            std::span<const Candidate> candidates,
                            std::span<const ExpressionStatistics> expressions,
                            std::span<HypotheticalIndex *const> resolved)
    : statements(statements), parameters(parameters) {
    for (auto &mode : plannable)
        mode.resize(statements.size());
    context.call_server([&] {
        nothing_bound = makeParamList(0);
        partitions = make_partition_cache(CurrentMemoryContext);
    });
    for (std::size_t i = 0; i < candidates.size(); i++) {
        const Candidate &candidate = candidates[i];
        HypotheticalIndex *index = resolved.empty() ? context.call_server([&] {
            CHECK_FOR_INTERRUPTS();
            return resolve_index(candidate.definition);
        })
                                                    : resolved[i];
        const SizeEstimate &size = candidate.size;
        index->tuples = candidate.indexed_tuples;
        index->pages = size.pages;
        index->leaf_pages = size.leaf_pages;
        index->inner_pages_per_leaf =
            std::max(0.0, size.pages - 1 - size.leaf_pages) / std::max(size.leaf_pages, 1.0);
        index->tree_height = size.tree_height;
        indexes.push_back(index);
    }
    for (const ExpressionStatistics &known : expressions) {
        const IndexDefinition key{.relation = known.relation,
                                  .keys = {{.key = {.expression = known.expression}}}};
        HypotheticalIndex *index = context.call_server([&] { return resolve_index(key); });
        index->only_statistics = true;
        index->statistics[0] = known.statistics;
        index->tuples = index->pages = index->leaf_pages = 1;
        statistics.push_back(index);
        for (std::size_t i = 0; i < candidates.size(); i++)
            lend(known, candidates[i].definition, indexes[i]);
    }
}

ParamListInfo PlannerWhatIf::State::parameters_of(std::size_t statement, PlanMode mode) const {
    if (statement >= parameters.size())
        return nothing_bound;
    const PlanningParameters &bound = parameters[statement];
    ParamListInfo list = mode == PlanMode::Custom ? bound.custom : bound.generic;
    return list ? list : nothing_bound;
}

void PlannerWhatIf::State::offer(std::span<const CandidateId> candidates) {
    while (free_oids.size() < candidates.size() + statistics.size()) {
        Oid after = free_oids.empty() ? FirstNormalObjectId : free_oids.back();
        free_oids.push_back(call_server([&] { return next_free_oid(after); }));
    }
    offered.clear();
    for (std::size_t i = 0; i < candidates.size(); i++)
        offered.push_back({indexes.at(candidates[i]), free_oids[i]});
    for (HypotheticalIndex *index : statistics)
        offered.push_back({index, free_oids[offered.size()]});
}

IndexOffer PlannerWhatIf::State::current_offer(ParamListInfo bound) const {
    return {.parameters = bound,
            .indexes = offered.data(),
            .count = static_cast<int>(offered.size()),
            .context = context.context(),
            .partitions = partitions,
            .names = nullptr};
}

// Straight to the planner: hooks of others need not understand indexes that do not exist, and
// nothing of ours may count this as a statement. May raise.
PlannedStmt *PlannerWhatIf::State::make_plan(const PlannableQuery &query, ParamListInfo bound) {
    CHECK_FOR_INTERRUPTS();
    auto *copy = static_cast<Query *>(copyObjectImpl(query.query));
    return standard_planner(copy, query.text, CURSOR_OPT_PARALLEL_OK, bound);
}

std::vector<CandidateId> PlannerWhatIf::State::used(const PlannedStmt *plan,
                                                    std::span<const CandidateId> candidates) {
    used_flags.assign(offered.size(), 0);
    UsedIndexes found{offered.data(), static_cast<int>(offered.size()),
                      reinterpret_cast<bool *>(used_flags.data())};
    walk_plan(plan, note_index, &found);
    std::vector<CandidateId> result;
    for (std::size_t i = 0; i < candidates.size(); i++)
        if (used_flags[i])
            result.push_back(candidates[i]);
    std::sort(result.begin(), result.end());
    return result;
}

PlannerWhatIf::PlannerWhatIf(std::span<const PlannableQuery> statements,
                             std::span<const PlanningParameters> parameters,
                             std::span<const Candidate> candidates,
                             std::span<const ExpressionStatistics> expressions,
                             std::span<HypotheticalIndex *const> resolved)
    : state_(std::make_unique<State>(statements, parameters, candidates, expressions, resolved)) {}

PlannerWhatIf::~PlannerWhatIf() = default;

WhatIf::Answer PlannerWhatIf::plan(std::size_t statement, PlanMode mode,
                                   std::span<const CandidateId> offered) {
    State &state = *state_;
    const PlannableQuery &query = state.statements[statement];
    ParamListInfo parameters = state.parameters_of(statement, mode);
    state.plan_context.reset();
    state.offer(offered);
    IndexOffer offer = state.current_offer(parameters);
    ActiveOffer active(offer);

    // What makes a statement impossible to plan does so with any set of indexes, so only the first
    // plan pays for a subtransaction.
    PlannedStmt *plan = nullptr;
    auto plannable = state.plannable[mode == PlanMode::Generic][statement];
    if (plannable) {
        plan = state.plan_context.call_server([&] { return state.make_plan(query, parameters); });
    } else {
        ErrorData *error = state.plan_context.call_server(
            [&] { return attempt([&] { plan = state.make_plan(query, parameters); }); });
        // Its message may show a value that was bound.
        if (error)
            throw std::domain_error(std::string("statement cannot be planned, SQLSTATE ") +
                                    unpack_sql_state(error->sqlerrcode));
        plannable = true;
    }
    return {.cost = plan->planTree->total_cost, .used = state.used(plan, offered)};
}

WhatIf::Answer PlannerWhatIf::price(std::size_t statement, PlanMode mode,
                                    std::span<const CandidateId> offered) {
    State &state = *state_;
    ParamListInfo parameters = state.parameters_of(statement, mode);
    state.plan_context.reset();
    state.offer(offered);
    IndexOffer offer = state.current_offer(parameters);
    ActiveOffer active(offer);
    PlannedStmt *plan = state.plan_context.call_server(
        [&] { return state.make_plan(state.statements[statement], parameters); });
    return {.cost = plan->planTree->total_cost, .used = state.used(plan, offered)};
}

ExplainedPlan PlannerWhatIf::explain(std::size_t statement, PlanMode mode,
                                     std::span<const CandidateId> offered,
                                     std::span<const std::string> names) {
    State &state = *state_;
    const PlannableQuery &query = state.statements[statement];
    ParamListInfo parameters = state.parameters_of(statement, mode);
    state.plan_context.reset();
    state.offer(offered);
    std::vector<const char *> offered_names;
    for (CandidateId id : offered)
        offered_names.push_back(names[id].c_str());
    offered_names.resize(state.offered.size(), "");
    IndexOffer offer = state.current_offer(parameters);
    offer.names = offered_names.data();
    ActiveOffer active(offer);

    PlannedStmt *plan =
        state.plan_context.call_server([&] { return state.make_plan(query, parameters); });
    ExplainedPlan result{.cost = plan->planTree->total_cost, .used = state.used(plan, offered)};
    result.text =
        state.plan_context.call_server([&] { return explain_plan(plan, query, parameters); });
    return result;
}

} // namespace triage
