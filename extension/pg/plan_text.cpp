#include "pg/plan_text.h"

#include "pg/compat.h"
#include "pg/plan_tree.h"

PG_HEADERS_BEGIN
#include "commands/explain.h"
#include "executor/execdesc.h"
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif
PG_HEADERS_END

namespace triage {
namespace {

// ---- Constants that came from parameters --------------------------------------------------------

struct Written {
    List *constants; // of char *: what the query's text has
    int *locations;  // of $n in the text, or -1
    int parameters;
};

char *print_constant(const Const *constant) {
    Oid function;
    bool is_varlena;
    getTypeOutputInfo(constant->consttype, &function, &is_varlena);
    return OidOutputFunctionCall(function, constant->constvalue);
}

bool is_listed(List *texts, const char *text) {
    ListCell *cell;
    foreach (cell, texts)
        if (strcmp(static_cast<const char *>(lfirst(cell)), text) == 0)
            return true;
    return false;
}

bool find_written(Node *node, void *context) {
    if (node == nullptr)
        return false;
    auto *written = static_cast<Written *>(context);
    if (IsA(node, Const)) {
        auto *constant = castNode(Const, node);
        if (!constant->constisnull)
            written->constants = lappend(written->constants, print_constant(constant));
        return false;
    }
    if (IsA(node, Param)) {
        auto *param = castNode(Param, node);
        if (param->paramkind == PARAM_EXTERN && param->paramid <= written->parameters)
            written->locations[param->paramid - 1] = param->location;
        return false;
    }
    if (IsA(node, Query))
        return walk_query(castNode(Query, node), find_written, context, 0);
    return walk_expression(node, find_written, context);
}

// The planner leaves a parameter's place in the text on the constant that replaces it.
int parameter_at(const Written &written, int location) {
    for (int i = 0; i < written.parameters; i++)
        if (location >= 0 && written.locations[i] == location)
            return i + 1;
    return 0;
}

// The plan is ours alone, so the node is changed where it stands.
void turn_into_parameter(Const *constant, int number) {
    static_assert(sizeof(Param) <= sizeof(Const));
    const Const before = *constant;
    auto *param = reinterpret_cast<Param *>(constant);
    *param = Param{};
    param->xpr.type = T_Param;
    param->paramkind = PARAM_EXTERN;
    param->paramid = number;
    param->paramtype = before.consttype;
    param->paramtypmod = before.consttypmod;
    param->paramcollid = before.constcollid;
    param->location = before.location;
}

bool hide_constants(Node *node, void *context) {
    if (node == nullptr)
        return false;
    if (!IsA(node, Const))
        return walk_expression(node, hide_constants, context);
    auto *constant = castNode(Const, node);
    auto *written = static_cast<Written *>(context);
    if (constant->constisnull || constant->consttype == BOOLOID)
        return false;
    int number = parameter_at(*written, constant->location);
    if (number > 0 || !is_listed(written->constants, print_constant(constant)))
        turn_into_parameter(constant, number);
    return false;
}

void hide_in_plan(Plan *plan, void *context) {
    auto hide = [](Node *expression, void *written) { hide_constants(expression, written); };
    walk_plan_expressions(plan, hide, context);
}

bool binds_anything(ParamListInfo bound) {
    if (bound != nullptr)
        for (int i = 0; i < bound->numParams; i++)
            if (OidIsValid(bound->params[i].ptype))
                return true;
    return false;
}

} // namespace

char *explain_plan(PlannedStmt *plan, const PlannableQuery &query, ParamListInfo bound) {
    if (binds_anything(bound)) {
        Written written{.parameters = query.parameters};
        written.locations = static_cast<int *>(palloc(sizeof(int) * query.parameters));
        std::fill_n(written.locations, query.parameters, -1);
        find_written(reinterpret_cast<Node *>(query.query), &written);
        walk_plan(plan, hide_in_plan, &written);
    }
    walk_plan(
        plan, [](Plan *node, void *) { forget_partition_pruning(node); }, nullptr);

    QueryDesc *description = CreateQueryDesc(plan, query.text, GetActiveSnapshot(), InvalidSnapshot,
                                             None_Receiver, nullptr, nullptr, 0);
    standard_ExecutorStart(description, EXEC_FLAG_EXPLAIN_ONLY);
    ExplainState *state = NewExplainState();
    state->costs = true;
    ExplainBeginOutput(state);
    ExplainPrintPlan(state, description);
    ExplainEndOutput(state);
    standard_ExecutorEnd(description);
    FreeQueryDesc(description);
    while (state->str->len > 0 && state->str->data[state->str->len - 1] == '\n')
        state->str->data[--state->str->len] = '\0';
    return state->str->data;
}

} // namespace triage
