#include "pg/hypothetical_index.h"

#include "pg/canonical_sql.h"
#include "pg/compat.h"
#include "pg/join_estimates.h"
#include "pg/operator_class.h"

PG_HEADERS_BEGIN
#include "access/amapi.h"
#include "access/attmap.h"
#include "access/relation.h"
#include "catalog/partition.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_class_d.h"
#include "commands/explain.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "optimizer/geqo.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "optimizer/plancat.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/selfuncs.h"
#include "utils/varlena.h"
PG_HEADERS_END

namespace triage {
namespace {

get_relation_info_hook_type next_relation_info = nullptr;
explain_get_index_name_hook_type next_index_name = nullptr;
get_index_stats_hook_type next_index_stats = nullptr;
join_search_hook_type next_join_search = nullptr;
const IndexOffer *active = nullptr;

template <class T> T *new_array(int count) {
    return static_cast<T *>(palloc0(sizeof(T) * std::max(count, 1)));
}

// ---- Resolving ----------------------------------------------------------------------------------

void resolve_key(::Relation relation, const KeyColumn &key, int place, HypotheticalIndex *index) {
    Oid type, collation;
    Expr *expression;
    if (key.key.attribute != 0) {
        int32 typmod;
        get_atttypetypmodcoll(RelationGetRelid(relation), key.key.attribute, &type, &typmod,
                              &collation);
        expression =
            reinterpret_cast<Expr *>(makeVar(1, key.key.attribute, type, typmod, collation, 0));
    } else {
        expression = reinterpret_cast<Expr *>(
            parse_canonical_expression(key.key.expression.c_str(), RelationGetRelid(relation)));
        type = exprType(reinterpret_cast<Node *>(expression));
        collation = exprCollation(reinterpret_cast<Node *>(expression));
        index->expressions = lappend(index->expressions, expression);
    }
    List *name =
        key.opclass.empty() ? NIL : textToQualifiedNameList(cstring_to_text(key.opclass.c_str()));
    IndexableType order = index_type(name, type, index->method);
    index->columns[place] = key.key.attribute;
    index->opfamilies[place] = order.family;
    index->input_types[place] = order.input_type;
    index->key_types[place] = order.key_type;
    index->collations[place] = key.collation != 0 ? key.collation : collation;
    index->descending[place] = key.descending;
    index->nulls_first[place] = key.nulls_first;
    index->target_list =
        lappend(index->target_list, makeTargetEntry(expression, place + 1, nullptr, false));
}

void resolve_included(::Relation relation, AttributeNumber column, int place,
                      HypotheticalIndex *index) {
    Oid type, collation;
    int32 typmod;
    get_atttypetypmodcoll(RelationGetRelid(relation), column, &type, &typmod, &collation);
    index->columns[place] = column;
    Var *var = makeVar(1, column, type, typmod, collation, 0);
    index->target_list = lappend(index->target_list, makeTargetEntry(reinterpret_cast<Expr *>(var),
                                                                     place + 1, nullptr, false));
}

// ---- Partitions ---------------------------------------------------------------------------------

struct PartitionKey {
    const HypotheticalIndex *index;
    Oid relid;
};

struct PartitionEntry {
    PartitionKey key;
    HypotheticalIndex *index; // null: not a partition of the index's relation
};

HypotheticalIndex *map_to_partition(const HypotheticalIndex *parent, Oid relid) {
    ::Relation from = relation_open(parent->relid, AccessShareLock);
    ::Relation to = relation_open(relid, NoLock); // the planner has locked it
    AttrMap *map = build_attribute_map(RelationGetDescr(to), RelationGetDescr(from));
    auto *index = static_cast<HypotheticalIndex *>(palloc(sizeof(HypotheticalIndex)));
    *index = *parent;
    index->relid = relid;
    index->columns = new_array<int>(parent->column_count);
    for (int i = 0; i < parent->column_count; i++)
        index->columns[i] = parent->columns[i] > 0 ? map->attnums[parent->columns[i] - 1] : 0;
    index->expressions = map_partition_varattnos(parent->expressions, 1, to, from);
    index->predicate = map_partition_varattnos(parent->predicate, 1, to, from);
    index->target_list = map_partition_varattnos(parent->target_list, 1, to, from);
    index->share = -1; // not known yet
    relation_close(to, NoLock);
    relation_close(from, NoLock);
    return index;
}

HypotheticalIndex *find_for_partition(const HypotheticalIndex *parent, Oid relid,
                                      List **ancestors) {
    PartitionKey key{};
    key.index = parent;
    key.relid = relid;
    bool found;
    auto *entry =
        static_cast<PartitionEntry *>(hash_search(active->partitions, &key, HASH_FIND, &found));
    if (found)
        return entry->index;
    MemoryContext caller = MemoryContextSwitchTo(active->context);
    if (*ancestors == NIL)
        *ancestors = get_partition_ancestors(relid);
    HypotheticalIndex *index =
        list_member_oid(*ancestors, parent->relid) ? map_to_partition(parent, relid) : nullptr;
    MemoryContextSwitchTo(caller);
    entry =
        static_cast<PartitionEntry *>(hash_search(active->partitions, &key, HASH_ENTER, &found));
    entry->index = index;
    return index;
}

// ---- Showing ------------------------------------------------------------------------------------

// The relation is not in the planner's array yet when the hook is called; selectivity functions
// look for it there.
double share_of_rows(PlannerInfo *root, RelOptInfo *rel, List *predicate) {
    RelOptInfo *before = root->simple_rel_array[rel->relid];
    root->simple_rel_array[rel->relid] = rel;
    double share = clauselist_selectivity(root, predicate, 0, JOIN_INNER, nullptr);
    root->simple_rel_array[rel->relid] = before;
    return share;
}

// A partition's index: the whole index's, smaller in all its levels.
void scale(HypotheticalIndex *index, const HypotheticalIndex *whole, double tuples) {
    double factor = whole->tuples > 0 ? tuples / whole->tuples : 0;
    double fan_out = 1 + 1 / std::max(whole->inner_pages_per_leaf, 0.001);
    index->tuples = tuples;
    index->leaf_pages = std::max(1.0, std::ceil(whole->leaf_pages * std::min(factor, 1.0)));
    index->pages = 1 + std::ceil(index->leaf_pages * (1 + whole->inner_pages_per_leaf));
    index->tree_height = 0;
    for (double level = index->leaf_pages; level > 1; level = std::ceil(level / fan_out))
        index->tree_height++;
}

List *copy_for(const List *list, Index varno) {
    auto *copy = static_cast<List *>(copyObjectImpl(list));
    if (copy != NIL && varno != 1)
        ChangeVarNodes(reinterpret_cast<Node *>(copy), 1, static_cast<int>(varno), 0);
    return copy;
}

const IndexAmRoutine *routine_of(Oid method) {
    static const IndexAmRoutine *routines[3];
    const IndexAmRoutine *&routine = routines[method == BTREE_AM_OID ? 0
                                              : method == GIN_AM_OID ? 1
                                                                     : 2];
    if (routine == nullptr) {
        MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
        routine = GetIndexAmRoutineByAmId(method, false);
        MemoryContextSwitchTo(caller);
    }
    return routine;
}

IndexOptInfo *make_index_info(RelOptInfo *rel, const HypotheticalIndex *index, Oid oid) {
    const IndexAmRoutine *am = routine_of(index->method);
    IndexOptInfo *info = makeNode(IndexOptInfo);
    info->indexoid = oid;
    info->rel = rel;
    info->tuples = index->predicate == NIL ? rel->tuples : std::min(index->tuples, rel->tuples);
    info->pages = static_cast<BlockNumber>(
        std::clamp(index->pages, 1.0, static_cast<double>(MaxBlockNumber)));
    info->tree_height = am->amcanorder ? index->tree_height : -1;
    info->ncolumns = index->column_count;
    info->nkeycolumns = index->key_count;
    // The planner only reads these.
    info->indexkeys = index->columns;
    info->indexcollations = index->collations;
    info->opfamily = index->opfamilies;
    info->opcintype = index->input_types;
    if (am->amcanorder) {
        info->sortopfamily = index->opfamilies;
        info->reverse_sort = index->descending;
        info->nulls_first = index->nulls_first;
    }
    info->opclassoptions = index->opclass_options;
    info->canreturn = index->can_return;
    info->relam = index->method;
    info->indexprs = copy_for(index->expressions, rel->relid);
    info->indpred = copy_for(index->predicate, rel->relid);
    info->indextlist = copy_for(index->target_list, rel->relid);
    // Never unique: the planner would remove joins on the strength of it, and the plan would not
    // show that it did.
    info->unique = false;
    info->immediate = true;
    info->hypothetical = true;
    info->amcanorderbyop = am->amcanorderbyop;
    info->amoptionalkey = am->amoptionalkey;
    info->amsearcharray = am->amsearcharray;
    info->amsearchnulls = am->amsearchnulls;
    const bool readable = !index->only_statistics;
    info->amhasgettuple = readable && am->amgettuple != nullptr;
    info->amhasgetbitmap = readable && am->amgetbitmap != nullptr;
    info->amcanparallel = am->amcanparallel;
    info->amcanmarkpos = am->ammarkpos != nullptr && am->amrestrpos != nullptr;
    info->amcostestimate = reinterpret_cast<decltype(info->amcostestimate)>(am->amcostestimate);
    return info;
}

HypotheticalIndex *index_for(PlannerInfo *root, RelOptInfo *rel, HypotheticalIndex *offered,
                             Oid relid, bool is_partition, List **ancestors) {
    if (offered->relid == relid)
        return offered;
    if (!is_partition || !offered->partitioned)
        return nullptr;
    HypotheticalIndex *index = find_for_partition(offered, relid, ancestors);
    if (index != nullptr && index->share < 0) {
        index->share = index->predicate == NIL
                           ? 1
                           : share_of_rows(root, rel, copy_for(index->predicate, rel->relid));
        scale(index, offered, rel->tuples * index->share);
    }
    return index;
}

[[gnu::noinline]] void show_active(PlannerInfo *root, Oid relid, RelOptInfo *rel) {
    if (root->glob->boundParams != active->parameters)
        return;
    bool is_partition = get_rel_relispartition(relid);
    List *ancestors = NIL;
    for (int i = 0; i < active->count; i++) {
        const OfferedIndex &offered = active->indexes[i];
        HypotheticalIndex *index =
            index_for(root, rel, offered.index, relid, is_partition, &ancestors);
        // The newest index comes first, as it would from the catalog: of equally good paths the
        // planner keeps the first.
        if (index != nullptr)
            rel->indexlist = lcons(make_index_info(rel, index, offered.oid), rel->indexlist);
    }
}

// Short where there is nothing to show: it runs for each relation of each statement.
void show_indexes(PlannerInfo *root, Oid relid, bool inhparent, RelOptInfo *rel) {
    if (next_relation_info)
        next_relation_info(root, relid, inhparent, rel);
    if (active != nullptr && !inhparent)
        show_active(root, relid, rel);
}

void keep(HeapTuple) {} // it is ours, and outlives the plan

// As examine_variable in selfuncs.c decides: operators that leak what they see get to see the
// values of statistics only where the user might read all of the table, or of the parent that he
// named.
bool may_see_values(PlannerInfo *root, const RelOptInfo *rel) {
    if (rel == nullptr) // an index's own cost, for which numbers are enough
        return false;
    const RangeTblEntry *table = planner_rt_fetch(rel->relid, root);
    if (!bms_is_empty(rel->top_parent_relids)) {
        const int parent = bms_singleton_member(rel->top_parent_relids);
        const RangeTblEntry *named = planner_rt_fetch(parent, root);
        if (named->rtekind == RTE_RELATION)
            table = named;
    }
    const Oid user = OidIsValid(rel->userid) ? rel->userid : GetUserId();
    return table->securityQuals == NIL &&
           pg_class_aclcheck(table->relid, user, ACL_SELECT) == ACLCHECK_OK;
}

// Before an index on an expression is built and analyzed, the planner guesses.
bool lend_statistics(PlannerInfo *root, Oid oid, AttrNumber place, VariableStatData *variable) {
    if (active != nullptr && root->glob->boundParams == active->parameters)
        for (int i = 0; i < active->count; i++) {
            const HypotheticalIndex *index = active->indexes[i].index;
            if (active->indexes[i].oid != oid || place < 1 || place > index->key_count ||
                index->statistics[place - 1] == nullptr)
                continue;
            variable->statsTuple = index->statistics[place - 1];
            variable->freefunc = keep;
            variable->acl_ok = may_see_values(root, variable->rel);
            return true;
        }
    return next_index_stats ? next_index_stats(root, oid, place, variable) : false;
}

const char *name_index(Oid oid) {
    if (active != nullptr && active->names != nullptr)
        for (int i = 0; i < active->count; i++)
            if (active->indexes[i].oid == oid)
                return active->names[i];
    return next_index_name ? next_index_name(oid) : nullptr;
}

// ---- Joining ------------------------------------------------------------------------------------

List *set_aside_btrees(PlannerInfo *root) {
    List *set_aside = NIL;
    for (int i = 1; i < root->simple_rel_array_size; i++) {
        const RelOptInfo *rel = root->simple_rel_array[i];
        if (rel == nullptr)
            continue;
        for (int j = 0; j < list_length(rel->indexlist); j++) {
            auto *index = static_cast<IndexOptInfo *>(list_nth(rel->indexlist, j));
            if (index->relam != BTREE_AM_OID || index->hypothetical)
                continue;
            index->hypothetical = true;
            set_aside = lappend(set_aside, index);
        }
    }
    return set_aside;
}

// For each merge join that it considers the planner looks up the ends of the indexes on both sides
// (get_actual_variable_range in selfuncs.c), to know how much of them will be read: half of its
// work. It does not of hypothetical indexes, and makes do with the ends of the histograms, which
// are at most one bucket off.
RelOptInfo *search_joins(PlannerInfo *root, int levels, List *rels) {
    const bool ours = active != nullptr && root->glob->boundParams == active->parameters;
    List *set_aside = ours ? set_aside_btrees(root) : NIL;
    if (ours)
        join_estimates::lend(root, rels);
    RelOptInfo *joined = next_join_search ? next_join_search(root, levels, rels)
                         : enable_geqo && levels >= geqo_threshold
                             ? geqo(root, levels, rels)
                             : standard_join_search(root, levels, rels);
    for (int i = 0; i < list_length(set_aside); i++)
        static_cast<IndexOptInfo *>(list_nth(set_aside, i))->hypothetical = false;
    if (ours)
        join_estimates::keep(root);
    return joined;
}

// With the first what-if: a backend that asks for none does not pay for the hooks, which run for
// each relation and condition of each statement.
void chain_hooks() noexcept {
    static bool chained = false;
    if (chained)
        return;
    chained = true;
    next_relation_info = get_relation_info_hook;
    get_relation_info_hook = show_indexes;
    next_index_name = explain_get_index_name_hook;
    explain_get_index_name_hook = name_index;
    next_index_stats = get_index_stats_hook;
    get_index_stats_hook = lend_statistics;
    next_join_search = join_search_hook;
    join_search_hook = search_joins;
    join_estimates::install();
}

} // namespace

HypotheticalIndex *resolve_index(const IndexDefinition &definition) {
    ::Relation relation = relation_open(definition.relation, AccessShareLock);
    int keys = static_cast<int>(definition.keys.size());
    int columns = keys + static_cast<int>(definition.include.size());
    auto *index = new_array<HypotheticalIndex>(1);
    index->relid = definition.relation;
    index->method = access_method(definition.method);
    index->partitioned = relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
    index->key_count = keys;
    index->column_count = columns;
    index->columns = new_array<int>(columns);
    index->opfamilies = new_array<Oid>(keys);
    index->input_types = new_array<Oid>(keys);
    index->collations = new_array<Oid>(keys);
    index->key_types = new_array<Oid>(keys);
    index->statistics = new_array<HeapTuple>(keys);
    index->descending = new_array<bool>(keys);
    index->nulls_first = new_array<bool>(keys);
    index->can_return = new_array<bool>(columns);
    std::fill_n(index->can_return, columns, definition.method == IndexMethod::Btree);
    index->opclass_options = new_array<bytea *>(columns);
    for (int i = 0; i < keys; i++)
        resolve_key(relation, definition.keys[i], i, index);
    for (int i = keys; i < columns; i++)
        resolve_included(relation, definition.include[i - keys], i, index);
    for (const std::string &condition : definition.predicate)
        index->predicate = list_concat(
            index->predicate, parse_canonical_condition(condition.c_str(), definition.relation));
    index->share = 1;
    relation_close(relation, NoLock);
    return index;
}

HTAB *make_partition_cache(MemoryContext context) {
    HASHCTL control{};
    control.keysize = sizeof(PartitionKey);
    control.entrysize = sizeof(PartitionEntry);
    control.hcxt = context;
    return hash_create("pg_triage partitions of hypothetical indexes", 64, &control,
                       HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

ActiveOffer::ActiveOffer(const IndexOffer &offer) noexcept : outer_(active) {
    chain_hooks();
    active = &offer;
}

ActiveOffer::~ActiveOffer() {
    active = outer_;
}

} // namespace triage
