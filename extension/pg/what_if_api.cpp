// SQL functions of the what-if section: triage.what_if, triage.what_if_costs,
// triage.estimate_index_size, triage.assert_uses_index.
#include "core/plan_memory.h"
#include "pg/guard.h"
#include "pg/index_ddl.h"
#include "pg/index_pricing.h"
#include "pg/parameter_values.h"
#include "pg/planner_what_if.h"
#include "pg/query_text.h"
#include "pg/relation_facts.h"
#include "pg/scratch.h"
#include "pg/unindexed_scans.h"

PG_HEADERS_BEGIN
#include "access/htup_details.h"
#include "catalog/pg_type_d.h"
#include "funcapi.h"
#include "optimizer/geqo.h"
#include "optimizer/paths.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(triage_what_if);
PG_FUNCTION_INFO_V1(triage_what_if_costs);
PG_FUNCTION_INFO_V1(triage_estimate_index_size);
PG_FUNCTION_INFO_V1(triage_assert_uses_index);
PG_HEADERS_END

#include <map>
#include <numeric>
#include <set>
#include <stdexcept>

namespace triage {
namespace {

const char *text_argument(FunctionCallInfo fcinfo, int place, const char *name) {
    if (PG_ARGISNULL(place))
        throw SqlError(ERRCODE_NULL_VALUE_NOT_ALLOWED, std::string(name) + " must not be null");
    return call_server([&] { return text_to_cstring(PG_GETARG_TEXT_PP(place)); });
}

// The query of a user who may run it.
PlannableQuery read_query(const char *text) {
    return call_server([&] {
        PlannableQuery query = parse_query(text);
        check_privileges(query.query);
        return query;
    });
}

// ---- what_if ------------------------------------------------------------------------------------

struct NamedMode {
    PlanMode mode;
    const char *name;
};

std::vector<NamedMode> modes_of(const std::string &asked, const PlannableQuery &query) {
    const NamedMode custom{PlanMode::Custom, "custom"}, generic{PlanMode::Generic, "generic"};
    if (asked == "custom")
        return {custom};
    if (asked == "generic")
        return {generic};
    if (asked != "auto")
        throw SqlError(ERRCODE_INVALID_PARAMETER_VALUE, "unknown plan mode \"" + asked + "\"", "",
                       "Plan modes are auto, custom and generic.");
    if (query.parameters > 0)
        return {custom, generic};
    return {custom};
}

struct Indexes {
    std::vector<Candidate> candidates;
    std::vector<HypotheticalIndex *> resolved; // the candidates', in the memory of the call
    std::vector<std::string> names;
};

std::vector<const char *> index_texts(FunctionCallInfo fcinfo, int place) {
    std::vector<const char *> texts;
    if (PG_ARGISNULL(place))
        return texts;
    Datum *values;
    bool *nulls;
    int count;
    call_server([&] {
        deconstruct_array(PG_GETARG_ARRAYTYPE_P(place), TEXTOID, -1, false, TYPALIGN_INT, &values,
                          &nulls, &count);
    });
    for (int i = 0; i < count; i++) {
        if (nulls[i])
            throw SqlError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "indexes must not contain nulls");
        texts.push_back(call_server([&] { return TextDatumGetCString(values[i]); }));
    }
    return texts;
}

std::string free_name(const std::string &name, const std::vector<std::string> &taken) {
    std::string result = name;
    for (int number = 1; std::find(taken.begin(), taken.end(), result) != taken.end(); number++)
        result = name + std::to_string(number);
    return result;
}

enum class Names { Wanted, Unwanted };

// How many keys a value of a GIN index has, only its rows tell.
constexpr int rows_for_keys = 3000;

// Of each relation the columns that its indexes have; none where a text may have others.
std::map<RelationId, std::set<AttributeNumber>>
columns_of(const std::vector<IndexStatement> &statements) {
    std::map<RelationId, std::set<AttributeNumber>> columns;
    std::set<RelationId> all;
    for (const IndexStatement &statement : statements) {
        const IndexDefinition &definition = statement.definition;
        std::set<AttributeNumber> &wanted = columns[definition.relation];
        if (!definition.predicate.empty())
            all.insert(definition.relation);
        for (const KeyColumn &key : definition.keys)
            if (key.key.attribute != 0)
                wanted.insert(key.key.attribute);
            else
                all.insert(definition.relation);
        wanted.insert(definition.include.begin(), definition.include.end());
    }
    for (RelationId relation : all)
        columns[relation].clear();
    return columns;
}

Indexes read_indexes(const std::vector<const char *> &texts, Names names) {
    std::vector<IndexStatement> statements;
    for (const char *text : texts) {
        statements.push_back(parse_index_statement(text));
        check_may_read(statements.back().definition);
    }
    std::map<RelationId, Relation> relations;
    for (const auto &[relation, columns] : columns_of(statements))
        relations.emplace(relation, columns.empty() ? read_columns(relation)
                                                    : read_columns(relation, columns));
    Indexes indexes;
    for (const IndexStatement &statement : statements) {
        const IndexDefinition &definition = statement.definition;
        const Relation &relation = relations.at(definition.relation);
        std::optional<RowSample> sample;
        if (definition.method == IndexMethod::Gin)
            sample.emplace(definition.relation, rows_for_keys);
        HypotheticalIndex *resolved = call_server([&] { return resolve_index(definition); });
        indexes.resolved.push_back(resolved);
        IndexEstimate estimate =
            estimate_index(definition, relation, sample ? &*sample : nullptr, resolved);
        estimate.input.fill_factor = statement.fill_factor;
        estimate.input.deduplicate &= statement.deduplicate;
        if (names == Names::Wanted) {
            std::string name =
                statement.name.empty() ? index_name(definition, relation) : statement.name;
            indexes.names.push_back(free_name(name, indexes.names));
        }
        indexes.candidates.push_back({.definition = definition,
                                      .size = size_of(estimate),
                                      .indexed_tuples = estimate.input.tuples,
                                      .entries_per_row = estimate.entries_per_row});
    }
    return indexes;
}

std::vector<CandidateId> everything(std::size_t candidates) {
    std::vector<CandidateId> all(candidates);
    std::iota(all.begin(), all.end(), CandidateId{0});
    return all;
}

PlanningParameters bind(const PlannableQuery &query, PlanMode mode) {
    PlanningParameters bound;
    if (query.parameters > 0 && mode == PlanMode::Custom)
        bound.custom = call_server([&] { return bind_typical_values(query.query); });
    return bound;
}

// An error of the planner could show a typical value, which may be a patient's.
SqlError no_typical_values() {
    return {ERRCODE_DATA_EXCEPTION, "cannot plan the query with typical values for its parameters",
            "", "Use plan_mode => 'generic'."};
}

ArrayType *text_array(const std::vector<std::string> &texts) {
    std::vector<Datum> values(texts.size());
    return call_server([&] {
        for (std::size_t i = 0; i < texts.size(); i++)
            values[i] = CStringGetTextDatum(texts[i].c_str());
        return construct_array(values.data(), static_cast<int>(values.size()), TEXTOID, -1, false,
                               TYPALIGN_INT);
    });
}

void emit(ReturnSetInfo *result, const char *mode, double before, const ExplainedPlan &plan,
          const std::vector<std::string> &names) {
    std::vector<std::string> used;
    for (CandidateId id : plan.used)
        used.push_back(names[id]);
    ArrayType *used_array = text_array(used);
    call_server([&] {
        Datum values[] = {CStringGetTextDatum(mode), Float8GetDatum(before),
                          Float8GetDatum(plan.cost), PointerGetDatum(used_array),
                          CStringGetTextDatum(plan.text.c_str())};
        bool nulls[5] = {};
        tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
    });
}

void what_if(FunctionCallInfo fcinfo) {
    const char *text = text_argument(fcinfo, 0, "query");
    std::string asked = text_argument(fcinfo, 2, "plan_mode");
    call_server([&] { InitMaterializedSRF(fcinfo, 0); });
    auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);

    PlannableQuery query = read_query(text);
    std::vector<NamedMode> modes = modes_of(asked, query);
    Indexes indexes = read_indexes(index_texts(fcinfo, 1), Names::Wanted);
    PlanningParameters bound = bind(query, modes.front().mode);

    PlannerWhatIf planner({&query, 1}, {&bound, 1}, indexes.candidates, {}, indexes.resolved);
    const std::vector<CandidateId> all = everything(indexes.candidates.size());
    for (const NamedMode &mode : modes) {
        double before = 0;
        if (bound.custom && mode.mode == PlanMode::Custom) {
            try {
                before = planner.plan(0, mode.mode, {}).cost;
            } catch (const std::domain_error &) {
                if (asked == "custom")
                    throw no_typical_values();
                call_server([] {
                    ereport(WARNING,
                            (errcode(ERRCODE_WARNING),
                             errmsg("cannot plan the query with typical values for its parameters"),
                             errdetail("Only the generic plan is shown.")));
                });
                continue;
            }
        } else {
            before = planner.price(0, mode.mode, {}).cost;
        }
        emit(result, mode.name, before, planner.explain(0, mode.mode, all, indexes.names),
             indexes.names);
    }
}

// ---- what_if_costs ------------------------------------------------------------------------------

// One set a row, or a single one; without the argument all the indexes. A set's members are places
// in `indexes`, from 1; nulls fill the rows up.
std::vector<CandidateSet> index_sets(FunctionCallInfo fcinfo, int place, std::size_t candidates) {
    if (PG_ARGISNULL(place))
        return {CandidateSet(everything(candidates))};
    Datum *values;
    bool *nulls;
    int count, dimensions = 0, rows = 1;
    call_server([&] {
        ArrayType *array = PG_GETARG_ARRAYTYPE_P(place);
        dimensions = ARR_NDIM(array);
        if (dimensions == 2)
            rows = ARR_DIMS(array)[0];
        deconstruct_array(array, INT4OID, sizeof(int32), true, TYPALIGN_INT, &values, &nulls,
                          &count);
    });
    if (dimensions > 2)
        throw SqlError(ERRCODE_ARRAY_SUBSCRIPT_ERROR, "sets must have one or two dimensions");
    std::vector<CandidateSet> sets(rows);
    for (int i = 0; i < count; i++) {
        if (nulls[i])
            continue;
        int32 member = DatumGetInt32(values[i]);
        if (member < 1 || static_cast<std::size_t>(member) > candidates)
            throw SqlError(ERRCODE_ARRAY_SUBSCRIPT_ERROR,
                           "sets names index " + std::to_string(member) + ", but there are " +
                               std::to_string(candidates));
        sets[i / (count / rows)].insert(static_cast<CandidateId>(member - 1));
    }
    return sets;
}

PlanMode single_mode(const std::string &asked) {
    if (asked == "custom")
        return PlanMode::Custom;
    if (asked == "generic")
        return PlanMode::Generic;
    throw SqlError(ERRCODE_INVALID_PARAMETER_VALUE, "unknown plan mode \"" + asked + "\"", "",
                   "Plan modes are custom and generic.");
}

// As the planner, but an error may be shown where no value is bound.
class PlannerOfOne : public WhatIf {
  public:
    PlannerOfOne(PlannerWhatIf &planner, bool hide_errors)
        : planner_(planner), hide_errors_(hide_errors) {}

    Answer plan(std::size_t statement, PlanMode mode,
                std::span<const CandidateId> offered) override {
        return hide_errors_ ? planner_.plan(statement, mode, offered)
                            : planner_.price(statement, mode, offered);
    }

  private:
    PlannerWhatIf &planner_;
    const bool hide_errors_;
};

// The largest set first: what its plan does not use, smaller sets can do without and need no plan
// of their own. Genetic join search may find another plan each time, so there each set has one.
std::vector<PlanMemory::Answer> answers_for(const std::vector<CandidateSet> &sets, PlanMode mode,
                                            WhatIf &planner, bool genetic) {
    std::vector<std::size_t> order(sets.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return sets[a].size() > sets[b].size(); });
    PlanMemory memory(planner);
    std::vector<PlanMemory::Answer> answers(sets.size());
    for (std::size_t i : order) {
        auto answer = genetic ? memory.ask_exactly(0, mode, sets[i]) : memory.ask(0, mode, sets[i]);
        if (!answer)
            throw no_typical_values();
        answers[i] = std::move(*answer);
    }
    return answers;
}

void emit_cost(ReturnSetInfo *result, std::size_t set, const PlanMemory::Answer &answer) {
    const std::vector<CandidateId> used = answer.used.members();
    call_server([&] {
        auto *members = static_cast<Datum *>(palloc(sizeof(Datum) * (used.size() + 1)));
        for (std::size_t i = 0; i < used.size(); i++)
            members[i] = Int32GetDatum(static_cast<int32>(used[i]) + 1);
        ArrayType *places = construct_array(members, static_cast<int>(used.size()), INT4OID,
                                            sizeof(int32), true, TYPALIGN_INT);
        Datum values[] = {Int32GetDatum(static_cast<int32>(set) + 1), Float8GetDatum(answer.cost),
                          PointerGetDatum(places)};
        bool nulls[3] = {};
        tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
    });
}

void what_if_costs(FunctionCallInfo fcinfo) {
    const char *text = text_argument(fcinfo, 0, "query");
    const PlanMode mode = single_mode(text_argument(fcinfo, 3, "plan_mode"));
    call_server([&] { InitMaterializedSRF(fcinfo, 0); });
    auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);

    PlannableQuery query = read_query(text);
    Indexes indexes = read_indexes(index_texts(fcinfo, 1), Names::Unwanted);
    std::vector<CandidateSet> sets = index_sets(fcinfo, 2, indexes.candidates.size());
    PlanningParameters bound = bind(query, mode);
    PlannerWhatIf planner({&query, 1}, {&bound, 1}, indexes.candidates, {}, indexes.resolved);
    PlannerOfOne what_if(planner, bound.custom != nullptr);
    const bool genetic = enable_geqo && list_length(query.query->rtable) >= geqo_threshold;
    std::vector<PlanMemory::Answer> answers = answers_for(sets, mode, what_if, genetic);
    for (std::size_t i = 0; i < answers.size(); i++)
        emit_cost(result, i, answers[i]);
}

// ---- estimate_index_size ------------------------------------------------------------------------

// As many as ANALYZE reads with the default statistics target.
constexpr int sampled_rows = 30000;

Datum estimate_index_size(FunctionCallInfo fcinfo) {
    IndexStatement statement = parse_index_statement(text_argument(fcinfo, 0, "ddl"));
    check_may_read(statement.definition);
    Relation relation = read_columns(statement.definition.relation);
    RowSample sample(statement.definition.relation, sampled_rows);
    IndexEstimate estimate = estimate_index(statement.definition, relation, &sample);
    estimate.input.fill_factor = statement.fill_factor;
    estimate.input.deduplicate &= statement.deduplicate;
    SizeEstimate size = size_of(estimate);
    return call_server([&] {
        TupleDesc descriptor;
        if (get_call_result_type(fcinfo, nullptr, &descriptor) != TYPEFUNC_COMPOSITE)
            ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                            errmsg("function is not declared to return a row")));
        Datum values[] = {Int64GetDatum(static_cast<int64>(size.bytes)),
                          Int64GetDatum(static_cast<int64>(size.pages)),
                          Int64GetDatum(static_cast<int64>(estimate.input.tuples)),
                          Int32GetDatum(size.tree_height)};
        bool nulls[4] = {};
        return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls));
    });
}

// ---- assert_uses_index --------------------------------------------------------------------------

std::string describe(const UnindexedTable &table) {
    const char *name = call_server([&] {
        return quote_qualified_identifier(get_namespace_name(get_rel_namespace(table.relid)),
                                          get_rel_name(table.relid));
    });
    std::string text = std::string("Table ") + name;
    std::string rows = std::to_string(static_cast<std::int64_t>(table.rows));
    if (table.partitioned)
        return text + ": " + std::to_string(table.scans) + " partitions with about " + rows +
               " rows are read without an index.";
    return text + " with about " + rows + " rows is read without an index.";
}

ParamListInfo typical_parameters(const PlannableQuery &query) {
    if (query.parameters == 0)
        return nullptr;
    return call_server([&] { return bind_typical_values(query.query); });
}

void assert_uses_index(FunctionCallInfo fcinfo) {
    const char *text = text_argument(fcinfo, 0, "query");
    if (PG_ARGISNULL(1))
        throw SqlError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "min_rows must not be null");
    auto min_rows = static_cast<double>(PG_GETARG_INT64(1));
    if (min_rows < 0)
        throw SqlError(ERRCODE_INVALID_PARAMETER_VALUE, "min_rows must not be negative");
    PlannableQuery query = read_query(text);
    std::string detail;
    for (const UnindexedTable &table : find_unindexed_tables(query, typical_parameters(query)))
        if (table.rows > min_rows)
            detail += (detail.empty() ? "" : " ") + describe(table);
    if (!detail.empty())
        throw SqlError(ERRCODE_ASSERT_FAILURE, "query reads a large table without an index", detail,
                       "triage.recommend_indexes(queries => ARRAY[query]) tells which index would "
                       "help.");
}

} // namespace
} // namespace triage

extern "C" {

Datum triage_what_if(PG_FUNCTION_ARGS) {
    triage::guard_sql([&] { triage::what_if(fcinfo); });
    return Datum(0);
}

Datum triage_what_if_costs(PG_FUNCTION_ARGS) {
    triage::guard_sql([&] { triage::what_if_costs(fcinfo); });
    return Datum(0);
}

Datum triage_estimate_index_size(PG_FUNCTION_ARGS) {
    return triage::guard_sql([&] { return triage::estimate_index_size(fcinfo); });
}

Datum triage_assert_uses_index(PG_FUNCTION_ARGS) {
    triage::guard_sql([&] { triage::assert_uses_index(fcinfo); });
    PG_RETURN_VOID();
}
}
