#include "pg/operator_class.h"

#include "pg/canonical_sql.h"

PG_HEADERS_BEGIN
#include "catalog/pg_am_d.h"
#include "catalog/pg_opclass.h"
#include "commands/defrem.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
PG_HEADERS_END

namespace triage {

BtreeOrder default_btree_order(Oid type) {
    TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_BTREE_OPFAMILY);
    return {entry->btree_opf, entry->btree_opintype};
}

BtreeOrder btree_order(List *opclass_name, Oid type) {
    if (opclass_name == NIL) {
        BtreeOrder order = default_btree_order(type);
        if (OidIsValid(order.family))
            return order;
    }
    Oid opclass = ResolveOpClass(opclass_name, type, "btree", BTREE_AM_OID);
    return {get_opclass_family(opclass), get_opclass_input_type(opclass)};
}

char *opclass_text(Oid opclass, Oid type) {
    HeapTuple tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));
    if (!HeapTupleIsValid(tuple))
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                        errmsg("operator class with OID %u does not exist", opclass)));
    auto *form = reinterpret_cast<Form_pg_opclass>(GETSTRUCT(tuple));
    bool is_default;
    if (form->opcmethod == BTREE_AM_OID) {
        BtreeOrder order = default_btree_order(type);
        is_default = form->opcfamily == order.family && form->opcintype == order.input_type;
    } else {
        is_default = GetDefaultOpClass(type, form->opcmethod) == opclass;
    }
    char *text = is_default ? nullptr : qualified_name(form->opcnamespace, NameStr(form->opcname));
    ReleaseSysCache(tuple);
    return text;
}

} // namespace triage
