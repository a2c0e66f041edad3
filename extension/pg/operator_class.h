// B-tree operator classes. The default one of a type comes from the type cache: looking it up in
// pg_opclass takes longer than planning a simple statement does.
#pragma once

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

// Names an operator class in full; null if it is the default one of the type, or orders as that
// does.
char *opclass_text(Oid opclass, Oid type);

} // namespace triage
