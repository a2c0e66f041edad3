#include "pg/canonical_sql.h"

#include "pg/compat.h"
#include "pg/guard.h"
#include "pg/scratch.h"

PG_HEADERS_BEGIN
#include "access/table.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_clause.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_node.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
PG_HEADERS_END

namespace triage {
namespace {

// Within it everything outside pg_catalog is printed, and must be read, with its schema. An error
// leaves the level to the (sub)transaction's abort.
int enter_fixed_search_path() {
    int level = NewGUCNestLevel();
    (void)set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
                            GUC_ACTION_SAVE, true, 0, false);
    return level;
}

void leave_fixed_search_path(int level) {
    AtEOXact_GUC(true, level);
}

bool set_varno_1(Node *node, void *context) {
    if (node == nullptr)
        return false;
    if (IsA(node, Var)) {
        auto *var = castNode(Var, node);
        var->varno = 1;
        var->varnosyn = 1;
        var->varattnosyn = var->varattno;
        return false;
    }
    return walk_expression(node, set_varno_1, context);
}

char *canonical_text(Node *node, Oid relid, bool is_condition) {
    char *name = get_rel_name(relid);
    if (name == nullptr)
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
                        errmsg("relation with OID %u does not exist", relid)));
    node = static_cast<Node *>(copyObjectImpl(node));
    set_varno_1(node, nullptr);
    node = eval_const_expressions(nullptr, node);
    if (is_condition)
        node = reinterpret_cast<Node *>(canonicalize_qual(reinterpret_cast<Expr *>(node), false));
    int level = enter_fixed_search_path();
    char *text = deparse_expression(node, deparse_context_for(name, relid), false, false);
    leave_fixed_search_path(level);
    return text;
}

ParseState *state_over(::Relation relation) {
    ParseState *state = make_parsestate(nullptr);
    addNSItemToQuery(
        state,
        addRangeTableEntryForRelation(state, relation, AccessShareLock, nullptr, false, true),
        false, true, true);
    return state;
}

SelectStmt *parse_select(const char *prefix, const char *text) {
    List *statements = raw_parser(psprintf("%s %s", prefix, text), RAW_PARSE_DEFAULT);
    if (list_length(statements) != 1 || !IsA(linitial_node(RawStmt, statements)->stmt, SelectStmt))
        ereport(ERROR,
                (errcode(ERRCODE_SYNTAX_ERROR), errmsg("malformed condition or expression")));
    return castNode(SelectStmt, linitial_node(RawStmt, statements)->stmt);
}

std::string to_string(char *(*text)(Node *, Oid), Node *node, Oid relid) {
    ScratchContext scratch;
    const char *result = scratch.call_server([&] { return text(node, relid); });
    return result;
}

} // namespace

char *canonical_condition_text(Node *condition, Oid relid) {
    return canonical_text(condition, relid, true);
}

char *canonical_expression_text(Node *expression, Oid relid) {
    return canonical_text(expression, relid, false);
}

std::string canonical_condition(Node *condition, Oid relid) {
    return to_string(canonical_condition_text, condition, relid);
}

std::string canonical_expression(Node *expression, Oid relid) {
    return to_string(canonical_expression_text, expression, relid);
}

List *parse_canonical_condition(const char *text, Oid relid) {
    int level = enter_fixed_search_path();
    ::Relation relation = table_open(relid, AccessShareLock);
    ParseState *state = state_over(relation);
    Node *clause = transformWhereClause(state, parse_select("SELECT WHERE", text)->whereClause,
                                        EXPR_KIND_INDEX_PREDICATE, "WHERE");
    assign_expr_collations(state, clause);
    free_parsestate(state);
    table_close(relation, NoLock);
    leave_fixed_search_path(level);
    clause = eval_const_expressions(nullptr, clause);
    return make_ands_implicit(canonicalize_qual(reinterpret_cast<Expr *>(clause), false));
}

Node *parse_canonical_expression(const char *text, Oid relid) {
    int level = enter_fixed_search_path();
    ::Relation relation = table_open(relid, AccessShareLock);
    ParseState *state = state_over(relation);
    auto *target = linitial_node(ResTarget, parse_select("SELECT", text)->targetList);
    Node *expression = transformExpr(state, target->val, EXPR_KIND_INDEX_EXPRESSION);
    assign_expr_collations(state, expression);
    free_parsestate(state);
    table_close(relation, NoLock);
    leave_fixed_search_path(level);
    return eval_const_expressions(nullptr, expression);
}

char *qualified_name(Oid nspid, const char *name) {
    return quote_qualified_identifier(get_namespace_name(nspid), name);
}

} // namespace triage
