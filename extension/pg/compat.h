// Every difference between the supported PostgreSQL versions (15 to 18), and nothing else.
#pragma once

#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "access/stratnum.h"
#include "catalog/pg_class.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "utils/acl.h"
#include "utils/pg_locale.h"
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

// True if the role owns the relation, is a member of its owner or a superuser.
inline bool owns_relation(Oid relation, Oid role) {
#if PG_VERSION_NUM >= 160000
    return object_ownercheck(RelationRelationId, relation, role);
#else
    return pg_class_ownercheck(relation, role);
#endif
}

} // namespace triage
