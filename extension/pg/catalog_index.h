// An index's definition in plain palloc'ed data, as it is collected from the catalog or from an
// analysed statement while no C++ object may live.
#pragma once

#include "core/index_definition.h"
#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "nodes/pg_list.h"
#include "utils/relcache.h"
PG_HEADERS_END

namespace triage {

struct CollectedKey {
    AttrNumber attribute;   // 0: expression
    const char *expression; // canonical, or null
    const char *opclass;    // in full, or null for the default one
    Oid collation;          // InvalidOid: the column's own
    bool descending, nulls_first;
};

struct CollectedIndex {
    Oid relid;
    IndexMethod method;
    int key_count;
    CollectedKey *keys;
    List *include;   // int list
    List *predicate; // of char *, canonical conditions
    bool unique;
};

// The definition in core's terms; no PostgreSQL call.
IndexDefinition to_definition(const CollectedIndex &index);

// False if it is of a kind that IndexDefinition cannot say (GiST, hash …). May raise.
bool collect_index(::Relation index, CollectedIndex *result);

// Canonical texts of an implicit AND of conditions over `relid`. May raise.
List *collect_conditions(List *implicit_and, Oid relid);

} // namespace triage
