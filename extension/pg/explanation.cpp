#include "pg/explanation.h"

#include "core/served_already.h"
#include "pg/guard.h"
#include "pg/index_ddl.h"

#include <cmath>
#include <cstdio>
#include <set>
#include <sstream>

PG_HEADERS_BEGIN
#include "catalog/pg_class_d.h"
#include "commands/defrem.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
PG_HEADERS_END

namespace triage {
namespace {

// Statements that are listed one by one in the details.
constexpr std::size_t most_listed = 20;
// And of these, with their plans.
constexpr std::size_t most_planned = 3;

std::string json_string(const std::string &text) {
    char *quoted = call_server([&] {
        StringInfoData buffer;
        initStringInfo(&buffer);
        escape_json(&buffer, text.c_str());
        return buffer.data;
    });
    return quoted;
}

std::string json_number(double value) {
    char text[64];
    snprintf(text, sizeof(text), "%.6g", std::isfinite(value) ? value : 0.0);
    return text;
}

// `{"name": value, …}` in the making.
class JsonObject {
  public:
    JsonObject &add(const char *name, const std::string &value) {
        text_ += (text_.empty() ? "{\"" : ", \"") + std::string(name) + "\": " + value;
        return *this;
    }
    JsonObject &add(const char *name, double value) { return add(name, json_number(value)); }
    std::string text() const { return text_.empty() ? "{}" : text_ + "}"; }

  private:
    std::string text_;
};

template <class Range, class Text> std::string json_array(const Range &range, Text text) {
    std::string result;
    for (const auto &element : range)
        result += (result.empty() ? "" : ", ") + text(element);
    return "[" + result + "]";
}

std::string kind_of(const IndexDefinition &definition) {
    if (definition.method != IndexMethod::Btree)
        return definition.method == IndexMethod::Gin ? "gin" : "brin";
    if (!definition.predicate.empty())
        return "partial";
    if (std::any_of(definition.keys.begin(), definition.keys.end(),
                    [](const KeyColumn &column) { return column.key.attribute == 0; }))
        return "expression";
    return definition.include.empty() ? "btree" : "covering";
}

std::string percent(double share) {
    char text[32];
    snprintf(text, sizeof(text), share < 0.095 ? "%.1f %%" : "%.0f %%", 100 * share);
    return text;
}

// The nodes of EXPLAIN's text without their conditions: nothing that could hold a value.
std::string outline(const std::string &plan) {
    std::string result;
    std::istringstream lines(plan);
    for (std::string line; std::getline(lines, line);) {
        std::size_t start = line.find_first_not_of(' ');
        if (start == std::string::npos || (start > 0 && line.compare(start, 2, "->") != 0))
            continue;
        std::size_t costs = line.find("  (cost=");
        if (costs != std::string::npos)
            result += (result.empty() ? "" : "\n") + line;
    }
    return result;
}

// What the index does for one statement, over all its variants.
struct StatementShare {
    std::int64_t queryid = 0;
    std::size_t place = 0; // in the workload, of the variant that gains most
    double calls = 0, cost_before = 0, cost_after = 0; // one execution, averaged over the calls
};

class Explanation {
  public:
    Explanation(const Snapshot &snapshot, const std::vector<Candidate> &candidates,
                const Selection &selection, const SearchRecord &record, const Planner &plan_of)
        : snapshot_(snapshot), candidates_(candidates), selection_(selection), record_(record),
          plan_of_(plan_of) {}

    std::vector<Recommendation> run() {
        std::vector<Recommendation> result;
        for (const ChosenIndex &index : selection_.indexes)
            result.push_back(explain(index, static_cast<int>(result.size()) + 1));
        return result;
    }

  private:
    Recommendation explain(const ChosenIndex &index, int rank) {
        const Candidate &candidate = candidates_[index.candidate];
        const IndexDefinition &definition = candidate.definition;
        const Relation &relation = *snapshot_.workload.find_relation(definition.relation);
        std::vector<StatementShare> shares = statement_shares(index);

        Recommendation row;
        row.rank = rank;
        row.relation = definition.relation;
        bool partitioned = call_server(
            [&] { return get_rel_relkind(definition.relation) == RELKIND_PARTITIONED_TABLE; });
        const std::string name = unused_name(definition, relation);
        row.ddl = ddl_of(definition, relation, name, partitioned);
        row.fingerprint = ddl_of(definition, relation, "i", partitioned);
        row.kind = kind_of(definition);
        row.size_bytes = index.size.bytes;
        row.cost_before = index.cost_before;
        row.cost_after = index.cost_after;
        row.improvement = index.improvement;
        row.write_cost = index.write_cost;
        row.queries = static_cast<int>(shares.size());
        for (const StatementShare &share : shares)
            if (share.queryid != 0)
                row.queryids.push_back(share.queryid);
        row.generic_plan_ok = index.generic_plan_ok;
        std::vector<std::string> redundant = names_of(made_redundant(relation, definition));
        row.reason = reason(index, row, relation, candidate, redundant);
        row.details = details(index, name, shares, relation, candidate, partitioned, redundant);
        return row;
    }

    // As SQL that finds them whatever the search_path; one that is just being dropped is left out.
    static std::vector<std::string> names_of(const std::vector<const ExistingIndex *> &indexes) {
        std::vector<std::string> names;
        for (const ExistingIndex *index : indexes) {
            const char *name = call_server([&]() -> const char * {
                const char *bare = get_rel_name(index->id);
                const char *schema = get_namespace_name(get_rel_namespace(index->id));
                return bare && schema ? quote_qualified_identifier(schema, bare) : nullptr;
            });
            if (name)
                names.emplace_back(name);
        }
        return names;
    }

    // CONCURRENTLY is not for a partitioned table.
    static std::string ddl_of(const IndexDefinition &definition, const Relation &relation,
                              const std::string &name, bool partitioned) {
        std::string ddl = create_index_ddl(definition, relation, name);
        constexpr std::string_view word = " CONCURRENTLY";
        std::size_t at = ddl.find(word);
        if (partitioned && at != std::string::npos)
            ddl.erase(at, word.size());
        return ddl;
    }

    // Free in the schema, and among the rows of this answer.
    std::string unused_name(const IndexDefinition &definition, const Relation &relation) {
        const std::string name = index_name(definition, relation);
        std::string unused = name;
        for (int n = 2; !names_.insert(unused).second; n++) {
            std::string suffix = "_" + std::to_string(n);
            unused = call_server(
                [&] { return makeObjectName(name.c_str(), nullptr, suffix.c_str() + 1); });
        }
        return unused;
    }

    // Variants of one statement (and, of texts, those that differ in their literals only) count
    // once.
    std::vector<StatementShare> statement_shares(const ChosenIndex &index) const {
        std::vector<StatementShare> shares;
        for (std::size_t place : index.statements) {
            const Statement &statement = snapshot_.workload.statements[place];
            const StatementEffect *effect = effect_on(place);
            auto known = std::find_if(shares.begin(), shares.end(), [&](const StatementShare &s) {
                return s.queryid != 0 && s.queryid == statement.queryid;
            });
            if (known == shares.end())
                known = shares.insert(shares.end(), {statement.queryid, place});
            double calls = known->calls + statement.calls;
            double weight = calls > 0 ? statement.calls / calls : 1;
            if (effect) {
                double generic = effect->generic_cost_before > 0 ? statement.generic_share : 0;
                auto mixed = [&](double custom, double generic_cost) {
                    return (1 - generic) * custom + generic * generic_cost;
                };
                known->cost_before +=
                    weight *
                    (mixed(effect->cost_before, effect->generic_cost_before) - known->cost_before);
                known->cost_after +=
                    weight *
                    (mixed(effect->cost_after, effect->generic_cost_after) - known->cost_after);
            }
            known->calls = calls;
        }
        return shares;
    }

    const StatementEffect *effect_on(std::size_t place) const {
        auto effect = std::lower_bound(selection_.effects.begin(), selection_.effects.end(), place,
                                       [](const StatementEffect &e, std::size_t statement) {
                                           return e.statement < statement;
                                       });
        return effect != selection_.effects.end() && effect->statement == place ? &*effect
                                                                                : nullptr;
    }

    std::string reason(const ChosenIndex &index, const Recommendation &row,
                       const Relation &relation, const Candidate &candidate,
                       const std::vector<std::string> &redundant) const {
        std::string text = "Estimated to take " +
                           percent(1 - index.cost_after / std::max(index.cost_before, 1e-9)) +
                           " off the cost of " + std::to_string(row.queries) +
                           (row.queries == 1 ? " statement, " : " statements, ") +
                           percent(index.improvement) + " of the whole workload's";
        if (!candidate.definition.predicate.empty() && relation.tuples > 0)
            text += "; it holds only " +
                    percent(std::min(candidate.indexed_tuples / relation.tuples, 1.0)) +
                    " of the rows";
        text += generic_plans(index, candidate.definition);
        text += foreign_keys(index);
        text += statistics_of_keys(index, candidate.definition);
        for (const std::string &name : redundant)
            text += "; nobody needs " + name + " beside it";
        return text + ".";
    }

    // What prepared statements have to do with the index's having a predicate or none.
    std::string generic_plans(const ChosenIndex &index, const IndexDefinition &definition) const {
        double calls = 0, generic = 0;
        bool could_be_partial = false;
        for (std::size_t place : index.statements) {
            const Statement &statement = snapshot_.workload.statements[place];
            calls += statement.calls;
            generic += statement.calls * statement.generic_share;
            for (const RelationAccess &access : statement.accesses)
                for (const Clause &clause : access.clauses)
                    could_be_partial |= access.relation == definition.relation &&
                                        clause.operand == Operand::Parameter &&
                                        !clause.predicate.empty() && statement.generic_share > 0;
        }
        const double share = calls > 0 ? generic / calls : 0;
        if (!index.generic_plan_ok && !snapshot_.sampled)
            return "; a generic plan cannot use it";
        if (!index.generic_plan_ok && share > 0)
            return "; a generic plan, which " + percent(share) +
                   " of the executions had, cannot use it";
        if (!index.generic_plan_ok)
            return "; a generic plan cannot use it, but no sampled execution had one";
        if (definition.predicate.empty() && could_be_partial)
            return "; it holds all rows because " + percent(share) +
                   " of the executions had a generic plan, which could not use a partial index";
        return "";
    }

    // Tables on behalf of whose rows PostgreSQL itself makes the statement.
    std::string foreign_keys(const ChosenIndex &index) const {
        std::set<RelationId> referenced;
        for (std::size_t place : index.statements)
            if (RelationId relation = snapshot_.checks_for[place])
                referenced.insert(relation);
        std::string text;
        for (RelationId relation : referenced)
            if (const char *name = call_server([&] { return get_rel_name(relation); }))
                text += std::string("; each row deleted from ") + name +
                        ", or changed in its key, has PostgreSQL look for rows that refer to it";
        return text;
    }

    // Where a condition on one of the index's expressions is none that the server can estimate.
    std::string statistics_of_keys(const ChosenIndex &index,
                                   const IndexDefinition &definition) const {
        bool guessed = false, sampled = false;
        auto is_key = [&](const Clause &clause) {
            return std::any_of(definition.keys.begin(), definition.keys.end(),
                               [&](const KeyColumn &column) {
                                   return column.key.attribute == 0 && column.key == clause.key;
                               });
        };
        for (std::size_t place : index.statements)
            for (const RelationAccess &access : snapshot_.workload.statements[place].accesses)
                for (const Clause &clause : access.clauses)
                    if (access.relation == definition.relation && clause.guessed && is_key(clause))
                        (record_.sampled.contains({access.relation, clause.key.expression})
                             ? sampled
                             : guessed) = true;
        if (guessed)
            return "; of the expression there are no statistics before it is built and analyzed, "
                   "so how many rows match is a guess";
        if (sampled)
            return "; of the expression there are no statistics before it is built and analyzed, "
                   "so how many rows match was estimated from a sample";
        return "";
    }

    // Of observed statements alone, whose texts are normalised: what was given as a text has
    // values.
    std::string statement_details(const StatementShare &share, const NamedCandidate &index,
                                  bool with_plans) const {
        JsonObject object;
        object.add("queryid", std::to_string(share.queryid))
            .add("calls", share.calls)
            .add("cost_before", share.cost_before)
            .add("cost_after", share.cost_after);
        if (!with_plans || !snapshot_.sampled)
            return object.text();
        const bool generic = snapshot_.workload.statements[share.place].generic_share > 0.5;
        const PlanMode mode = generic ? PlanMode::Generic : PlanMode::Custom;
        const std::string before = outline(plan_of_(share.place, mode, std::nullopt)),
                          after = outline(plan_of_(share.place, mode, index));
        if (!before.empty() && !after.empty())
            object.add("plan_before", json_string(before)).add("plan_after", json_string(after));
        return object.text();
    }

    std::string details(const ChosenIndex &index, const std::string &name,
                        const std::vector<StatementShare> &shares, const Relation &relation,
                        const Candidate &candidate, bool partitioned,
                        const std::vector<std::string> &redundant) const {
        double calls = 0;
        for (const StatementShare &share : shares)
            calls += share.calls;
        std::vector<StatementShare> listed(shares.begin(),
                                           shares.begin() + std::min(shares.size(), most_listed));
        JsonObject object;
        object.add("queryids", json_array(shares, [](const StatementShare &share) {
                       return std::to_string(share.queryid);
                   }));
        object.add("calls", calls);
        const NamedCandidate named{index.candidate, name};
        std::size_t place = 0;
        object.add("statements", json_array(listed, [&](const StatementShare &share) {
                       return statement_details(share, named, place++ < most_planned);
                   }));
        object.add("indexed_rows", index.indexed_tuples);
        object.add("table_rows", relation.tuples);
        object.add("size_relative_to_table",
                   index.size.bytes / std::max(relation.pages * BLCKSZ, double(BLCKSZ)));
        if (!redundant.empty())
            object.add("makes_redundant", json_array(redundant, json_string));
        object.add("evidence", evidence());
        object.add("search", search());
        if (partitioned)
            object.add("note", json_string("PostgreSQL cannot build an index of a partitioned "
                                           "table concurrently; build one on each partition and "
                                           "attach it."));
        return object.text();
    }

    // What the answer rests on, the same for each of its rows.
    std::string evidence() const {
        JsonObject skipped;
        for (const auto &[why, statements] : snapshot_.skipped)
            skipped.add(why.c_str(), static_cast<double>(statements));
        return JsonObject()
            .add("source", json_string(snapshot_.sampled ? "samples" : "texts"))
            .add("statements", static_cast<double>(snapshot_.texts))
            .add("skipped", skipped.text())
            .text();
    }

    std::string search() const {
        JsonObject undefined;
        for (const auto &[sqlstate, candidates] : record_.undefined)
            undefined.add(sqlstate.c_str(), static_cast<double>(candidates));
        return JsonObject()
            .add("candidates", static_cast<double>(candidates_.size()))
            .add("undefined", undefined.text())
            .add("withheld", static_cast<double>(record_.withheld))
            .add("planner_calls", static_cast<double>(selection_.planner_calls))
            .add("reused_answers", static_cast<double>(selection_.reused_answers))
            .add("workload_cost_before", selection_.workload_cost_before)
            .add("workload_cost_after", selection_.workload_cost_after)
            .add("lower_bound", selection_.lower_bound)
            .add("ms", record_.elapsed_ms)
            .text();
    }

    const Snapshot &snapshot_;
    const std::vector<Candidate> &candidates_;
    const Selection &selection_;
    const SearchRecord &record_;
    const Planner &plan_of_;
    std::set<std::string> names_;
};

} // namespace

std::vector<Recommendation> explain(const Snapshot &snapshot,
                                    const std::vector<Candidate> &candidates,
                                    const Selection &selection, const SearchRecord &record,
                                    const Planner &plan_of) {
    return Explanation(snapshot, candidates, selection, record, plan_of).run();
}

} // namespace triage
