#include "pg/index_pricing.h"

#include "core/brin_size.h"
#include "core/gin_size.h"
#include "pg/compat.h"
#include "pg/scratch.h"

PG_HEADERS_BEGIN
#include "access/nbtree.h"
#include "access/relation.h"
#include "catalog/pg_class_d.h"
#include "catalog/pg_inherits.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/planner.h"
#include "parser/parse_coerce.h"
#include "parser/parse_relation.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
PG_HEADERS_END

namespace triage {
namespace {

// ---- Collecting ---------------------------------------------------------------------------------

// What the predicate says about one column.
struct Condition {
    AttrNumber column;
    enum Kind { OneValue, SomeValues, IsNull, Bounded, Other } kind;
    double values; // of SomeValues
    bool not_null; // holds only for rows in which the column is not null
    double width;  // of OneValue's value, as stored; 0: as the column's
};

struct CollectedExpression {
    Oid type;
    double width;
    std::uint8_t alignment;
    bool fixed_width;
    int column_count;
    AttrNumber *columns; // that it is computed from
    bool keeps_width;    // of the one column, which is of the same type
};

struct CollectedEstimate {
    const HypotheticalIndex *index;
    double matching; // rows, as the planner estimates them; below zero: all
    int condition_count;
    Condition *conditions;
    int expression_count;
    CollectedExpression *expressions; // in the order of the keys that are expressions
    bool equal_is_identical;          // in all keys
    int partitions;
};

// Asks the planner how many rows it expects, with the table owner's rights to its statistics.
double matching_rows(::Relation relation, List *predicate) {
    ParseState *state = make_parsestate(nullptr);
    bool partitioned = relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
    addRangeTableEntryForRelation(state, relation, AccessShareLock, nullptr, partitioned, true);
    Query *query = makeNode(Query);
    query->commandType = CMD_SELECT;
    query->canSetTag = true;
    set_range_table(query, state, relation->rd_rel->relowner);
    RangeTblRef *reference = makeNode(RangeTblRef);
    reference->rtindex = 1;
    auto *condition = static_cast<Node *>(copyObjectImpl(make_ands_explicit(predicate)));
    query->jointree = makeFromExpr(list_make1(reference), condition);
    PlannedStmt *plan = standard_planner(query, "", 0, nullptr);
    free_parsestate(state);
    return plan->planTree->plan_rows;
}

Node *strip(Node *node) {
    while (IsA(node, RelabelType))
        node = reinterpret_cast<Node *>(castNode(RelabelType, node)->arg);
    return node;
}

AttrNumber column_of(Node *node) {
    node = strip(node);
    return IsA(node, Var) ? castNode(Var, node)->varattno : InvalidAttrNumber;
}

bool is_equality(Oid opno) {
    return get_mergejoin_opfamilies(opno) != NIL;
}

double array_length(Node *node) {
    node = strip(node);
    if (IsA(node, Const) && !castNode(Const, node)->constisnull) {
        ArrayType *array = DatumGetArrayTypeP(castNode(Const, node)->constvalue);
        return ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
    }
    return IsA(node, ArrayExpr) ? list_length(castNode(ArrayExpr, node)->elements) : 10;
}

// Of a variable-width constant that is stored with a header of one byte; else 0.
double stored_width(Node *node) {
    node = strip(node);
    if (!IsA(node, Const) || castNode(Const, node)->constisnull ||
        castNode(Const, node)->constlen != -1)
        return 0;
    Size length = VARSIZE_ANY_EXHDR(DatumGetPointer(castNode(Const, node)->constvalue));
    return length < VARATT_SHORT_MAX ? static_cast<double>(length + VARHDRSZ_SHORT) : 0;
}

Condition read_condition(Node *clause) {
    if (AttrNumber flag = column_of(clause)) // a boolean column
        return {flag, Condition::OneValue, 1, true};
    if (is_notclause(clause)) {
        Node *argument =
            reinterpret_cast<Node *>(get_notclausearg(reinterpret_cast<Expr *>(clause)));
        return {column_of(argument), Condition::OneValue, 1, true};
    }
    if (IsA(clause, NullTest)) {
        auto *test = castNode(NullTest, clause);
        bool is_null = test->nulltesttype == IS_NULL;
        return {column_of(reinterpret_cast<Node *>(test->arg)),
                is_null ? Condition::IsNull : Condition::Other, 0, !is_null};
    }
    if (is_opclause(clause) && list_length(castNode(OpExpr, clause)->args) == 2) {
        auto *op = castNode(OpExpr, clause);
        Condition::Kind kind = is_equality(op->opno)            ? Condition::OneValue
                               : is_ordering_operator(op->opno) ? Condition::Bounded
                                                                : Condition::Other;
        for (int side = 0; side < 2; side++)
            if (AttrNumber column = column_of(static_cast<Node *>(list_nth(op->args, side))))
                return {column, kind, 1, op_strict(op->opno),
                        stored_width(static_cast<Node *>(list_nth(op->args, 1 - side)))};
    }
    if (IsA(clause, ScalarArrayOpExpr)) {
        auto *op = castNode(ScalarArrayOpExpr, clause);
        AttrNumber column = column_of(static_cast<Node *>(linitial(op->args)));
        if (op->useOr && is_equality(op->opno))
            return {column, Condition::SomeValues,
                    array_length(static_cast<Node *>(lsecond(op->args))), op_strict(op->opno)};
        return {column, Condition::Other, 0, op_strict(op->opno)};
    }
    return {InvalidAttrNumber, Condition::Other, 0, false};
}

std::uint8_t bytes_of_alignment(char alignment) {
    switch (alignment) {
    case TYPALIGN_CHAR:
        return 1;
    case TYPALIGN_SHORT:
        return 2;
    case TYPALIGN_INT:
        return 4;
    default:
        return 8;
    }
}

CollectedExpression read_expression(Node *expression) {
    CollectedExpression result{.type = exprType(expression)};
    int16 length;
    bool by_value;
    char alignment;
    get_typlenbyvalalign(result.type, &length, &by_value, &alignment);
    result.fixed_width = length > 0;
    result.alignment = bytes_of_alignment(alignment);
    result.width = get_typavgwidth(result.type, exprTypmod(expression));

    List *vars = pull_var_clause(expression, 0);
    result.columns =
        static_cast<AttrNumber *>(palloc(sizeof(AttrNumber) * (list_length(vars) + 1)));
    ListCell *cell;
    foreach (cell, vars) {
        auto *var = lfirst_node(Var, cell);
        AttrNumber *end = result.columns + result.column_count;
        if (std::find(result.columns, end, var->varattno) == end)
            result.columns[result.column_count++] = var->varattno;
    }
    result.keeps_width =
        result.column_count == 1 && !result.fixed_width &&
        TypeCategory(linitial_node(Var, vars)->vartype) == TypeCategory(result.type);
    return result;
}

// As _bt_allequalimage, which decides whether an index may deduplicate.
bool all_equal_image(const HypotheticalIndex *index) {
    if (index->method != BTREE_AM_OID || index->column_count != index->key_count)
        return false;
    for (int i = 0; i < index->key_count; i++) {
        Oid type = index->input_types[i];
        Oid function = get_opfamily_proc(index->opfamilies[i], type, type, BTEQUALIMAGE_PROC);
        if (!OidIsValid(function) || !DatumGetBool(OidFunctionCall1Coll(
                                         function, index->collations[i], ObjectIdGetDatum(type))))
            return false;
    }
    return true;
}

int count_leaves(Oid relid) {
    int leaves = 0;
    ListCell *cell;
    foreach (cell, find_all_inheritors(relid, AccessShareLock, nullptr))
        leaves += get_rel_relkind(lfirst_oid(cell)) == RELKIND_RELATION;
    return leaves;
}

CollectedEstimate collect(const IndexDefinition &definition, const HypotheticalIndex *resolved) {
    const HypotheticalIndex *index = resolved ? resolved : resolve_index(definition);
    ::Relation relation = relation_open(definition.relation, AccessShareLock);
    CollectedEstimate result{.index = index, .matching = -1};
    if (index->predicate != NIL)
        result.matching = matching_rows(relation, index->predicate);
    result.conditions =
        static_cast<Condition *>(palloc(sizeof(Condition) * (list_length(index->predicate) + 1)));
    ListCell *cell;
    foreach (cell, index->predicate)
        result.conditions[result.condition_count++] =
            read_condition(static_cast<Node *>(lfirst(cell)));
    result.expressions = static_cast<CollectedExpression *>(
        palloc(sizeof(CollectedExpression) * (list_length(index->expressions) + 1)));
    foreach (cell, index->expressions)
        result.expressions[result.expression_count++] =
            read_expression(static_cast<Node *>(lfirst(cell)));
    result.equal_is_identical = all_equal_image(index);
    if (index->partitioned)
        result.partitions = count_leaves(definition.relation);
    relation_close(relation, NoLock);
    return result;
}

// ---- Computing ----------------------------------------------------------------------------------

class ColumnEstimator {
  public:
    ColumnEstimator(const Relation &relation, const CollectedEstimate &collected, double matching)
        : relation_(relation), collected_(collected), matching_(matching) {}

    SizedColumn column(AttributeNumber number) const {
        const Attribute *attribute = find(number);
        if (!attribute)
            return {};
        SizedColumn sized{.average_width = attribute->average_width,
                          .alignment = attribute->alignment,
                          .fixed_width = attribute->fixed_width,
                          .distinct = seen_values(*attribute),
                          .null_fraction = attribute->null_fraction,
                          .mcv_frequencies = attribute->mcv_frequencies};
        for (int i = 0; i < collected_.condition_count; i++)
            if (collected_.conditions[i].column == number)
                apply(collected_.conditions[i], sized);
        return sized;
    }

    SizedColumn expression(const CollectedExpression &from) const {
        SizedColumn sized{.average_width = from.width,
                          .alignment = from.alignment,
                          .fixed_width = from.fixed_width,
                          .distinct = 1};
        // At most as many values as the columns have together; nothing tells how many fewer.
        for (int i = 0; i < from.column_count; i++) {
            SizedColumn source = column(from.columns[i]);
            sized.distinct = std::min(sized.distinct * std::max(source.distinct, 1.0), matching_);
            sized.null_fraction = std::max(sized.null_fraction, source.null_fraction);
            if (from.keeps_width)
                sized.average_width = source.average_width;
        }
        if (from.type == BOOLOID)
            sized.distinct = std::min(sized.distinct, 2.0);
        return sized;
    }

  private:
    const Attribute *find(AttributeNumber number) const {
        for (const Attribute &attribute : relation_.attributes)
            if (attribute.number == number)
                return &attribute;
        return nullptr;
    }

    // Whether only rows are indexed in which the column is not null, and whether bounds cut its
    // values off.
    bool never_null(AttributeNumber number) const {
        return has_condition(number, [](const auto &c) { return c.not_null; });
    }
    bool bounded(AttributeNumber number) const {
        return has_condition(number, [](const auto &c) { return c.kind == Condition::Bounded; });
    }
    template <class Test> bool has_condition(AttributeNumber number, Test test) const {
        for (int i = 0; i < collected_.condition_count; i++)
            if (collected_.conditions[i].column == number && test(collected_.conditions[i]))
                return true;
        return false;
    }

    // Distinct values among the indexed rows, were those drawn at random from the table's (that
    // have one). The size model takes the most common values off the number, so all of those are
    // counted.
    double seen_values(const Attribute &attribute) const {
        double all =
            attribute.distinct >= 0 ? attribute.distinct : -attribute.distinct * relation_.tuples;
        all = std::clamp(all, 1.0, std::max(relation_.tuples, 1.0));
        if (relation_.tuples <= 0 || matching_ >= relation_.tuples)
            return all;
        double from = relation_.tuples;
        if (never_null(attribute.number))
            from *= std::max(1 - attribute.null_fraction, 1e-9);
        double kept = std::clamp(matching_ / from, 0.0, 1.0);
        if (bounded(attribute.number))
            return std::max(1.0, all * kept);
        double common = 0, share = 1 - attribute.null_fraction;
        for (float frequency : attribute.mcv_frequencies) {
            common++;
            share -= frequency;
        }
        double others = std::max(all - common, 0.0);
        if (others < 1 || share <= 0)
            return all;
        double rows_a_value = share * relation_.tuples / others;
        double seen = others * -std::expm1(rows_a_value * std::log1p(-kept));
        return std::max(1.0, common + seen);
    }

    void apply(const Condition &condition, SizedColumn &sized) const {
        switch (condition.kind) {
        case Condition::IsNull:
            sized.null_fraction = 1;
            sized.mcv_frequencies.clear();
            return;
        case Condition::OneValue:
            sized.distinct = 1;
            sized.mcv_frequencies.clear();
            if (condition.width > 0 && !sized.fixed_width) {
                sized.average_width = condition.width;
                sized.fixed_width = true;
                sized.alignment = 1;
            }
            break;
        case Condition::SomeValues:
            sized.distinct = std::min(sized.distinct, condition.values);
            sized.mcv_frequencies.clear();
            break;
        case Condition::Bounded:
            // Which of the common values are left is not known.
            sized.mcv_frequencies.clear();
            break;
        case Condition::Other:
            break;
        }
        if (condition.not_null && sized.null_fraction < 1) {
            // Shares are of all rows that are indexed.
            for (float &frequency : sized.mcv_frequencies)
                frequency = static_cast<float>(frequency / (1 - sized.null_fraction));
            sized.null_fraction = 0;
        }
    }

    const Relation &relation_;
    const CollectedEstimate &collected_;
    double matching_;
};

// ---- Sampled rows -------------------------------------------------------------------------------

// So many entries tell more of how keys are shared than the columns' statistics, which come from
// more rows but of one column at a time.
constexpr std::size_t enough_entries = 1000;
// With an expression there are no statistics to do better.
constexpr std::size_t enough_for_expressions = 100;
// A share of the rows is then known within some 5 %.
constexpr std::size_t enough_for_share = 400;

void apply_sample(const RowSample &sample, const CollectedEstimate &collected,
                  const Relation &relation, SizeInput &input) {
    RowSample::Entries entries = sample.entries_of(collected.index);
    if (entries.sampled <= 0)
        return;
    bool complete = entries.sampled >= relation.tuples;
    if (collected.matching >= 0 && (complete || entries.keys.size() >= enough_for_share))
        input.tuples = relation.tuples * static_cast<double>(entries.keys.size()) / entries.sampled;
    std::size_t enough = collected.expression_count > 0 ? enough_for_expressions : enough_entries;
    if (!entries.keys.empty() && (complete || entries.keys.size() >= enough))
        input.sampled = classes_of_sample(entries.keys, input.tuples);
}

// ---- GIN ----------------------------------------------------------------------------------------

// Where no row could be looked at: short keys, ten a row, as in tags and short documents.
constexpr double usual_entries_per_row = 10;
constexpr double usual_rows_per_key = 20;
constexpr int usual_key_size = 24;

void estimate_gin(const RowSample::SearchedKeys &sampled, const Relation &relation,
                  IndexEstimate &estimate) {
    GinSizeInput input{.rows = estimate.input.tuples,
                       .rows_per_page = relation.tuples / std::max(relation.pages, 1.0),
                       .work_memory = maintenance_work_mem * 1024.0};
    if (sampled.rows > 0) {
        if (sampled.sampled >= enough_for_share)
            input.rows = relation.tuples * sampled.rows / sampled.sampled;
        input.entries_per_row = static_cast<double>(sampled.keys.size()) / sampled.rows;
        input.keys = classes_of_sample(sampled.keys, input.rows * input.entries_per_row);
    } else {
        input.entries_per_row = usual_entries_per_row;
        input.keys = {{.share = 1, .rows_per_value = usual_rows_per_key, .size = usual_key_size}};
    }
    estimate.input.tuples = input.rows;
    estimate.entries_per_row = input.entries_per_row;
    estimate.size = estimate_gin_size(input);
}

} // namespace

IndexEstimate estimate_index(const IndexDefinition &definition, const Relation &relation,
                             const RowSample *sample, const HypotheticalIndex *resolved) {
    ScratchContext scratch;
    CollectedEstimate collected =
        scratch.call_server([&] { return collect(definition, resolved); });

    IndexEstimate estimate{.partitions = collected.partitions};
    SizeInput &input = estimate.input;
    input.tuples =
        collected.matching < 0 ? relation.tuples : std::min(collected.matching, relation.tuples);
    input.deduplicate = collected.equal_is_identical;
    input.unique = definition.unique;
    ColumnEstimator estimator(relation, collected, input.tuples);
    int expression = 0;
    for (const KeyColumn &key : definition.keys)
        input.keys.push_back(key.key.attribute != 0
                                 ? estimator.column(key.key.attribute)
                                 : estimator.expression(collected.expressions[expression++]));
    for (AttributeNumber column : definition.include)
        input.include.push_back(estimator.column(column));
    if (definition.method == IndexMethod::Brin)
        estimate.size =
            estimate_brin_size(relation.pages, std::max(estimate.partitions, 1), input.keys);
    else if (definition.method == IndexMethod::Gin)
        estimate_gin(sample ? sample->searched_keys_of(collected.index) : RowSample::SearchedKeys{},
                     relation, estimate);
    else if (sample)
        apply_sample(*sample, collected, relation, input);
    return estimate;
}

SizeEstimate size_of(const IndexEstimate &estimate) {
    if (estimate.size)
        return *estimate.size;
    SizeEstimate size = estimate_btree_size(estimate.input);
    if (estimate.partitions > 1) {
        SizeInput one = estimate.input;
        one.tuples /= estimate.partitions;
        size.tree_height = estimate_btree_size(one).tree_height;
        size.pages += estimate.partitions - 1; // metapages
        size.bytes = size.pages * BLCKSZ;
    }
    return size;
}

bool wants_sample(const IndexDefinition &definition) {
    return definition.method == IndexMethod::Gin ||
           (definition.method == IndexMethod::Btree &&
            std::any_of(definition.keys.begin(), definition.keys.end(),
                        [](const KeyColumn &column) { return column.key.attribute == 0; }));
}

Candidate price_candidate(IndexDefinition definition, const Relation &relation,
                          const RowSample *sample) {
    IndexEstimate estimate = estimate_index(definition, relation, sample);
    return {.definition = std::move(definition),
            .size = size_of(estimate),
            .indexed_tuples = estimate.input.tuples,
            .entries_per_row = estimate.entries_per_row};
}

} // namespace triage
