#include "pg/query_access.h"

#include "pg/compat.h"
#include "pg/guard.h"
#include "pg/index_ddl.h"
#include "pg/plan_analysis.h"

namespace triage {
namespace {

struct ParameterSearch {
    const ParameterUses *uses;
    const WantedValue *wanted;
    bool true_parameter;
};

bool find_true_parameter(Node *node, void *context) {
    if (node == nullptr)
        return false;
    if (IsA(node, Param)) {
        auto *search = static_cast<ParameterSearch *>(context);
        auto *param = castNode(Param, node);
        if (param->paramkind == PARAM_EXTERN && param->paramid >= 1 &&
            param->paramid <= search->uses->count &&
            search->wanted[param->paramid - 1].is_parameter)
            search->true_parameter = true;
        return false;
    }
    return walk_expression(node, find_true_parameter, context);
}

class Reader {
  public:
    Reader(const ParameterUses &uses, const WantedValue *wanted, Literals literals)
        : uses_(uses), wanted_(wanted), literals_(literals) {}

    // The access itself, and one more for each arm of an OR.
    void read(const FoundAccess &found, std::vector<RelationAccess> &accesses) {
        RelationAccess access = without_clauses(found);
        access.clauses = clauses(found, found.clauses);
        accesses.push_back(std::move(access));
        for (int i = 0; i < list_length(found.alternatives); i++) {
            RelationAccess alternative = without_clauses(found);
            alternative.clauses =
                clauses(found, static_cast<List *>(list_nth(found.alternatives, i)));
            // A bitmap brings the arms together, in no order; the first access counts as the
            // writer.
            alternative.order_by.clear();
            alternative.group_by.clear();
            alternative.whole_row = true;
            alternative.columns_written.clear();
            accesses.push_back(std::move(alternative));
        }
    }

  private:
    RelationAccess without_clauses(const FoundAccess &found) {
        RelationAccess access{.relation = found.relid,
                              .limited = found.limited,
                              .whole_row = found.whole_row,
                              .is_target = found.is_target};
        for (int i = 0; i < list_length(found.order_by); i++) {
            auto *sort = static_cast<FoundSort *>(list_nth(found.order_by, i));
            access.order_by.push_back(
                {key_of(found, sort->key), sort->descending, sort->nulls_first});
        }
        for (int i = 0; i < list_length(found.group_by); i++)
            access.group_by.push_back(
                key_of(found, static_cast<FoundSort *>(list_nth(found.group_by, i))->key));
        for (int column = -1; (column = bms_next_member(found.columns_read, column)) >= 0;)
            access.columns_read.push_back(static_cast<AttributeNumber>(column));
        for (int i = 0; i < list_length(found.columns_written); i++)
            access.columns_written.push_back(
                static_cast<AttributeNumber>(list_nth_int(found.columns_written, i)));
        std::sort(access.columns_written.begin(), access.columns_written.end());
        return access;
    }

    std::vector<Clause> clauses(const FoundAccess &found, List *list) {
        std::vector<Clause> result;
        for (int i = 0; i < list_length(list); i++)
            result.push_back(clause(found, *static_cast<FoundClause *>(list_nth(list, i))));
        return result;
    }

    Clause clause(const FoundAccess &access, const FoundClause &found) {
        Clause clause{.op = found.op,
                      .operand = found.operand,
                      .selectivity = std::clamp(found.selectivity, 0.0, 1.0),
                      .guessed = found.guessed};
        if (found.key)
            clause.key = key_of(access, found.key);
        if (found.operand == Operand::Parameter && !has_true_parameter(found.other))
            clause.operand =
                IsA(strip_relabel(found.other), Param) ? Operand::Literal : Operand::Expression;
        if (clause.operand != Operand::Parameter && stands_for_parameter(access, clause))
            clause.operand = Operand::Parameter;
        if (found.opclass)
            clause.opclass = found.opclass;
        for (int i = 0; i < list_length(found.gin_opclasses); i++)
            clause.gin_opclasses.emplace_back(
                static_cast<const char *>(list_nth(found.gin_opclasses, i)));
        if (found.clause && call_server([&] {
                return may_stand_in_predicate(found.clause, access.relid, access.rti, literals_);
            }))
            clause.predicate = canonical_condition(found.clause, access.relid);
        return clause;
    }

    KeyExpression key_of(const FoundAccess &access, Node *key) {
        if (IsA(key, Var))
            return {castNode(Var, key)->varattno, {}};
        return {0, canonical_expression(key, access.relid)};
    }

    // Of a parameter whose value was recorded the planner has made a constant.
    bool stands_for_parameter(const FoundAccess &access, const Clause &clause) const {
        if (clause.key.attribute == 0 || clause.op == ClauseOperator::IsNull ||
            clause.op == ClauseOperator::IsNotNull || clause.operand == Operand::Join)
            return false;
        for (int i = 0; i < uses_.count; i++) {
            const ParameterUse &use = uses_.uses[i];
            if (wanted_[i].is_parameter && wanted_[i].value &&
                use.role == ParameterUse::Role::Comparison && use.relid == access.relid &&
                use.attno == clause.key.attribute)
                return true;
        }
        return false;
    }

    bool has_true_parameter(Node *node) {
        ParameterSearch search{&uses_, wanted_, false};
        call_server([&] { find_true_parameter(node, &search); });
        return search.true_parameter;
    }

    const ParameterUses &uses_;
    const WantedValue *wanted_;
    Literals literals_;
};

} // namespace

QueryAccess read_query_access(const Query *query, const BoundParameters &bound,
                              const ParameterUses &uses, const WantedValue *wanted,
                              Literals literals) {
    PlanAnalysis analysis = call_server([&] { return analyse_plan(query, bound.analysis); });
    QueryAccess result{.target = analysis.target,
                       .command = analysis.command,
                       .rows_written = analysis.target_rows};
    Reader reader(uses, wanted, literals);
    for (int i = 0; i < list_length(analysis.accesses); i++)
        reader.read(*static_cast<FoundAccess *>(list_nth(analysis.accesses, i)), result.accesses);
    return result;
}

} // namespace triage
