// Every difference between the supported PostgreSQL versions (15 to 18), and nothing else.
#pragma once

#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "access/attmap.h"
#include "access/stratnum.h"
#include "catalog/pg_class.h"
#include "commands/vacuum.h"
#include "common/relpath.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"
#include "optimizer/paths.h"
#include "parser/parse_node.h"
#include "pgstat.h"
#include "storage/buf_internals.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/backend_status.h"
#include "utils/lsyscache.h"
#include "utils/pg_locale.h"
#if PG_VERSION_NUM >= 160000
#include "nodes/queryjumble.h"
#include "utils/relfilenumbermap.h"
#else
#include "utils/queryjumble.h"
#include "utils/relfilenodemap.h"
#endif
PG_HEADERS_END

#if PG_VERSION_NUM < 150000
#error "pg_triage needs PostgreSQL 15 or newer"
#endif

namespace triage {

// The walkers of nodeFuncs.h; 15 declares their callback without arguments.
using TreeWalker = bool (*)(Node *, void *);

#if PG_VERSION_NUM >= 160000
inline bool walk_expression(Node *node, TreeWalker walker, void *context) {
    return expression_tree_walker(node, walker, context);
}

inline bool walk_query(Query *query, TreeWalker walker, void *context, int flags) {
    return query_tree_walker(query, walker, context, flags);
}
#else
namespace compat_detail {
inline auto untyped(TreeWalker walker) {
    return reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker));
}
} // namespace compat_detail

inline bool walk_expression(Node *node, TreeWalker walker, void *context) {
    return expression_tree_walker(node, compat_detail::untyped(walker), context);
}

inline bool walk_query(Query *query, TreeWalker walker, void *context, int flags) {
    return query_tree_walker(query, compat_detail::untyped(walker), context, flags);
}
#endif

inline bool is_descending(const PathKey *pathkey) {
#if PG_VERSION_NUM >= 180000
    return pathkey->pk_cmptype == COMPARE_GT;
#else
    return pathkey->pk_strategy == BTGreaterStrategyNumber;
#endif
}

inline bool collation_is_c(Oid collation) {
#if PG_VERSION_NUM >= 180000
    return pg_newlocale_from_collation(collation)->collate_is_c;
#else
    return lc_collate_is_c(collation);
#endif
}

// Clauses that an equivalence class has been made to yield so far.
inline List *derived_clauses(const EquivalenceClass *ec) {
#if PG_VERSION_NUM >= 180000
    return ec->ec_derives_list;
#else
    return ec->ec_derives;
#endif
}

// Makes an equivalence class yield those that join two base relations.
inline void derive_join_clauses(PlannerInfo *root, RelOptInfo *outer, RelOptInfo *inner) {
    Relids joined = bms_union(outer->relids, inner->relids);
#if PG_VERSION_NUM >= 160000
    (void)generate_join_implied_equalities(root, joined, outer->relids, inner, nullptr);
#else
    (void)generate_join_implied_equalities(root, joined, outer->relids, inner);
#endif
}

// Whether an outer join may have put a null in its place; only known from 16 on.
inline bool is_nulled([[maybe_unused]] const Var *var) {
#if PG_VERSION_NUM >= 160000
    return var->varnullingrels != nullptr;
#else
    return false;
#endif
}

// Where a block is: RelFileNode became RelFileLocator in 16.
struct BlockPlace {
    Oid tablespace, database;
    std::uint32_t file;
    ForkNumber fork;
    BlockNumber block;
};

inline BlockPlace place_of(const BufferTag &tag) {
#if PG_VERSION_NUM >= 160000
    return {tag.spcOid, tag.dbOid, tag.relNumber, tag.forkNum, tag.blockNum};
#else
    return {tag.rnode.spcNode, tag.rnode.dbNode, tag.rnode.relNode, tag.forkNum, tag.blockNum};
#endif
}

// The relation of this database that owns a file, InvalidOid if there is none. Reads the catalog.
inline Oid relation_of_file(Oid tablespace, std::uint32_t file) {
#if PG_VERSION_NUM >= 160000
    return RelidByRelfilenumber(tablespace, file);
#else
    return RelidByRelfilenode(tablespace, file);
#endif
}

struct BlockAccesses {
    std::int64_t fetched = 0, hit = 0;
};

inline BlockAccesses accesses_of(const PgStat_StatDBEntry &entry) {
#if PG_VERSION_NUM >= 160000
    return {entry.blocks_fetched, entry.blocks_hit};
#else
    return {entry.n_blocks_fetched, entry.n_blocks_hit};
#endif
}

// Of this process's copy of all sessions' state, by index from 0.
inline const PgBackendStatus *session_status(int index) {
#if PG_VERSION_NUM >= 160000
    LocalPgBackendStatus *entry = pgstat_get_local_beentry_by_index(index + 1);
#else
    LocalPgBackendStatus *entry = pgstat_fetch_stat_local_beentry(index + 1);
#endif
    return entry ? &entry->backendStatus : nullptr;
}

// The class of waits for a buffer's pin; PG_WAIT_BUFFER_PIN was renamed in 17.
constexpr std::uint32_t buffer_pin_wait = 0x04000000U;

// Path of a permanent relation's fork, relative to the data directory; `path` has MAXPGPATH bytes.
inline void path_of_fork(const BlockPlace &place, char *path) {
#if PG_VERSION_NUM >= 180000
    strlcpy(path,
            GetRelationPath(place.database, place.tablespace, place.file, INVALID_PROC_NUMBER,
                            place.fork)
                .str,
            MAXPGPATH);
#else
    char *made = GetRelationPath(place.database, place.tablespace, place.file, -1, place.fork);
    strlcpy(path, made, MAXPGPATH);
    pfree(made);
#endif
}

// Raises what ExecutorStart would raise for the relations of this query alone, not of those below
// it.
inline void check_range_table_privileges(Query *query) {
#if PG_VERSION_NUM >= 160000
    (void)ExecCheckPermissions(query->rtable, query->rteperminfos, true);
#else
    (void)ExecCheckRTPerms(query->rtable, true);
#endif
}

// By name; attnums[n - 1] is the input column of output column n.
inline AttrMap *build_attribute_map(TupleDesc input, TupleDesc output) {
#if PG_VERSION_NUM >= 160000
    return build_attrmap_by_name(input, output, false);
#else
    return build_attrmap_by_name(input, output);
#endif
}

// Makes a query of one relation, added to `state`, that is planned with the rights of `role`.
inline void set_range_table(Query *query, ParseState *state, Oid role) {
    query->rtable = state->p_rtable;
#if PG_VERSION_NUM >= 160000
    query->rteperminfos = state->p_rteperminfos;
    linitial_node(RTEPermissionInfo, query->rteperminfos)->checkAsUser = role;
#else
    linitial_node(RangeTblEntry, query->rtable)->checkAsUser = role;
#endif
}

// Without it, starting the executor for EXPLAIN would evaluate parameters to prune partitions.
inline void forget_partition_pruning(Plan *plan) {
#if PG_VERSION_NUM >= 180000
    if (IsA(plan, Append))
        castNode(Append, plan)->part_prune_index = -1;
    else if (IsA(plan, MergeAppend))
        castNode(MergeAppend, plan)->part_prune_index = -1;
#else
    if (IsA(plan, Append))
        castNode(Append, plan)->part_prune_info = nullptr;
    else if (IsA(plan, MergeAppend))
        castNode(MergeAppend, plan)->part_prune_info = nullptr;
#endif
}

// True if the role owns the relation, is a member of its owner or a superuser.
inline bool owns_relation(Oid relation, Oid role) {
#if PG_VERSION_NUM >= 160000
    return object_ownercheck(RelationRelationId, relation, role);
#else
    return pg_class_ownercheck(relation, role);
#endif
}

// What an operator compares by, as a B-tree strategy number, or 6 for "not equal"; 0 if no B-tree
// knows it.
inline int comparison_strategy(Oid opno) {
#if PG_VERSION_NUM >= 180000
    List *meanings = get_op_index_interpretation(opno);
    return meanings
               ? static_cast<int>(static_cast<OpIndexInterpretation *>(linitial(meanings))->cmptype)
               : 0;
#else
    List *meanings = get_op_btree_interpretation(opno);
    return meanings ? static_cast<OpBtreeInterpretation *>(linitial(meanings))->strategy : 0;
#endif
}

// True of < and > of some B-tree operator class.
inline bool is_ordering_operator(Oid opno) {
    Oid family, type;
#if PG_VERSION_NUM >= 180000
    CompareType comparison;
    return get_ordering_op_properties(opno, &family, &type, &comparison);
#else
    int16 strategy;
    return get_ordering_op_properties(opno, &family, &type, &strategy);
#endif
}

// The walker over a plan's states.
using PlanStateWalker = bool (*)(PlanState *, void *);
inline bool walk_plan_state(PlanState *state, PlanStateWalker walker, void *context) {
#if PG_VERSION_NUM >= 160000
    return planstate_tree_walker(state, walker, context);
#else
    return planstate_tree_walker(
        state, reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker)), context);
#endif
}

// What ANALYZE knows of a column without a target of its own. To 16 it has the column's catalog
// row.
inline void use_default_statistics_target(VacAttrStats *stats) {
#if PG_VERSION_NUM >= 170000
    stats->attstattarget = -1;
#else
    stats->attr = static_cast<Form_pg_attribute>(palloc0(ATTRIBUTE_FIXED_PART_SIZE));
    stats->attr->attstattarget = -1;
#endif
}

// Tells one transaction of this backend from the next.
inline LocalTransactionId local_transaction() {
#if PG_VERSION_NUM >= 170000
    return MyProc->vxid.lxid;
#else
    return MyProc->lxid;
#endif
}

// What was measured so far, and not while the clock runs: without the end of a loop, which may or
// may not have come.
inline std::uint64_t elapsed_ns(const Instrumentation *instrument) {
    if (!instrument->running)
        return static_cast<std::uint64_t>(std::max(instrument->total, 0.0) * 1e9);
#if PG_VERSION_NUM >= 160000
    return static_cast<std::uint64_t>(INSTR_TIME_GET_NANOSEC(instrument->counter));
#else
    return static_cast<std::uint64_t>(instrument->counter.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(instrument->counter.tv_nsec);
#endif
}

// Rows that a statement returned or changed, over all its runs where the server adds them up.
inline std::uint64_t rows_processed(const EState *state) {
#if PG_VERSION_NUM >= 160000
    return state->es_total_processed;
#else
    return state->es_processed;
#endif
}

} // namespace triage
