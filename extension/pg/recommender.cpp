#include "pg/recommender.h"

#include "core/candidates.h"
#include "pg/as_role.h"
#include "pg/explanation.h"
#include "pg/guc.h"
#include "pg/index_pricing.h"
#include "pg/planner_what_if.h"
#include "pg/predicate_rule.h"
#include "pg/scoped_memory.h"
#include "pg/scratch.h"
#include "pg/snapshot.h"
#include "pg/subtransaction.h"

#include <chrono>
#include <map>
#include <set>

PG_HEADERS_BEGIN
#include "miscadmin.h"
PG_HEADERS_END

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

struct PricedCandidates {
    std::vector<Candidate> candidates;
    std::map<std::string, std::uint64_t> undefined; // of those that cannot be, by SQLSTATE
    std::uint64_t withheld = 0;                     // by the privacy rule
};

// Rows of a table that are looked at where statistics are silent. Only numbers come of it.
constexpr int sampled_rows = 3000;

// Of one relation at a time, drawn when it is asked for: it may be large.
class Samples {
  public:
    const RowSample &of(RelationId relation) {
        if (!sample_ || relation_ != relation) {
            sample_.emplace(relation, sampled_rows);
            relation_ = relation;
        }
        return *sample_;
    }

  private:
    RelationId relation_ = 0;
    std::optional<RowSample> sample_;
};

// Whether the privacy rule lets the text of the index's expressions out: keys of documents only if
// enough of the sampled rows have them.
bool may_be_shown(const IndexDefinition &definition, const RowSample *sample) {
    if (std::all_of(definition.keys.begin(), definition.keys.end(),
                    [](const KeyColumn &column) { return column.key.attribute != 0; }))
        return true;
    ScratchContext scratch;
    KeyText judged = KeyText::Harmless;
    HypotheticalIndex *index = scratch.call_server([&] {
        HypotheticalIndex *resolved = resolve_index(definition);
        ListCell *cell;
        foreach (cell, resolved->expressions)
            judged = std::max(
                judged, judge_key_text(static_cast<Node *>(lfirst(cell)), definition.relation));
        return resolved;
    });
    return judged == KeyText::Harmless ||
           (judged == KeyText::Shared &&
            sample->rows_with_all_columns(index) >= guc::min_shared_rows);
}

// A type without an operator class, a function that raises: what cannot be indexed is no reason to
// give up the rest.
PricedCandidates price_each(const Workload &workload, std::vector<IndexDefinition> definitions,
                            Samples &samples) {
    PricedCandidates result;
    for (IndexDefinition &definition : definitions) {
        call_server([] { CHECK_FOR_INTERRUPTS(); });
        const RelationId relation = definition.relation;
        const RowSample *sample = wants_sample(definition) ? &samples.of(relation) : nullptr;
        auto error = survive([&] {
            if (!may_be_shown(definition, sample)) {
                result.withheld++;
                return;
            }
            result.candidates.push_back(
                price_candidate(std::move(definition), *workload.find_relation(relation), sample));
        });
        if (!error)
            continue;
        std::string sqlstate = call_server([&] { return unpack_sql_state(error->sqlstate); });
        result.undefined[sqlstate]++;
        // Its message might show a value.
        call_server([&] {
            ereport(DEBUG1,
                    (errmsg_internal("an index of relation %u cannot be defined, SQLSTATE %s",
                                     relation, sqlstate.c_str())));
        });
    }
    return result;
}

bool has_index_on(const Relation &relation, const KeyExpression &key) {
    return std::any_of(
        relation.indexes.begin(), relation.indexes.end(), [&](const ExistingIndex &index) {
            return std::any_of(index.definition.keys.begin(), index.definition.keys.end(),
                               [&](const KeyColumn &column) { return column.key == key; });
        });
}

// Of expressions that the planner can only guess at, from sampled rows.
std::vector<ExpressionStatistics> statistics_of_expressions(const Workload &workload,
                                                            Samples &samples) {
    std::set<std::pair<RelationId, std::string>> guessed;
    auto add = [&](const RelationAccess &access, const KeyExpression &key) {
        if (!key.expression.empty() && !has_index_on(*workload.find_relation(access.relation), key))
            guessed.emplace(access.relation, key.expression);
    };
    for (const Statement &statement : workload.statements)
        for (const RelationAccess &access : statement.accesses) {
            for (const Clause &clause : access.clauses)
                if (clause.guessed)
                    add(access, clause.key);
            for (const SortColumn &column : access.order_by)
                add(access, column.key);
            for (const KeyExpression &key : access.group_by)
                add(access, key);
        }
    std::vector<ExpressionStatistics> result;
    for (const auto &[relation, expression] : guessed) {
        call_server([] { CHECK_FOR_INTERRUPTS(); });
        survive([&] {
            ScratchContext scratch;
            const IndexDefinition key{.relation = relation,
                                      .keys = {{.key = {.expression = expression}}}};
            HypotheticalIndex *index = scratch.call_server([&] { return resolve_index(key); });
            const double rows = workload.find_relation(relation)->tuples;
            if (HeapTuple statistics = samples.of(relation).statistics_of(index, rows))
                result.push_back({relation, expression, statistics});
        });
    }
    return result;
}

double elapsed_ms(std::chrono::steady_clock::time_point since) {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - since)
        .count();
}

// As large a sample as ANALYZE draws with the default statistics target. Of one table at a time, so
// that the memory is bounded; and after so long no further one is drawn.
constexpr int rows_to_size_by = 30000;
constexpr double longest_sizing_ms = 10000;

class SizeByRows : public SizeByData {
  public:
    SizeByRows(const Workload &workload, const std::vector<Candidate> &candidates)
        : workload_(workload), candidates_(candidates) {}

    std::optional<Answer> look_at(CandidateId id) override {
        const IndexDefinition &definition = candidates_[id].definition;
        const Relation &relation = *workload_.find_relation(definition.relation);
        if (statistics_tell_all(definition, relation))
            return std::nullopt;
        auto begin = std::chrono::steady_clock::now();
        if (!sample_ || sampled_ != definition.relation) {
            if (spent_ms_ > longest_sizing_ms)
                return std::nullopt;
            sample_.emplace(definition.relation, rows_to_size_by);
            sampled_ = definition.relation;
        }
        Candidate seen = price_candidate(definition, relation, &*sample_);
        spent_ms_ += elapsed_ms(begin);
        return Answer{seen.size, seen.indexed_tuples};
    }

  private:
    const Workload &workload_;
    const std::vector<Candidate> &candidates_;
    std::optional<RowSample> sample_;
    RelationId sampled_ = 0;
    double spent_ms_ = 0;
};

// Each statement planned as the role that ran it.
class PlannerAsRoles : public WhatIf {
  public:
    PlannerAsRoles(PlannerWhatIf &planner, const std::vector<Oid> &roles)
        : planner_(planner), roles_(roles) {}

    Answer plan(std::size_t statement, PlanMode mode,
                std::span<const CandidateId> offered) override {
        AsRole role(roles_[statement]);
        return planner_.plan(statement, mode, offered);
    }

  private:
    PlannerWhatIf &planner_;
    const std::vector<Oid> &roles_;
};

} // namespace

std::vector<Recommendation> recommend(const RecommendationRequest &request) {
    auto start = std::chrono::steady_clock::now();
    ScopedMemory memory("pg_triage recommender");
    Snapshot snapshot = request.queries ? take_snapshot(*request.queries) : take_snapshot();
    Samples samples;
    const auto [candidates, undefined, withheld] =
        price_each(snapshot.workload, wanted_candidates(snapshot.workload, request), samples);
    const std::vector<ExpressionStatistics> expressions =
        statistics_of_expressions(snapshot.workload, samples);
    PlannerWhatIf planner(snapshot.plannable, snapshot.parameters, candidates, expressions);
    PlannerAsRoles what_if(planner, snapshot.roles);
    SizeByRows sizes(snapshot.workload, candidates);
    Selection selection =
        select_indexes(snapshot.workload, candidates, what_if, request.limits, &sizes);
    std::vector<std::string> names(candidates.size());
    auto plan_of = [&](std::size_t statement, PlanMode mode,
                       const std::optional<NamedCandidate> &with) -> std::string {
        std::vector<CandidateId> offered;
        if (with) {
            offered.push_back(with->id);
            names[with->id] = with->name;
        }
        std::string text;
        // Who ran it may not be allowed to any more; then there is no plan to show.
        survive([&] {
            AsRole role(snapshot.roles[statement]);
            text = planner.explain(statement, mode, offered, names).text;
        });
        return text;
    };
    SearchRecord record{
        .elapsed_ms = elapsed_ms(start), .undefined = undefined, .withheld = withheld};
    for (const ExpressionStatistics &known : expressions)
        record.sampled.emplace(known.relation, known.expression);
    return explain(snapshot, candidates, selection, record, plan_of);
}

} // namespace triage
