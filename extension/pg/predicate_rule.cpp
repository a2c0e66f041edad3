#include "pg/predicate_rule.h"

#include "pg/column_facts.h"
#include "pg/compat.h"
#include "pg/guc.h"
#include "pg/operator_class.h"
#include "pg/plan_analysis.h"

PG_HEADERS_BEGIN
#include "access/stratnum.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
PG_HEADERS_END

namespace triage {
namespace {

// A longer list of values is no condition that recurs.
constexpr int longest_list = 16;

bool is_column(Node *node, Index rti) {
    node = strip_relabel(node);
    return IsA(node, Var) && castNode(Var, node)->varno == static_cast<int>(rti) &&
           castNode(Var, node)->varattno > 0;
}

// What the rules are asked about.
struct Question {
    Oid relid;
    Index rti;
    Literals literals;
};

// The privacy rule, as the sampler applies it; and no value that is but an example.
bool may_be_named(const Question &question, Node *column, Oid type, Datum value) {
    AttributeNumber attno = castNode(Var, strip_relabel(column))->varattno;
    const column_facts::Column *facts = column_facts::get_column(question.relid, attno);
    if (facts == nullptr ||
        (question.literals == Literals::Given && facts->profile.distinct > most_states))
        return false;
    const CommonValue *common =
        facts->profile.find_common(datum_values::value_for(facts->type, type, value));
    return common != nullptr && common->printed != nullptr &&
           may_keep_value(facts->secrecy, common->frequency * facts->profile.rows,
                          strlen(common->printed), guc::min_shared_rows);
}

// A bound in time is another one tomorrow.
bool moves(Oid type) {
    switch (getBaseType(type)) {
    case DATEOID:
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
    case TIMEOID:
    case TIMETZOID:
        return true;
    default:
        return false;
    }
}

bool is_equality_or_its_negation(Oid opno, Oid type) {
    Oid family = default_btree_order(type).family, negator = get_negator(opno);
    if (!OidIsValid(family))
        return false;
    return get_op_opfamily_strategy(opno, family) == BTEqualStrategyNumber ||
           (OidIsValid(negator) &&
            get_op_opfamily_strategy(negator, family) == BTEqualStrategyNumber);
}

bool comparison_may_stand(OpExpr *op, const Question &question) {
    if (list_length(op->args) != 2)
        return false;
    Node *column = static_cast<Node *>(linitial(op->args));
    Node *value = static_cast<Node *>(lsecond(op->args));
    if (!is_column(column, question.rti))
        std::swap(column, value);
    value = strip_relabel(value);
    if (!is_column(column, question.rti) || !IsA(value, Const))
        return false;
    Oid type = exprType(strip_relabel(column));
    return (is_equality_or_its_negation(op->opno, type) || !moves(type)) &&
           !castNode(Const, value)->constisnull &&
           may_be_named(question, column, castNode(Const, value)->consttype,
                        castNode(Const, value)->constvalue);
}

bool list_may_stand(ScalarArrayOpExpr *op, const Question &question) {
    Node *column = static_cast<Node *>(linitial(op->args));
    Node *list = strip_relabel(static_cast<Node *>(lsecond(op->args)));
    if (!is_column(column, question.rti) || !IsA(list, Const) || castNode(Const, list)->constisnull)
        return false;
    ArrayType *array = DatumGetArrayTypeP(castNode(Const, list)->constvalue);
    Oid type = ARR_ELEMTYPE(array);
    int16 length;
    bool by_value;
    char alignment;
    get_typlenbyvalalign(type, &length, &by_value, &alignment);
    Datum *values;
    bool *nulls;
    int count;
    deconstruct_array(array, type, length, by_value, alignment, &values, &nulls, &count);
    if (count == 0 || count > longest_list)
        return false;
    for (int i = 0; i < count; i++)
        if (nulls[i] || !may_be_named(question, column, type, values[i]))
            return false;
    return true;
}

bool may_stand(Node *clause, const Question &question) {
    switch (nodeTag(clause)) {
    case T_Var:
        return is_column(clause, question.rti);
    case T_NullTest:
        return !castNode(NullTest, clause)->argisrow &&
               is_column(reinterpret_cast<Node *>(castNode(NullTest, clause)->arg), question.rti);
    case T_BooleanTest:
        return is_column(reinterpret_cast<Node *>(castNode(BooleanTest, clause)->arg),
                         question.rti);
    case T_OpExpr:
        return comparison_may_stand(castNode(OpExpr, clause), question);
    case T_ScalarArrayOpExpr:
        return list_may_stand(castNode(ScalarArrayOpExpr, clause), question);
    case T_BoolExpr: {
        ListCell *cell;
        foreach (cell, castNode(BoolExpr, clause)->args)
            if (!may_stand(static_cast<Node *>(lfirst(cell)), question))
                return false;
        return true;
    }
    default:
        return false;
    }
}

// ---- Values anywhere in a definition

bool says_nothing(const Const *value) {
    if (value->constisnull)
        return true;
    Oid output;
    bool is_varlena;
    getTypeOutputInfo(value->consttype, &output, &is_varlena);
    const char *text = OidOutputFunctionCall(output, value->constvalue);
    return value->consttype == BOOLOID || *text == '\0' || strcmp(text, "0") == 0 ||
           strcmp(text, "1") == 0;
}

// True if a value that says something is what the expression may come to, by way of casts, arrays,
// rows, CASE, coalesce() and the like. What an operator or a function makes of its arguments is
// something else.
bool may_be_private(Node *node, void *context) {
    if (node == nullptr)
        return false;
    switch (nodeTag(node)) {
    case T_Const:
        return !says_nothing(castNode(Const, node));
    case T_FuncExpr:
        if (castNode(FuncExpr, node)->funcformat != COERCE_EXPLICIT_CAST &&
            castNode(FuncExpr, node)->funcformat != COERCE_IMPLICIT_CAST)
            return false;
        break;
    case T_OpExpr:
    case T_DistinctExpr:
    case T_NullIfExpr:
    case T_ScalarArrayOpExpr:
    case T_SubscriptingRef:
        return false;
    default:
        break;
    }
    return walk_expression(node, may_be_private, context);
}

// Of arguments that rows are told apart by.
bool any_private(List *arguments) {
    return may_be_private(reinterpret_cast<Node *>(arguments), nullptr);
}

bool search_private_value(Node *node, void *context) {
    const auto &question = *static_cast<const Question *>(context);
    if (node == nullptr)
        return false;
    bool found = false;
    switch (nodeTag(node)) {
    case T_OpExpr:
    case T_DistinctExpr:
    case T_NullIfExpr: {
        auto *op = reinterpret_cast<OpExpr *>(node); // all three are
        const bool tells_apart = IsA(node, NullIfExpr) || op->opresulttype == BOOLOID;
        found = tells_apart && !comparison_may_stand(op, question) && any_private(op->args);
        break;
    }
    case T_ScalarArrayOpExpr: {
        auto *op = castNode(ScalarArrayOpExpr, node);
        found = !list_may_stand(op, question) && any_private(op->args);
        break;
    }
    case T_FuncExpr: {
        auto *function = castNode(FuncExpr, node);
        found = function->funcresulttype == BOOLOID && any_private(function->args);
        break;
    }
    case T_RowCompareExpr: {
        auto *comparison = castNode(RowCompareExpr, node);
        found = any_private(comparison->largs) || any_private(comparison->rargs);
        break;
    }
    default:
        break;
    }
    return found || walk_expression(node, search_private_value, context);
}

// ---- Values in a key's expression

// Functions of the server whose texts are units, formats and the like.
bool takes_units(Oid function) {
    if (function >= FirstGenbkiObjectId)
        return false;
    const char *name = get_func_name(function);
    for (const char *known : {"date_trunc", "date_part", "extract", "timezone", "to_char"})
        if (name != nullptr && strcmp(name, known) == 0)
            return true;
    return false;
}

bool looks_into_documents(const OpExpr *op) {
    if (op->opno >= FirstGenbkiObjectId)
        return false;
    const char *name = get_opname(op->opno);
    for (const char *known : {"->", "->>", "#>", "#>>"})
        if (name != nullptr && strcmp(name, known) == 0)
            return true;
    return false;
}

// Numbers are there to compute with, and a single character to separate.
bool may_say_who(const Const *value) {
    if (says_nothing(value))
        return false;
    char category;
    bool preferred;
    get_type_category_preferred(value->consttype, &category, &preferred);
    if (category == TYPCATEGORY_NUMERIC) // with the OIDs of text search configurations
        return false;
    Oid output;
    bool is_varlena;
    getTypeOutputInfo(value->consttype, &output, &is_varlena);
    return strlen(OidOutputFunctionCall(output, value->constvalue)) > 1;
}

bool is_const(Node *node) {
    return IsA(strip_relabel(node), Const);
}

bool judge_constants(Node *node, void *context) {
    auto *judged = static_cast<KeyText *>(context);
    if (node == nullptr)
        return false;
    if (IsA(node, Const)) {
        if (may_say_who(castNode(Const, node)))
            *judged = KeyText::Private;
        return *judged == KeyText::Private;
    }
    List *arguments = NIL;
    if (IsA(node, FuncExpr) && takes_units(castNode(FuncExpr, node)->funcid)) {
        arguments = castNode(FuncExpr, node)->args;
    } else if (IsA(node, OpExpr) && looks_into_documents(castNode(OpExpr, node))) {
        arguments = castNode(OpExpr, node)->args;
        auto *key = static_cast<Node *>(strip_relabel(static_cast<Node *>(llast(arguments))));
        if (IsA(key, Const) && may_say_who(castNode(Const, key)))
            *judged = KeyText::Shared;
    } else {
        return walk_expression(node, judge_constants, context);
    }
    ListCell *cell;
    foreach (cell, arguments)
        if (!is_const(static_cast<Node *>(lfirst(cell))) &&
            judge_constants(static_cast<Node *>(lfirst(cell)), context))
            return true;
    return false;
}

} // namespace

KeyText judge_key_text(Node *expression, Oid relid) {
    if (names_private_value(expression, relid))
        return KeyText::Private;
    KeyText judged = KeyText::Harmless;
    judge_constants(expression, &judged);
    return judged;
}

bool may_stand_in_predicate(Node *clause, Oid relid, Index rti, Literals literals) {
    return may_stand(clause, {relid, rti, literals}) && !contain_mutable_functions(clause);
}

bool names_private_value(Node *expression, Oid relid) {
    Question question{relid, 1, Literals::Observed};
    return search_private_value(eval_const_expressions(nullptr, expression), &question);
}

} // namespace triage
