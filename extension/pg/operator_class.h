// Operator classes: which an index of a type takes, and which serve an operator. The default one of
// a B-tree comes from the type cache: looking it up in pg_opclass takes longer than planning a
// simple statement does.
#pragma once

#include "core/index_definition.h"
#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "nodes/pg_list.h"
PG_HEADERS_END

namespace triage {

struct BtreeOrder {
    Oid family, input_type; // InvalidOid: there is none
};

// All of these may raise, so call them inside call_server.

BtreeOrder default_btree_order(Oid type);

// That of the named operator class, or for NIL of the default one. Raises as CREATE INDEX does.
BtreeOrder btree_order(List *opclass_name, Oid type);

// What an index of any method makes of a type. Raises as CREATE INDEX does.
struct IndexableType {
    Oid family, input_type;
    Oid key_type; // of what the index stores; of a GIN index one of the type's keys
};
IndexableType index_type(List *opclass_name, Oid type, Oid method);

Oid access_method(IndexMethod method);

// GIN operator classes (Oid list) with which an index of `type` serves `opno`, the one with the
// smallest keys first.
List *gin_opclasses_for(Oid opno, Oid type);

// Whether a BRIN index that keeps the least and the greatest value may be made of the type without
// naming an operator class.
bool has_default_minmax(Oid type);

// Names an operator class in full; null if it is the default one of the type, or orders as that
// does.
char *opclass_text(Oid opclass, Oid type);

} // namespace triage
