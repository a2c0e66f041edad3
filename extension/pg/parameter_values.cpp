#include "pg/parameter_values.h"

#include "pg/bound_arithmetic.h"
#include "pg/column_values.h"
#include "pg/compat.h"
#include "pg/query_text.h"
#include "pg/subtransaction.h"

#include <cmath>

PG_HEADERS_BEGIN
#include "catalog/pg_type_d.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
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

bool is_inside_arithmetic(const ParameterUse &use) {
    return use.role == ParameterUse::Role::Comparison && use.elements == 1 &&
           is_arithmetic(use.other);
}

// Of several conditions in which a parameter stands the clearest tells its value, and the first of
// equally clear ones: on a plain column rather than an expression, by itself rather than in a sum.
int clarity_of(const ParameterUse &use) {
    return (use.attno != 0 ? 2 : 0) + (is_inside_arithmetic(use) ? 0 : 1);
}

bool note_comparison(Node *node, void *context) {
    auto *inside = static_cast<ParametersInside *>(context);
    if (node == nullptr)
        return false;
    if (IsA(node, Param)) {
        ParameterUse *use = use_of(inside->uses, castNode(Param, node));
        if (use == nullptr || (use->role != ParameterUse::Role::Comparison &&
                               use->role != ParameterUse::Role::Unknown))
            return false;
        ParameterUse found = *use;
        found.role = ParameterUse::Role::Comparison;
        found.relid = inside->access->relid;
        found.attno = IsA(inside->clause->key, Var) ? castNode(Var, inside->clause->key)->varattno
                                                    : static_cast<AttrNumber>(0);
        found.opno = inside->clause->opno;
        found.op = inside->clause->op;
        found.other = inside->clause->other;
        found.element = inside->element;
        found.elements = inside->elements;
        if (use->role == ParameterUse::Role::Unknown || clarity_of(found) > clarity_of(*use))
            *use = found;
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

// As a type prints it.
bool read_value(const char *text, Oid type, Datum *value) {
    char *copy = pstrdup(text);
    return attempt([&] {
               Oid input, io_parameter;
               getTypeInputInfo(getBaseType(type), &input, &io_parameter);
               *value = OidInputFunctionCall(input, copy, io_parameter, -1);
           }) == nullptr;
}

// What the column is to be compared with; `common` if it happens to be a value that many rows have.
bool compared_value(const ParameterUse &use, const WantedValue &wanted, Datum *value, Oid *type,
                    bool *common) {
    double selectivity = wanted.selectivity;
    *common = false;
    if (wanted.value && use.attno > 0) {
        *type = getBaseType(get_atttype(use.relid, use.attno));
        if (read_value(wanted.value, *type, value))
            return true;
    }
    switch (use.op) {
    case ClauseOperator::Equal:
    case ClauseOperator::NotEqual:
        if (use.op == ClauseOperator::NotEqual && selectivity > 0)
            selectivity = std::max(1 - selectivity, 1e-6);
        return value_equal_to(use.relid, use.attno, selectivity, 0, value, type, common);
    case ClauseOperator::In:
        if (selectivity > 0)
            selectivity /= use.elements;
        return value_equal_to(use.relid, use.attno, selectivity, use.element, value, type, common);
    case ClauseOperator::Range:
        if (selectivity < 0 && use.one_of_two_bounds)
            selectivity = default_half_open;
        return value_bounding(use.relid, use.attno, bounds_below(use), selectivity, value, type);
    case ClauseOperator::Prefix:
        *type = TEXTOID;
        return value_matching(use.relid, use.attno, !wanted.leading_wildcard, selectivity, value);
    default:
        return false;
    }
}

// Parameter number `number`, where those that are `known` have their values already.
bool value_of_comparison(int number, const ParameterUse &use, const WantedValue &wanted,
                         ParamListInfo known, ChosenValue *chosen) {
    const Oid element_type = get_element_type(use.type);
    if (use.op == ClauseOperator::In && OidIsValid(element_type) && use.elements == 1)
        return array_of(use, element_type, wanted.selectivity, chosen);
    Datum value;
    Oid type;
    bool common;
    if (!compared_value(use, wanted, &value, &type, &common))
        return false;
    chosen->is_constant = !common;
    if (is_inside_arithmetic(use))
        return value_for_bound(use.other, number, use.type, value, type, known, &chosen->value);
    return (use.elements > 1 || bare_parameter(use.other)) &&
           convert_value(value, type, use.type, &chosen->value);
}

bool value_for(int number, const ParameterUse &use, const WantedValue &wanted, ParamListInfo known,
               ChosenValue *chosen) {
    chosen->is_constant = true;
    // The column's type printed it; the parameter may be of another.
    if (wanted.value && !is_inside_arithmetic(use) &&
        read_value(wanted.value, use.type, &chosen->value))
        return true;
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
        return value_of_comparison(number, use, wanted, known, chosen);
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

void bind(BoundParameters &bound, int i, const ParameterUse &use, const WantedValue &wanted) {
    ChosenValue chosen;
    if (!value_for(i + 1, use, wanted, bound.planning.custom, &chosen))
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
    const WantedValue typical;
    BoundParameters bound{{unbound(uses.count), unbound(uses.count)}, unbound(uses.count)};
    // Those inside arithmetic make up what the others leave.
    for (bool inside : {false, true})
        for (int i = 0; i < uses.count; i++)
            if (is_inside_arithmetic(uses.uses[i]) == inside)
                bind(bound, i, uses.uses[i], wanted ? wanted[i] : typical);
    return bound;
}

ParamListInfo bind_typical_values(const Query *query) {
    return bind_parameters(find_parameter_uses(query), nullptr).planning.custom;
}

} // namespace triage
