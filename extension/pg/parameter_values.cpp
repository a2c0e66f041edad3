#include "pg/parameter_values.h"

#include "pg/column_values.h"
#include "pg/compat.h"
#include "pg/query_text.h"
#include "pg/subtransaction.h"

#include <cmath>

PG_HEADERS_BEGIN
#include "catalog/pg_type_d.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
PG_HEADERS_END

namespace triage {
namespace {

constexpr int most_parameters = 1000;
constexpr int typical_limit = 20;
// With both ends of a range given and nothing known of it, one per cent of the rows.
constexpr double default_half_open = 0.505;
// Of an array for `column = ANY ($n)`.
constexpr int most_elements = 50;

// ---- Where parameters stand ---------------------------------------------------------------------

ParameterUse *use_of(ParameterUses *uses, Param *param) {
    if (param->paramkind != PARAM_EXTERN || param->paramid < 1 || param->paramid > most_parameters)
        return nullptr;
    if (param->paramid > uses->count) {
        auto size = sizeof(ParameterUse) * static_cast<Size>(param->paramid);
        auto *longer = static_cast<ParameterUse *>(palloc0(size));
        if (uses->count > 0)
            memcpy(longer, uses->uses, sizeof(ParameterUse) * static_cast<Size>(uses->count));
        uses->uses = longer;
        uses->count = param->paramid;
    }
    return &uses->uses[param->paramid - 1];
}

// The parameter itself under any casts.
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

// Every parameter with its type, and the roles that only the statement's tree shows.
bool find_parameters(Node *node, void *context) {
    auto *uses = static_cast<ParameterUses *>(context);
    if (node == nullptr)
        return false;
    if (IsA(node, Param)) {
        ParameterUse *use = use_of(uses, castNode(Param, node));
        if (use && use->role == ParameterUse::Role::Unused) {
            use->role = ParameterUse::Role::Unknown;
            use->type = castNode(Param, node)->paramtype;
        }
        return false;
    }
    if (IsA(node, Query)) {
        auto *query = castNode(Query, node);
        if (walk_query(query, find_parameters, context, 0))
            return true;
        if (Param *limit = bare_parameter(query->limitCount))
            if (ParameterUse *use = use_of(uses, limit))
                use->role = query == uses->statement ? ParameterUse::Role::Limit
                                                     : ParameterUse::Role::InnerLimit;
        if (Param *offset = bare_parameter(query->limitOffset))
            if (ParameterUse *use = use_of(uses, offset))
                use->role = ParameterUse::Role::Offset;
        return false;
    }
    return walk_expression(node, find_parameters, context);
}

struct ParametersInside {
    ParameterUses *uses;
    FoundAccess *access;
    FoundClause *clause;
    int element, elements;
};

bool note_comparison(Node *node, void *context) {
    auto *inside = static_cast<ParametersInside *>(context);
    if (node == nullptr)
        return false;
    if (IsA(node, Param)) {
        ParameterUse *use = use_of(inside->uses, castNode(Param, node));
        // The first condition in which it stands; one on a plain column rather than an expression.
        bool is_column = IsA(inside->clause->key, Var);
        if (use == nullptr ||
            (use->role == ParameterUse::Role::Comparison && (use->attno > 0 || !is_column)))
            return false;
        if (use->role != ParameterUse::Role::Comparison && use->role != ParameterUse::Role::Unknown)
            return false;
        use->role = ParameterUse::Role::Comparison;
        use->relid = inside->access->relid;
        use->attno = is_column ? castNode(Var, inside->clause->key)->varattno : 0;
        use->opno = inside->clause->opno;
        use->op = inside->clause->op;
        use->other = inside->clause->other;
        use->element = inside->element;
        use->elements = inside->elements;
        return false;
    }
    if (IsA(node, ArrayExpr) && node == strip_relabel(inside->clause->other)) {
        List *elements = castNode(ArrayExpr, node)->elements;
        ListCell *cell;
        inside->elements = list_length(elements);
        foreach (cell, elements) {
            inside->element = foreach_current_index(cell);
            note_comparison(static_cast<Node *>(lfirst(cell)), context);
        }
        return false;
    }
    return walk_expression(node, note_comparison, context);
}

void note_comparisons(ParameterUses *uses, FoundAccess *access, List *clauses) {
    ListCell *cell;
    foreach (cell, clauses) {
        auto *clause = static_cast<FoundClause *>(lfirst(cell));
        if (clause->key == nullptr || clause->other == nullptr)
            continue;
        ParametersInside inside{uses, access, clause, 0, 1};
        note_comparison(clause->other, &inside);
    }
}

bool bounds_below(const ParameterUse &use) {
    return get_oprrest(use.opno) == F_SCALARLTSEL || get_oprrest(use.opno) == F_SCALARLESEL;
}

void note_pairs_of_bounds(ParameterUses *uses) {
    for (int i = 0; i < uses->count; i++)
        for (int j = 0; j < uses->count; j++) {
            ParameterUse &a = uses->uses[i], &b = uses->uses[j];
            if (a.role == ParameterUse::Role::Comparison && b.role == a.role &&
                a.op == ClauseOperator::Range && b.op == a.op && a.relid == b.relid &&
                a.attno == b.attno && bounds_below(a) != bounds_below(b))
                a.one_of_two_bounds = b.one_of_two_bounds = true;
        }
}

// ---- Values -------------------------------------------------------------------------------------

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

// For `base - $n`: what to take from the base (now(), current_date) to arrive at `bound`.
bool difference_to(Node *other, Oid parameter_type, Datum bound, Oid bound_type, Datum *value) {
    other = strip_relabel(other);
    if (!is_opclause(other) || list_length(castNode(OpExpr, other)->args) != 2)
        return false;
    auto *op = castNode(OpExpr, other);
    Node *base = static_cast<Node *>(linitial(op->args));
    if (!bare_parameter(static_cast<Node *>(lsecond(op->args))) ||
        contain_volatile_functions(base) || contain_var_clause(base) ||
        strcmp(get_opname(op->opno), "-") != 0)
        return false;
    ParameterUses none{};
    find_parameters(base, &none);
    if (none.count > 0)
        return false;
    Oid base_type = exprType(base);
    Datum now, then;
    bool is_known = false;
    ErrorData *error = attempt([&] { is_known = evaluate(base, &now); });
    if (error || !is_known || !convert_value(bound, bound_type, base_type, &then))
        return false;
    if (parameter_type == INTERVALOID &&
        (base_type == TIMESTAMPTZOID || base_type == TIMESTAMPOID)) {
        *value = DirectFunctionCall2(timestamp_mi, now, then);
        return true;
    }
    if (parameter_type == INT4OID && base_type == DATEOID) {
        *value = DirectFunctionCall2(date_mi, now, then);
        return true;
    }
    return false;
}

struct ChosenValue {
    Datum value;
    // The planner may prove with it that an index's predicate holds, or prune partitions. Not with
    // a value that stands in for others and happens to be one that a predicate may name.
    bool is_constant;
};

bool array_of(const ParameterUse &use, Oid element_type, double selectivity, ChosenValue *array) {
    Datum elements[most_elements];
    int wanted = typical_list_elements, count = 0;
    for (int i = 0; i < wanted; i++) {
        Datum value;
        Oid type;
        bool common;
        if (!value_equal_to(use.relid, use.attno, selectivity > 0 ? selectivity / wanted : -1, i,
                            &value, &type, &common) ||
            !convert_value(value, type, element_type, &elements[count]))
            return false;
        array->is_constant &= !common;
        count++;
    }
    int16 length;
    bool by_value;
    char alignment;
    get_typlenbyvalalign(element_type, &length, &by_value, &alignment);
    array->value = PointerGetDatum(
        construct_array(elements, count, element_type, length, by_value, alignment));
    return true;
}

bool value_of_comparison(const ParameterUse &use, const WantedValue &wanted, ChosenValue *chosen) {
    double selectivity = wanted.selectivity;
    Datum value;
    Oid type;
    bool common = false;
    switch (use.op) {
    case ClauseOperator::Equal:
    case ClauseOperator::NotEqual:
        if (use.op == ClauseOperator::NotEqual && selectivity > 0)
            selectivity = std::max(1 - selectivity, 1e-6);
        if (!value_equal_to(use.relid, use.attno, selectivity, 0, &value, &type, &common))
            return false;
        break;
    case ClauseOperator::In: {
        Oid element_type = get_element_type(use.type);
        if (OidIsValid(element_type) && use.elements == 1)
            return array_of(use, element_type, selectivity, chosen);
        if (selectivity > 0)
            selectivity /= use.elements;
        if (!value_equal_to(use.relid, use.attno, selectivity, use.element, &value, &type, &common))
            return false;
        break;
    }
    case ClauseOperator::Range:
        if (selectivity < 0 && use.one_of_two_bounds)
            selectivity = default_half_open;
        if (!value_bounding(use.relid, use.attno, bounds_below(use), selectivity, &value, &type))
            return false;
        break;
    case ClauseOperator::Prefix:
        if (!value_matching(use.relid, use.attno, !wanted.leading_wildcard, selectivity, &value))
            return false;
        type = TEXTOID;
        break;
    default:
        return false;
    }
    chosen->is_constant = !common;
    if (use.elements == 1 && !bare_parameter(use.other))
        return difference_to(use.other, use.type, value, type, &chosen->value);
    return convert_value(value, type, use.type, &chosen->value);
}

bool value_for(const ParameterUse &use, const WantedValue &wanted, ChosenValue *chosen) {
    chosen->is_constant = true;
    if (wanted.value) {
        // As the column's type printed it; the parameter may be of another.
        char *text = pstrdup(wanted.value);
        bool is_known = attempt([&] {
                            Oid input, io_parameter;
                            getTypeInputInfo(getBaseType(use.type), &input, &io_parameter);
                            chosen->value = OidInputFunctionCall(input, text, io_parameter, -1);
                        }) == nullptr;
        if (is_known)
            return true;
    }
    switch (use.role) {
    case ParameterUse::Role::Limit:
        // What it returned was what the limit let through, or all there was.
        if (wanted.rows >= 0)
            return convert_value(
                Int64GetDatum(static_cast<int64>(std::clamp(std::ceil(wanted.rows), 1.0, 1e9))),
                INT8OID, use.type, &chosen->value);
        [[fallthrough]];
    case ParameterUse::Role::InnerLimit:
        return convert_value(Int64GetDatum(typical_limit), INT8OID, use.type, &chosen->value);
    case ParameterUse::Role::Offset:
        return convert_value(Int64GetDatum(0), INT8OID, use.type, &chosen->value);
    case ParameterUse::Role::Comparison:
        return value_of_comparison(use, wanted, chosen);
    default:
        return false;
    }
}

ParamListInfo unbound(int count) {
    ParamListInfo parameters = makeParamList(count);
    for (int i = 0; i < count; i++)
        parameters->params[i] = {.value = 0, .isnull = true, .pflags = 0, .ptype = InvalidOid};
    return parameters;
}

BoundParameters unbound_parameters(int count) {
    return {{unbound(count), unbound(count)}, unbound(count)};
}

void bind(BoundParameters &bound, int i, const ParameterUse &use, const WantedValue &wanted) {
    ChosenValue chosen;
    if (!value_for(use, wanted, &chosen))
        return;
    auto bind_in = [&](ParamListInfo parameters, bool is_constant) {
        parameters->params[i] = {chosen.value, false,
                                 static_cast<uint16>(is_constant ? PARAM_FLAG_CONST : 0), use.type};
    };
    bind_in(bound.planning.custom, chosen.is_constant);
    if (!wanted.is_parameter)
        bind_in(bound.planning.generic, chosen.is_constant);
    bind_in(bound.analysis, wanted.value);
}

} // namespace

ParameterUses find_parameter_uses(const Query *query) {
    ParameterUses uses{};
    uses.statement = query;
    find_parameters(reinterpret_cast<Node *>(const_cast<Query *>(query)), &uses);
    if (uses.count == 0)
        return uses;
    PlanAnalysis analysis = analyse_plan(query, unbound(uses.count));
    ListCell *cell;
    foreach (cell, analysis.accesses) {
        auto *access = static_cast<FoundAccess *>(lfirst(cell));
        note_comparisons(&uses, access, access->clauses);
        ListCell *alternative;
        foreach (alternative, access->alternatives)
            note_comparisons(&uses, access, static_cast<List *>(lfirst(alternative)));
    }
    note_pairs_of_bounds(&uses);
    return uses;
}

BoundParameters bind_parameters(const ParameterUses &uses, const WantedValue *wanted) {
    BoundParameters bound = unbound_parameters(uses.count);
    for (int i = 0; i < uses.count; i++)
        bind(bound, i, uses.uses[i], wanted[i]);
    return bound;
}

ParamListInfo bind_typical_values(const Query *query) {
    ParameterUses uses = find_parameter_uses(query);
    const WantedValue typical;
    BoundParameters bound = unbound_parameters(uses.count);
    for (int i = 0; i < uses.count; i++)
        bind(bound, i, uses.uses[i], typical);
    return bound.planning.custom;
}

} // namespace triage
