#include "pg/plan_conditions.h"

#include "pg/compat.h"
#include "pg/faults.h"
#include "pg/plan_walk.h"

#include <cctype>
#include <cstring>

PG_HEADERS_BEGIN
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "nodes/params.h"
#include "nodes/plannodes.h"
#include "nodes/primnodes.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
PG_HEADERS_END

namespace triage::predicates {

namespace {

constexpr int most_scans = 32, deepest_plan = 100;

// The list of a scan's conditions while it is gathered.
struct ScanContext {
    Inspection &inspection;
    SampledScan *scan;
    Index rti;
    List *index_columns; // of an index-only scan, whose Vars mean columns of the index
};

Node *without_relabel(Node *node) {
    while (node && IsA(node, RelabelType))
        node = reinterpret_cast<Node *>(reinterpret_cast<RelabelType *>(node)->arg);
    return node;
}

// The attribute of the scanned relation that `node` is, or 0.
AttributeNumber column_of(const ScanContext &context, Node *node) {
    node = without_relabel(node);
    if (node == nullptr || !IsA(node, Var))
        return 0;
    const auto *var = reinterpret_cast<Var *>(node);
    if (var->varno == INDEX_VAR && var->varattno > 0 &&
        var->varattno <= list_length(context.index_columns)) {
        const auto *entry =
            static_cast<TargetEntry *>(list_nth(context.index_columns, var->varattno - 1));
        if (!IsA(entry->expr, Var))
            return 0;
        var = reinterpret_cast<Var *>(entry->expr);
    }
    const bool own = static_cast<Index>(var->varno) == context.rti && var->varlevelsup == 0;
    return own && var->varattno > 0 ? var->varattno : AttributeNumber{0};
}

// What an operand that is more than a constant or parameter is made of.
struct Ingredients {
    bool column = false, other_relation = false, parameter = false;
};

bool find_ingredients(Node *node, void *context) {
    auto *found = static_cast<Ingredients *>(context);
    if (node == nullptr)
        return false;
    if (IsA(node, Var)) {
        found->column = true;
        return true;
    }
    if (IsA(node, Param)) {
        if (reinterpret_cast<Param *>(node)->paramkind == PARAM_EXTERN)
            found->parameter = true;
        else
            found->other_relation = true;
        return false;
    }
    return walk_expression(node, find_ingredients, context);
}

bool has_parameters(const QueryDesc *query) {
    return query->params != nullptr && query->params->numParams > 0;
}

bool finds_parameter(Node *node, void *) {
    if (node == nullptr)
        return false;
    if (IsA(node, Param) && reinterpret_cast<Param *>(node)->paramkind == PARAM_EXTERN)
        return true;
    return walk_expression(node, finds_parameter, nullptr);
}

// Whether values of the two types lie in memory in the same way, so that their bits may be
// compared.
bool same_storage(Oid type, Oid other) {
    auto one_of = [](Oid oid, std::initializer_list<Oid> types) {
        return std::find(types.begin(), types.end(), oid) != types.end();
    };
    const std::initializer_list<Oid> texts = {TEXTOID, VARCHAROID, BPCHAROID};
    const std::initializer_list<Oid> integers = {INT2OID, INT4OID, INT8OID};
    return type == other || (one_of(type, texts) && one_of(other, texts)) ||
           (one_of(type, integers) && one_of(other, integers));
}

bool same_value(const Const *constant, const ParamExternData &parameter) {
    if (parameter.isnull || constant->constisnull)
        return parameter.isnull && constant->constisnull;
    if (!same_storage(constant->consttype, parameter.ptype))
        return false;
    if (constant->constbyval)
        return constant->constvalue == parameter.value;
    // 'M' || $1 folds to a text, where what was bound is a number and no pointer.
    if (get_typbyval(parameter.ptype) || get_typlen(parameter.ptype) != constant->constlen)
        return false;
    const auto *a = reinterpret_cast<const varlena *>(DatumGetPointer(constant->constvalue));
    const auto *b = reinterpret_cast<const varlena *>(DatumGetPointer(parameter.value));
    if (constant->constlen > 0)
        return memcmp(a, b, static_cast<std::size_t>(constant->constlen)) == 0;
    if (constant->constlen != -1 || VARATT_IS_EXTERNAL(a) || VARATT_IS_EXTERNAL(b))
        return false;
    return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
           memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

// Whether a literal, rather than $1 or a PL/pgSQL variable, begins here in the statement's text.
bool literal_begins(const char *text) {
    if (text[0] == '$')
        return std::isdigit(static_cast<unsigned char>(text[1])) == 0; // else $1; this is $$text$$
    if (std::isdigit(static_cast<unsigned char>(text[0])) || strchr("'.+-", text[0]))
        return true;
    if (strchr("eEbBxXnN", text[0]) && text[1] == '\'')
        return true;
    if (strchr("uU", text[0]) && text[1] == '&')
        return true;
    for (const char *word : {"true", "false", "null"})
        if (pg_strncasecmp(text, word, strlen(word)) == 0 &&
            !std::isalnum(static_cast<unsigned char>(text[strlen(word)])))
            return true;
    return false;
}

// A parameter's value is folded into a custom plan; that a constant was one is told by where it
// stands in the text, or, without a place, by its being one of the values bound.
Operand literal_or_parameter(const QueryDesc *query, const Const *constant) {
    if (!has_parameters(query))
        return Operand::Literal;
    if (constant->location >= 0) {
        const char *text = query->sourceText;
        if (text == nullptr || strnlen(text, static_cast<std::size_t>(constant->location) + 1) <=
                                   static_cast<std::size_t>(constant->location))
            return Operand::Literal;
        return literal_begins(text + constant->location) ? Operand::Literal : Operand::Parameter;
    }
    if (query->params->paramFetch != nullptr) // PL/pgSQL's variables; only it knows their values
        return Operand::Parameter;
    for (int i = 0; i < query->params->numParams; i++)
        if (same_value(constant, query->params->params[i]))
            return Operand::Parameter;
    return Operand::Literal;
}

// Fills in what stands opposite the column; false if that is a column of the same relation.
bool describe_operand(const QueryDesc *query, Node *node, Condition &condition) {
    node = without_relabel(node);
    condition.known = false;
    if (IsA(node, Const)) {
        const auto *constant = reinterpret_cast<Const *>(node);
        condition.operand = literal_or_parameter(query, constant);
        condition.known = true;
        condition.is_null = constant->constisnull;
        condition.type = constant->consttype;
        condition.value = constant->constvalue;
        return true;
    }
    if (IsA(node, Param) && reinterpret_cast<Param *>(node)->paramkind == PARAM_EXTERN) {
        const auto *param = reinterpret_cast<Param *>(node);
        condition.operand = Operand::Parameter;
        const ParamListInfo params = query->params;
        if (params && params->paramFetch == nullptr && param->paramid >= 1 &&
            param->paramid <= params->numParams) {
            const ParamExternData &bound = params->params[param->paramid - 1];
            condition.known = bound.ptype == param->paramtype;
            condition.is_null = bound.isnull;
            condition.type = bound.ptype;
            condition.value = bound.value;
        }
        return true;
    }
    Ingredients ingredients;
    find_ingredients(node, &ingredients);
    condition.operand = ingredients.other_relation ? Operand::Join : Operand::Expression;
    return !ingredients.column;
}

// Room for one more condition of the scan, or null.
Condition *new_condition(const ScanContext &context, AttributeNumber attribute,
                         Condition::Form form) {
    ScanSample &scan = context.scan->scan;
    if (scan.clause_count >= most_clauses_a_scan ||
        context.inspection.conditions >= most_conditions)
        return nullptr;
    Condition &condition = context.inspection.condition[context.inspection.conditions++];
    condition = Condition{};
    condition.scan = context.scan;
    condition.clause = scan.clause_count++;
    condition.attribute = attribute;
    condition.form = form;
    condition.operand = Operand::None;
    return &condition;
}

void add_truth(const ScanContext &context, Node *node, bool truth) {
    if (const AttributeNumber attribute = column_of(context, node))
        new_condition(context, attribute,
                      truth ? Condition::Form::IsTrue : Condition::Form::IsFalse);
}

void add_comparison(const ScanContext &context, Condition::Form form, Oid opno, Node *left,
                    Node *right) {
    AttributeNumber attribute = column_of(context, left);
    const bool swapped = attribute == 0 && form == Condition::Form::Compare;
    if (swapped) {
        attribute = column_of(context, right);
        std::swap(left, right);
    }
    if (attribute == 0 || right == nullptr)
        return;
    // An index on a boolean column turns `active` into `active = true`.
    Node *operand = without_relabel(right);
    if (opno == BooleanEqualOperator && form == Condition::Form::Compare && IsA(operand, Const) &&
        !reinterpret_cast<Const *>(operand)->constisnull) {
        add_truth(context, left, DatumGetBool(reinterpret_cast<Const *>(operand)->constvalue));
        return;
    }
    Condition described{};
    if (!describe_operand(context.inspection.query, right, described))
        return;
    if (Condition *condition = new_condition(context, attribute, form)) {
        condition->opno = opno;
        condition->column_on_the_right = swapped;
        condition->operand = described.operand;
        condition->known = described.known;
        condition->is_null = described.is_null;
        condition->type = described.type;
        condition->value = described.value;
    }
}

void add_conditions(const ScanContext &context, List *quals);

void add_condition(const ScanContext &context, Node *node) {
    switch (nodeTag(node)) {
    case T_BoolExpr: {
        const auto *expression = reinterpret_cast<BoolExpr *>(node);
        if (expression->boolop == AND_EXPR)
            add_conditions(context, expression->args);
        else if (expression->boolop == NOT_EXPR)
            add_truth(context, static_cast<Node *>(linitial(expression->args)), false);
        break;
    }
    case T_OpExpr: {
        const auto *expression = reinterpret_cast<OpExpr *>(node);
        if (list_length(expression->args) == 2)
            add_comparison(context, Condition::Form::Compare, expression->opno,
                           static_cast<Node *>(linitial(expression->args)),
                           static_cast<Node *>(lsecond(expression->args)));
        break;
    }
    case T_ScalarArrayOpExpr: {
        const auto *expression = reinterpret_cast<ScalarArrayOpExpr *>(node);
        add_comparison(context, expression->useOr ? Condition::Form::AnyOf : Condition::Form::AllOf,
                       expression->opno, static_cast<Node *>(linitial(expression->args)),
                       static_cast<Node *>(lsecond(expression->args)));
        break;
    }
    case T_NullTest: {
        const auto *test = reinterpret_cast<NullTest *>(node);
        if (const AttributeNumber attribute =
                column_of(context, reinterpret_cast<Node *>(test->arg)))
            new_condition(context, attribute,
                          test->nulltesttype == IS_NULL ? Condition::Form::IsNull
                                                        : Condition::Form::IsNotNull);
        break;
    }
    case T_BooleanTest: {
        const auto *test = reinterpret_cast<BooleanTest *>(node);
        if (test->booltesttype == IS_TRUE || test->booltesttype == IS_FALSE)
            add_truth(context, reinterpret_cast<Node *>(test->arg), test->booltesttype == IS_TRUE);
        break;
    }
    default:
        add_truth(context, node, true);
        break;
    }
}

void add_conditions(const ScanContext &context, List *quals) {
    ListCell *cell;
    foreach (cell, quals)
        add_condition(context, static_cast<Node *>(lfirst(cell)));
}

bool is_known_already(const ScanContext &context, const Condition &condition) {
    for (const Condition *other = context.inspection.condition; other < &condition; other++)
        if (other->scan == condition.scan && other->attribute == condition.attribute &&
            other->form == condition.form && other->opno == condition.opno)
            return true;
    return false;
}

// What a partial index's predicate implies is left out of the plan, except for rows that are to be
// locked; it is a condition of the statement all the same. The planner has read the predicate into
// the relation's cache entry.
void add_index_predicate(Inspection &inspection, SampledScan *scan, const ::Relation index) {
    if (index == nullptr)
        return;
    const ScanContext context{inspection, scan, 1, NIL}; // as the catalogs number it
    ListCell *cell;
    foreach (cell, index->rd_indpred) {
        const int before = inspection.conditions;
        add_condition(context, static_cast<Node *>(lfirst(cell)));
        const int added = inspection.conditions - before;
        if (added == 1 && is_known_already(context, inspection.condition[before])) {
            inspection.conditions--;
            scan->scan.clause_count--;
        }
    }
}

::Relation index_of(const PlanState *state) {
    if (IsA(state, IndexScanState))
        return reinterpret_cast<const IndexScanState *>(state)->iss_RelationDesc;
    if (IsA(state, IndexOnlyScanState))
        return reinterpret_cast<const IndexOnlyScanState *>(state)->ioss_RelationDesc;
    return nullptr; // a bitmap's recheck has the predicate
}

// Catalogs, temporary tables and foreign tables are left out: nobody recommends an index for them.
bool is_of_interest(const PlanState *state) {
    const ::Relation relation = reinterpret_cast<const ScanState *>(state)->ss_currentRelation;
    return relation != nullptr && RelationGetRelid(relation) >= FirstNormalObjectId &&
           relation->rd_rel->relpersistence != RELPERSISTENCE_TEMP;
}

void add_scan(Inspection &inspection, PlanState *state, List *index_quals, List *index_columns) {
    if (!is_of_interest(state))
        return;
    SampledScan *scan = nullptr;
    if (inspection.scans < most_scans && !faults::hits(faults::Point::scan_out_of_memory))
        scan = static_cast<SampledScan *>(MemoryContextAllocExtended(
            inspection.query->estate->es_query_cxt, sizeof(SampledScan), MCXT_ALLOC_NO_OOM));
    if (scan == nullptr) {
        inspection.sample->scans_left_out++;
        return;
    }
    inspection.scans++;
    new (scan) SampledScan;
    scan->next = nullptr;
    scan->state = state;
    scan->scan.relation =
        RelationGetRelid(reinterpret_cast<ScanState *>(state)->ss_currentRelation);
    scan->scan.sequential = IsA(state->plan, SeqScan) || IsA(state->plan, SampleScan);
    scan->scan.sorted = inspection.sorted;
    scan->scan.limited = inspection.limited;
    *inspection.last = scan;
    inspection.last = &scan->next;

    const ScanContext context{
        inspection, scan, reinterpret_cast<const Scan *>(state->plan)->scanrelid, index_columns};
    add_conditions(context, index_quals);
    add_conditions(context, state->plan->qual);
    add_index_predicate(inspection, scan, index_of(state));
}

void add_node(Inspection &inspection, PlanState *state) {
    Plan *plan = state->plan;
    switch (nodeTag(plan)) {
    case T_SeqScan:
    case T_SampleScan:
    case T_TidScan:
    case T_TidRangeScan:
        add_scan(inspection, state, NIL, NIL);
        break;
    case T_IndexScan:
        add_scan(inspection, state, reinterpret_cast<IndexScan *>(plan)->indexqualorig, NIL);
        break;
    case T_IndexOnlyScan: {
        auto *scan = reinterpret_cast<IndexOnlyScan *>(plan);
        add_scan(inspection, state, scan->recheckqual, scan->indextlist);
        break;
    }
    case T_BitmapHeapScan:
        add_scan(inspection, state, reinterpret_cast<BitmapHeapScan *>(plan)->bitmapqualorig, NIL);
        break;
    case T_ModifyTable: {
        List *targets = reinterpret_cast<ModifyTable *>(plan)->resultRelations;
        if (targets && !OidIsValid(inspection.sample->target))
            inspection.sample->target = relation_of(inspection.query->plannedstmt,
                                                    static_cast<Index>(linitial_int(targets)));
        break;
    }
    default:
        break;
    }
}

bool has_open_parameter(const Plan *plan) {
    auto in = [](const void *expression) {
        return finds_parameter(static_cast<Node *>(const_cast<void *>(expression)), nullptr);
    };
    if (in(plan->qual) || in(plan->targetlist))
        return true;
    switch (nodeTag(plan)) {
    case T_IndexScan:
        return in(reinterpret_cast<const IndexScan *>(plan)->indexqualorig);
    case T_IndexOnlyScan:
        return in(reinterpret_cast<const IndexOnlyScan *>(plan)->indexqual);
    case T_BitmapHeapScan:
        return in(reinterpret_cast<const BitmapHeapScan *>(plan)->bitmapqualorig);
    case T_Limit:
        return in(reinterpret_cast<const Limit *>(plan)->limitCount) ||
               in(reinterpret_cast<const Limit *>(plan)->limitOffset);
    case T_ValuesScan:
        return in(reinterpret_cast<const ValuesScan *>(plan)->values_lists);
    default:
        return false;
    }
}

bool visit(PlanState *state, void *argument) {
    auto &inspection = *static_cast<Inspection *>(argument);
    if (inspection.depth >= deepest_plan)
        return false;
    const bool sorted = inspection.sorted, limited = inspection.limited;
    inspection.depth++;
    add_node(inspection, state);
    if (has_parameters(inspection.query) && !inspection.sample->generic_plan)
        inspection.sample->generic_plan = has_open_parameter(state->plan);
    inspection.sorted |= IsA(state->plan, Sort) || IsA(state->plan, IncrementalSort);
    inspection.limited |= IsA(state->plan, Limit);
    walk_plan_state(state, visit, argument);
    inspection.depth--;
    inspection.sorted = sorted;
    inspection.limited = limited;
    return false;
}

} // namespace

void find_conditions(Inspection &inspection) {
    inspection.last = &inspection.sample->scans;
    visit(inspection.query->planstate, &inspection);
}

} // namespace triage::predicates
