#include "pg/plan_analysis.h"

#include "pg/compat.h"
#include "pg/operator_class.h"

PG_HEADERS_BEGIN
#include "access/stratnum.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_class_d.h"
#include "catalog/pg_operator_d.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planner.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"
PG_HEADERS_END

namespace triage {
namespace {

set_rel_pathlist_hook_type next_hook = nullptr;

// The analysis under way; only plans made with its very parameter list belong to it (what the
// planner executes to fold constants may plan statements of its own).
struct Collector {
    ParamListInfo parameters;
    List *accesses;
};
Collector *active = nullptr;

// Arms of an OR that are looked at one by one.
constexpr int most_arms = 4;

// ---- Expressions --------------------------------------------------------------------------------

struct Params {
    bool external, internal;
};

bool find_params(Node *node, void *context) {
    if (node == nullptr)
        return false;
    if (IsA(node, Param)) {
        auto *params = static_cast<Params *>(context);
        if (castNode(Param, node)->paramkind == PARAM_EXTERN)
            params->external = true;
        else
            params->internal = true;
        return false;
    }
    return walk_expression(node, find_params, context);
}

Params params_of(Node *node) {
    Params params{};
    find_params(node, &params);
    return params;
}

// More or fewer than one value a row, as an ORDER BY may ask for.
bool is_not_of_a_row(Node *node) {
    return contain_agg_clause(node) || contain_window_function(node) ||
           expression_returns_set(node);
}

bool finds_system_column_or_row(Node *node, void *) {
    if (node == nullptr)
        return false;
    if (IsA(node, Var))
        return castNode(Var, node)->varattno <= 0;
    return walk_expression(node, finds_system_column_or_row, nullptr);
}

// An index can be made on it: only this relation's columns, and always the same value of them.
bool can_be_key(PlannerInfo *root, Node *node, Index rti) {
    if (IsA(node, Var))
        return castNode(Var, node)->varattno > 0;
    Params params = params_of(node);
    return !params.external && !params.internal && !contain_mutable_functions(node) &&
           !contain_subplans(node) && !is_not_of_a_row(node) &&
           !finds_system_column_or_row(node, nullptr) &&
           bms_membership(pull_varnos(root, node)) == BMS_SINGLETON;
}

bool mentions_only(PlannerInfo *root, Node *node, Index rti) {
    int member;
    return bms_get_singleton_member(pull_varnos(root, node), &member) &&
           member == static_cast<int>(rti);
}

Operand operand_of(PlannerInfo *root, Node *other) {
    Node *bare = strip_relabel(other);
    if (IsA(bare, Const))
        return Operand::Literal;
    Params params = params_of(other);
    if (params.external)
        return Operand::Parameter;
    if (params.internal || !bms_is_empty(pull_varnos(root, other)))
        return Operand::Join;
    return Operand::Expression;
}

Oid default_opfamily(Node *key) {
    return default_btree_order(exprType(key)).family;
}

// The literal or bound value that stands for `node`; null if it is not known.
Const *known_value(PlannerInfo *root, Node *node) {
    node = strip_relabel(node);
    if (IsA(node, Const))
        return castNode(Const, node);
    if (!IsA(node, Param) || castNode(Param, node)->paramkind != PARAM_EXTERN)
        return nullptr;
    ParamListInfo parameters = root->glob->boundParams;
    Param *param = castNode(Param, node);
    if (parameters == nullptr || param->paramid < 1 || param->paramid > parameters->numParams)
        return nullptr;
    ParamExternData &bound = parameters->params[param->paramid - 1];
    if (bound.ptype != param->paramtype)
        return nullptr;
    int16 length;
    bool by_value;
    get_typlenbyval(param->paramtype, &length, &by_value);
    return makeConst(param->paramtype, -1, param->paramcollid, length, bound.value, bound.isnull,
                     by_value);
}

// ---- Clauses ------------------------------------------------------------------------------------

double share_of_one_value(PlannerInfo *root, Node *key) {
    VariableStatData variable;
    bool is_default;
    examine_variable(root, key, 0, &variable);
    double distinct = get_variable_numdistinct(&variable, &is_default);
    ReleaseVariableStats(variable);
    return distinct > 1 ? 1 / distinct : 1;
}

bool has_statistics(PlannerInfo *root, Node *key) {
    VariableStatData variable;
    examine_variable(root, key, 0, &variable);
    const bool has = HeapTupleIsValid(variable.statsTuple);
    ReleaseVariableStats(variable);
    return has;
}

bool is_like(Oid opno) {
    return opno == OID_TEXT_LIKE_OP || opno == OID_BPCHAR_LIKE_OP;
}

// A pattern that does not begin with a wildcard; one that nobody knows may be such a one.
bool has_prefix(Const *pattern) {
    if (pattern == nullptr)
        return true;
    if (pattern->constisnull || (pattern->consttype != TEXTOID && pattern->consttype != BPCHAROID))
        return false;
    text *value = DatumGetTextPP(pattern->constvalue);
    char *start = VARDATA_ANY(value);
    return VARSIZE_ANY_EXHDR(value) > 0 && *start != '%' && *start != '_';
}

void classify_operator(PlannerInfo *root, FoundClause *found, Oid collation) {
    // An index on the key has the key's own collation.
    if (OidIsValid(collation) && collation != exprCollation(found->key))
        return;
    Oid family = default_opfamily(found->key);
    if (OidIsValid(family)) {
        switch (get_op_opfamily_strategy(found->opno, family)) {
        case BTEqualStrategyNumber:
            found->op = ClauseOperator::Equal;
            return;
        case BTLessStrategyNumber:
        case BTLessEqualStrategyNumber:
        case BTGreaterEqualStrategyNumber:
        case BTGreaterStrategyNumber:
            found->op = ClauseOperator::Range;
            return;
        default:
            break;
        }
        Oid negator = get_negator(found->opno);
        if (OidIsValid(negator) &&
            get_op_opfamily_strategy(negator, family) == BTEqualStrategyNumber)
            found->op = ClauseOperator::NotEqual;
    }
    if (is_like(found->opno) && has_prefix(known_value(root, found->other))) {
        found->op = ClauseOperator::Prefix;
        if (!collation_is_c(collation))
            found->opclass = found->opno == OID_BPCHAR_LIKE_OP ? "pg_catalog.bpchar_pattern_ops"
                                                               : "pg_catalog.text_pattern_ops";
    }
}

// Whether a B-tree does better at what a GIN index could do as well.
bool serves_btree(ClauseOperator op) {
    return op == ClauseOperator::Equal || op == ClauseOperator::Range ||
           op == ClauseOperator::Prefix;
}

void find_gin_opclasses(FoundClause *found) {
    Oid type = exprType(found->key);
    ListCell *cell;
    foreach (cell, gin_opclasses_for(found->opno, type)) {
        char *name = opclass_text(lfirst_oid(cell), type);
        found->gin_opclasses = lappend(found->gin_opclasses, name ? name : const_cast<char *>(""));
    }
}

void classify_comparison(PlannerInfo *root, FoundClause *found, Index rti, Node *left, Node *right,
                         Oid opno, Oid collation) {
    if (!mentions_only(root, left, rti)) {
        std::swap(left, right);
        opno = get_commutator(opno);
    }
    if (!OidIsValid(opno) || !mentions_only(root, left, rti) ||
        bms_is_member(rti, pull_varnos(root, right)) || contain_volatile_functions(right))
        return;
    left = strip_relabel(left);
    if (!can_be_key(root, left, rti))
        return;
    found->key = left;
    found->guessed = !IsA(left, Var) && !has_statistics(root, left);
    found->other = right;
    found->opno = opno;
    found->operand = operand_of(root, right);
    classify_operator(root, found, collation);
}

FoundClause *classify(PlannerInfo *root, Index rti, Node *clause, double selectivity) {
    auto *found = static_cast<FoundClause *>(palloc0(sizeof(FoundClause)));
    found->clause = clause;
    found->op = ClauseOperator::Other;
    found->operand = Operand::None;
    found->selectivity = selectivity;

    if (is_opclause(clause) && list_length(castNode(OpExpr, clause)->args) == 2) {
        auto *op = castNode(OpExpr, clause);
        classify_comparison(root, found, rti, static_cast<Node *>(linitial(op->args)),
                            static_cast<Node *>(lsecond(op->args)), op->opno, op->inputcollid);
        if (found->key && !serves_btree(found->op))
            find_gin_opclasses(found);
    } else if (IsA(clause, ScalarArrayOpExpr) && castNode(ScalarArrayOpExpr, clause)->useOr) {
        auto *op = castNode(ScalarArrayOpExpr, clause);
        Node *left = static_cast<Node *>(linitial(op->args));
        if (mentions_only(root, left, rti)) {
            classify_comparison(root, found, rti, left, static_cast<Node *>(lsecond(op->args)),
                                op->opno, op->inputcollid);
            found->op =
                found->op == ClauseOperator::Equal ? ClauseOperator::In : ClauseOperator::Other;
        }
    } else if (IsA(clause, NullTest) && !castNode(NullTest, clause)->argisrow) {
        auto *test = castNode(NullTest, clause);
        Node *argument = strip_relabel(reinterpret_cast<Node *>(test->arg));
        // A column's condition may stand in a predicate; of an expression only a B-tree knows.
        if (can_be_key(root, argument, rti) &&
            (IsA(argument, Var) || OidIsValid(default_opfamily(argument)))) {
            found->key = argument;
            found->op =
                test->nulltesttype == IS_NULL ? ClauseOperator::IsNull : ClauseOperator::IsNotNull;
        }
    } else if (IsA(clause, BooleanTest)) {
        auto *test = castNode(BooleanTest, clause);
        Node *argument = reinterpret_cast<Node *>(test->arg);
        if (can_be_key(root, argument, rti)) {
            found->key = argument;
            if (test->booltesttype == IS_TRUE || test->booltesttype == IS_FALSE)
                found->op = ClauseOperator::Equal;
        }
    } else if (IsA(clause, Var) || is_notclause(clause)) {
        Node *argument =
            IsA(clause, Var)
                ? clause
                : reinterpret_cast<Node *>(get_notclausearg(reinterpret_cast<Expr *>(clause)));
        if (IsA(argument, Var)) {
            found->key = argument;
            found->op = ClauseOperator::Equal;
        }
    }
    return found;
}

FoundClause *classify_own(PlannerInfo *root, Index rti, Node *clause) {
    return classify(root, rti, clause, clause_selectivity(root, clause, 0, JOIN_INNER, nullptr));
}

List *own_clauses(PlannerInfo *root, RelOptInfo *rel) {
    List *clauses = NIL;
    ListCell *cell;
    foreach (cell, rel->baserestrictinfo) {
        auto *restriction = lfirst_node(RestrictInfo, cell);
        if (!restriction->pseudoconstant)
            clauses = lappend(clauses, classify_own(root, rel->relid,
                                                    reinterpret_cast<Node *>(restriction->clause)));
    }
    return clauses;
}

// Each arm of an OR may have an index of its own, whose results a bitmap brings together.
List *or_arms(PlannerInfo *root, RelOptInfo *rel, List *clauses) {
    List *alternatives = NIL;
    ListCell *cell;
    foreach (cell, clauses) {
        auto *found = static_cast<FoundClause *>(lfirst(cell));
        if (!is_orclause(found->clause))
            continue;
        ListCell *arm_cell;
        foreach (arm_cell, castNode(BoolExpr, found->clause)->args) {
            if (list_length(alternatives) == most_arms)
                return alternatives;
            Node *arm = static_cast<Node *>(lfirst(arm_cell));
            List *conditions = is_andclause(arm) ? castNode(BoolExpr, arm)->args : list_make1(arm);
            List *alternative = NIL;
            ListCell *condition;
            foreach (condition, conditions)
                alternative =
                    lappend(alternative,
                            classify_own(root, rel->relid, static_cast<Node *>(lfirst(condition))));
            ListCell *rest;
            foreach (rest, clauses)
                if (lfirst(rest) != found)
                    alternative = lappend(alternative, lfirst(rest));
            alternatives = lappend(alternatives, alternative);
        }
    }
    return alternatives;
}

// ---- Joins and orders ---------------------------------------------------------------------------

// The class's expression over this relation alone, with the class's collation and in the default
// order of its type.
Node *member_of(EquivalenceClass *ec, RelOptInfo *rel, Oid opfamily) {
    ListCell *cell;
    if (ec->ec_has_volatile)
        return nullptr;
    foreach (cell, ec->ec_members) {
        auto *member = static_cast<EquivalenceMember *>(lfirst(cell));
        if (member->em_is_const || !bms_equal(member->em_relids, rel->relids))
            continue;
        Node *key = strip_relabel(reinterpret_cast<Node *>(member->em_expr));
        Oid family = default_opfamily(key);
        if (OidIsValid(family) &&
            (OidIsValid(opfamily) ? family == opfamily
                                  : list_member_oid(ec->ec_opfamilies, family)) &&
            (!OidIsValid(ec->ec_collation) || ec->ec_collation == exprCollation(key)))
            return key;
    }
    return nullptr;
}

bool joins_another(EquivalenceClass *ec, RelOptInfo *rel) {
    ListCell *cell;
    foreach (cell, ec->ec_members) {
        auto *member = static_cast<EquivalenceMember *>(lfirst(cell));
        if (!member->em_is_const && !member->em_is_child &&
            !bms_overlap(member->em_relids, rel->relids))
            return true;
    }
    return false;
}

FoundClause *join_key(PlannerInfo *root, Node *key) {
    auto *found = static_cast<FoundClause *>(palloc0(sizeof(FoundClause)));
    found->key = key;
    found->op = ClauseOperator::Equal;
    found->operand = Operand::Join;
    found->selectivity = share_of_one_value(root, key);
    return found;
}

List *join_clauses(PlannerInfo *root, RelOptInfo *rel) {
    List *clauses = NIL;
    ListCell *cell;
    foreach (cell, root->eq_classes) {
        auto *ec = static_cast<EquivalenceClass *>(lfirst(cell));
        if (ec->ec_has_const || !joins_another(ec, rel))
            continue;
        Node *key = member_of(ec, rel, InvalidOid);
        if (key && can_be_key(root, key, rel->relid))
            clauses = lappend(clauses, join_key(root, key));
    }
    foreach (cell, rel->joininfo) {
        auto *restriction = lfirst_node(RestrictInfo, cell);
        FoundClause *found =
            classify(root, rel->relid, reinterpret_cast<Node *>(restriction->clause), 1);
        if (found->key == nullptr || found->operand != Operand::Join)
            continue;
        found->selectivity = found->op == ClauseOperator::Equal
                                 ? share_of_one_value(root, found->key)
                                 : DEFAULT_INEQ_SEL;
        clauses = lappend(clauses, found);
    }
    return clauses;
}

// The leading run of an order that this relation can give alone.
List *order_by(PlannerInfo *root, RelOptInfo *rel, List *pathkeys) {
    List *result = NIL;
    ListCell *cell;
    foreach (cell, pathkeys) {
        auto *pathkey = lfirst_node(PathKey, cell);
        Node *key = member_of(pathkey->pk_eclass, rel, pathkey->pk_opfamily);
        if (key == nullptr || !can_be_key(root, key, rel->relid))
            break;
        auto *sort = static_cast<FoundSort *>(palloc0(sizeof(FoundSort)));
        sort->key = key;
        sort->descending = is_descending(pathkey);
        sort->nulls_first = pathkey->pk_nulls_first;
        result = lappend(result, sort);
    }
    return result;
}

bool limit_reaches_the_scan(PlannerInfo *root) {
    Query *parse = root->parse;
    return root->limit_tuples > 0 ||
           (parse->limitCount != nullptr && !parse->hasAggs && !parse->hasWindowFuncs &&
            parse->groupClause == NIL && parse->groupingSets == NIL &&
            parse->distinctClause == NIL && parse->setOperations == nullptr);
}

// ---- The relation -------------------------------------------------------------------------------

void add_columns(FoundAccess *access, Node *node) {
    ListCell *cell;
    foreach (cell, pull_var_clause(node, PVC_RECURSE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS |
                                             PVC_RECURSE_PLACEHOLDERS)) {
        auto *var = lfirst_node(Var, cell);
        if (var->varno != static_cast<int>(access->rti))
            continue;
        if (var->varattno > 0)
            access->columns_read = bms_add_member(access->columns_read, var->varattno);
        else
            access->whole_row = true;
    }
}

// A partition is looked at through its parent; a branch of UNION ALL stands for itself.
bool is_partition_of_scanned_parent(PlannerInfo *root, RelOptInfo *rel) {
    if (rel->reloptkind != RELOPT_OTHER_MEMBER_REL)
        return false;
    AppendRelInfo *append = root->append_rel_array[rel->relid];
    return append != nullptr &&
           root->simple_rte_array[append->parent_relid]->rtekind == RTE_RELATION;
}

void collect(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte) {
    auto *access = static_cast<FoundAccess *>(palloc0(sizeof(FoundAccess)));
    access->relid = rte->relid;
    access->rti = rel->relid;
    access->clauses = own_clauses(root, rel);
    access->alternatives = or_arms(root, rel, access->clauses);
    access->clauses = list_concat(access->clauses, join_clauses(root, rel));
    List *grouping = root->group_pathkeys != NIL ? root->group_pathkeys : root->distinct_pathkeys;
    access->group_by = order_by(root, rel, grouping);
    if (list_length(access->group_by) < list_length(grouping))
        access->group_by = NIL;
    access->order_by =
        order_by(root, rel, grouping != NIL ? root->sort_pathkeys : root->query_pathkeys);
    access->limited = limit_reaches_the_scan(root);
    access->is_target = root->parse->resultRelation == static_cast<int>(rel->relid);
    if (access->is_target && root->parse->commandType == CMD_UPDATE)
        access->columns_written = list_copy(root->update_colnos);
    access->whole_row = access->is_target;
    add_columns(access, reinterpret_cast<Node *>(rel->reltarget->exprs));
    ListCell *cell;
    foreach (cell, rel->baserestrictinfo)
        add_columns(access, reinterpret_cast<Node *>(lfirst_node(RestrictInfo, cell)->clause));
    active->accesses = lappend(active->accesses, access);
}

[[gnu::noinline]] void analyse_relation(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte) {
    if (root->glob->boundParams == active->parameters && rte->rtekind == RTE_RELATION &&
        !is_partition_of_scanned_parent(root, rel) && is_user_table(rte->relid))
        collect(root, rel, rte);
}

void on_relation(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte) {
    if (next_hook)
        next_hook(root, rel, rti, rte);
    if (active != nullptr)
        analyse_relation(root, rel, rte);
}

// With the first analysis, for the sake of backends that make none: the hook runs for each relation
// of each statement.
void chain_hook() {
    static bool chained = false;
    if (chained)
        return;
    chained = true;
    next_hook = set_rel_pathlist_hook;
    set_rel_pathlist_hook = on_relation;
}

double rows_written(PlannedStmt *statement) {
    Plan *plan = statement->planTree;
    return IsA(plan, ModifyTable) && outerPlan(plan) ? outerPlan(plan)->plan_rows : 0;
}

} // namespace

Node *strip_relabel(Node *node) {
    while (node != nullptr && IsA(node, RelabelType))
        node = reinterpret_cast<Node *>(castNode(RelabelType, node)->arg);
    return node;
}

bool is_user_table(Oid relid) {
    if (relid < FirstNormalObjectId)
        return false;
    char kind = get_rel_relkind(relid);
    if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE && kind != RELKIND_MATVIEW)
        return false;
    return get_rel_persistence(relid) != RELPERSISTENCE_TEMP &&
           get_rel_namespace(relid) != get_namespace_oid("triage", true);
}

PlanAnalysis analyse_plan(const Query *query, ParamListInfo parameters) {
    chain_hook();
    PlanAnalysis analysis{.command = query->commandType};
    Collector collector{.parameters = parameters};
    Collector *outer = active;
    auto *copy = static_cast<Query *>(copyObjectImpl(query));
    if (query->resultRelation > 0)
        analysis.target = rt_fetch(query->resultRelation, query->rtable)->relid;

    PlannedStmt *volatile plan = nullptr;
    PG_TRY();
    {
        active = &collector;
        plan = standard_planner(copy, "", CURSOR_OPT_PARALLEL_OK, parameters);
    }
    PG_FINALLY();
    { active = outer; }
    PG_END_TRY();
    analysis.accesses = collector.accesses;
    analysis.target_rows = rows_written(plan);
    return analysis;
}

} // namespace triage
