#include "pg/bound_arithmetic.h"

#include "pg/column_values.h"
#include "pg/compat.h"
#include "pg/plan_analysis.h"
#include "pg/subtransaction.h"

PG_HEADERS_BEGIN
#include "catalog/pg_type_d.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
PG_HEADERS_END

namespace triage {
namespace {

// base + addend, base - addend; the addend may be a product.
struct Sum {
    Node *base = nullptr;
    bool subtracts = false;
    Param *addend = nullptr, *factor = nullptr; // factor: null if it is none
};

bool binary(Node *node, const char **name, Node **left, Node **right) {
    node = strip_relabel(node);
    if (!is_opclause(node) || list_length(castNode(OpExpr, node)->args) != 2)
        return false;
    auto *op = castNode(OpExpr, node);
    *name = get_opname(op->opno);
    *left = static_cast<Node *>(linitial(op->args));
    *right = static_cast<Node *>(lsecond(op->args));
    return *name != nullptr;
}

bool read_addend(Node *node, Sum *sum) {
    sum->addend = bare_parameter(node);
    if (sum->addend)
        return true;
    const char *name;
    Node *left, *right;
    if (!binary(node, &name, &left, &right) || strcmp(name, "*") != 0)
        return false;
    // What has a unit is the addend, if either has.
    if (exprType(left) == INTERVALOID)
        std::swap(left, right);
    sum->factor = bare_parameter(left);
    sum->addend = bare_parameter(right);
    return sum->factor && sum->addend;
}

bool read_sum(Node *node, Sum *sum) {
    const char *name;
    Node *right;
    if (!binary(node, &name, &sum->base, &right))
        return false;
    sum->subtracts = strcmp(name, "-") == 0;
    return (sum->subtracts || strcmp(name, "+") == 0) && read_addend(right, sum);
}

bool has_parameter(Node *node, void *context) {
    return node != nullptr && (IsA(node, Param) || walk_expression(node, has_parameter, context));
}

bool evaluate(Node *expression, Datum *value) {
    EState *estate = CreateExecutorState();
    ExprState *state = ExecPrepareExpr(reinterpret_cast<Expr *>(expression), estate);
    bool is_null;
    *value = ExecEvalExprSwitchContext(state, GetPerTupleExprContext(estate), &is_null);
    if (!is_null) {
        int16 length;
        bool by_value;
        get_typlenbyval(exprType(expression), &length, &by_value);
        *value = datumCopy(*value, by_value, length);
    }
    FreeExecutorState(estate);
    return !is_null;
}

enum class Base { Known, Unknown, Unfit };

Base value_of_base(Node *base, ParamListInfo known, Datum *value) {
    if (const Param *param = bare_parameter(base)) {
        const ParamExternData *bound =
            param->paramid <= known->numParams ? &known->params[param->paramid - 1] : nullptr;
        if (bound == nullptr || !OidIsValid(bound->ptype))
            return Base::Unknown;
        return convert_value(bound->value, bound->ptype, exprType(base), value) ? Base::Known
                                                                                : Base::Unfit;
    }
    if (contain_volatile_functions(base) || contain_var_clause(base) ||
        has_parameter(base, nullptr))
        return Base::Unfit;
    bool is_known = false;
    ErrorData *error = attempt([&] { is_known = evaluate(base, value); });
    return error || !is_known ? Base::Unfit : Base::Known;
}

struct Subtraction {
    Oid operands, result;
    PGFunction function;
};

Subtraction subtraction_for(Oid type, Oid wanted) {
    if (type == DATEOID && wanted == INT4OID)
        return {DATEOID, INT4OID, date_mi};
    if (wanted == INTERVALOID)
        return {type == TIMESTAMPTZOID ? type : Oid{TIMESTAMPOID}, INTERVALOID, timestamp_mi};
    return {NUMERICOID, NUMERICOID, numeric_sub};
}

// later - earlier, both of `type`, as a value of type `wanted`.
bool difference(Datum later, Datum earlier, Oid type, Oid wanted, Datum *value) {
    const Subtraction way = subtraction_for(type, wanted);
    Datum found = 0;
    // Infinite dates and times cannot be subtracted.
    return convert_value(later, type, way.operands, &later) &&
           convert_value(earlier, type, way.operands, &earlier) &&
           attempt([&] { found = DirectFunctionCall2(way.function, later, earlier); }) == nullptr &&
           convert_value(found, way.result, wanted, value);
}

bool small_number(int number, Oid type, Datum *value) {
    if (type == INTERVALOID) {
        *value = PointerGetDatum(palloc0(sizeof(Interval)));
        return number == 0;
    }
    return convert_value(Int32GetDatum(number), INT4OID, type, value);
}

} // namespace

Param *bare_parameter(Node *node) {
    for (;;) {
        node = strip_relabel(node);
        if (node == nullptr)
            return nullptr;
        if (IsA(node, Param))
            return castNode(Param, node)->paramkind == PARAM_EXTERN ? castNode(Param, node)
                                                                    : nullptr;
        if (IsA(node, CoerceViaIO)) {
            node = reinterpret_cast<Node *>(castNode(CoerceViaIO, node)->arg);
        } else if (IsA(node, FuncExpr) &&
                   (castNode(FuncExpr, node)->funcformat == COERCE_EXPLICIT_CAST ||
                    castNode(FuncExpr, node)->funcformat == COERCE_IMPLICIT_CAST)) {
            node = static_cast<Node *>(linitial(castNode(FuncExpr, node)->args));
        } else {
            return nullptr;
        }
    }
}

bool is_arithmetic(Node *expression) {
    Sum sum;
    return read_sum(expression, &sum);
}

bool value_for_bound(Node *expression, int wanted, Oid type, Datum bound, Oid bound_type,
                     ParamListInfo known, Datum *value) {
    Sum sum;
    if (!read_sum(expression, &sum))
        return false;
    const Param *base = bare_parameter(sum.base);
    if (base && base->paramid == wanted)
        return convert_value(bound, bound_type, type, value);
    if (sum.factor && sum.factor->paramid == wanted)
        return small_number(1, type, value);
    if (sum.addend->paramid != wanted)
        return false;
    const Oid base_type = exprType(sum.base);
    Datum from, to;
    switch (value_of_base(sum.base, known, &from)) {
    case Base::Known:
        break;
    case Base::Unknown:
        return small_number(0, type, value);
    case Base::Unfit:
        return false;
    }
    if (!convert_value(bound, bound_type, base_type, &to))
        return false;
    return sum.subtracts ? difference(from, to, base_type, type, value)
                         : difference(to, from, base_type, type, value);
}

} // namespace triage
