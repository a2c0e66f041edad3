#include "pg/operator_class.h"

#include "pg/canonical_sql.h"

PG_HEADERS_BEGIN
#include "access/gin.h"
#include "access/htup_details.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_type_d.h"
#include "commands/defrem.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
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

Oid access_method(IndexMethod method) {
    switch (method) {
    case IndexMethod::Gin:
        return GIN_AM_OID;
    case IndexMethod::Brin:
        return BRIN_AM_OID;
    case IndexMethod::Btree:
        break;
    }
    return BTREE_AM_OID;
}

namespace {

const char *name_of(Oid method) {
    return method == GIN_AM_OID ? "gin" : method == BRIN_AM_OID ? "brin" : "btree";
}

// As the descriptor of the index would have it.
Oid stored_type(Oid opclass, Oid input_type, Oid type) {
    HeapTuple tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));
    if (!HeapTupleIsValid(tuple))
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                        errmsg("operator class with OID %u does not exist", opclass)));
    Oid key_type = reinterpret_cast<Form_pg_opclass>(GETSTRUCT(tuple))->opckeytype;
    ReleaseSysCache(tuple);
    if (key_type == ANYELEMENTOID && input_type == ANYARRAYOID)
        key_type = get_base_element_type(type);
    return OidIsValid(key_type) ? key_type : type;
}

// A GIN index sorts its keys.
void check_keys_can_be_compared(Oid family, Oid input_type, Oid key_type) {
    if (!OidIsValid(get_opfamily_proc(family, input_type, input_type, GIN_COMPARE_PROC)) &&
        !OidIsValid(lookup_type_cache(key_type, TYPECACHE_CMP_PROC)->cmp_proc))
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
                        errmsg("could not identify a comparison function for type %s",
                               format_type_be(key_type))));
}

Size size_of_keys(Oid opclass, Oid input_type, Oid type) {
    int16 length = get_typlen(stored_type(opclass, input_type, type));
    return length > 0 ? static_cast<Size>(length) : 1000;
}

// Of the method's operator classes in the family, that of the type; the default one rather than
// another.
Oid opclass_in_family(CatCList *opclasses, Oid family, Oid type) {
    Oid found = InvalidOid;
    for (int i = 0; i < opclasses->n_members; i++) {
        auto *form = reinterpret_cast<Form_pg_opclass>(GETSTRUCT(&opclasses->members[i]->tuple));
        if (form->opcfamily == family && IsBinaryCoercible(type, form->opcintype) &&
            (!OidIsValid(found) || form->opcdefault))
            found = form->oid;
    }
    return found;
}

} // namespace

IndexableType index_type(List *opclass_name, Oid type, Oid method) {
    if (method == BTREE_AM_OID) {
        BtreeOrder order = btree_order(opclass_name, type);
        return {order.family, order.input_type, type};
    }
    Oid opclass = ResolveOpClass(opclass_name, type, name_of(method), method);
    IndexableType result{get_opclass_family(opclass), get_opclass_input_type(opclass), type};
    if (method == GIN_AM_OID) {
        result.key_type = stored_type(opclass, result.input_type, type);
        check_keys_can_be_compared(result.family, result.input_type, result.key_type);
    }
    return result;
}

List *gin_opclasses_for(Oid opno, Oid type) {
    CatCList *opclasses = SearchSysCacheList1(CLAAMNAMENSP, ObjectIdGetDatum(Oid{GIN_AM_OID}));
    CatCList *uses = SearchSysCacheList1(AMOPOPID, ObjectIdGetDatum(opno));
    List *result = NIL;
    for (int i = 0; i < uses->n_members; i++) {
        auto *use = reinterpret_cast<Form_pg_amop>(GETSTRUCT(&uses->members[i]->tuple));
        if (use->amopmethod != GIN_AM_OID || use->amoppurpose != AMOP_SEARCH ||
            !IsBinaryCoercible(type, use->amoplefttype))
            continue;
        Oid opclass = opclass_in_family(opclasses, use->amopfamily, type);
        if (!OidIsValid(opclass) || list_member_oid(result, opclass))
            continue;
        const bool small =
            result != NIL && size_of_keys(opclass, use->amoplefttype, type) <
                                 size_of_keys(linitial_oid(result), use->amoplefttype, type);
        result = small ? lcons_oid(opclass, result) : lappend_oid(result, opclass);
    }
    ReleaseSysCacheList(uses);
    ReleaseSysCacheList(opclasses);
    return result;
}

bool has_default_minmax(Oid type) {
    Oid opclass = GetDefaultOpClass(type, BRIN_AM_OID);
    if (!OidIsValid(opclass))
        return false;
    // Families of least and greatest have the B-tree's operators; inclusion has none of them.
    Oid family = get_opclass_family(opclass), input = get_opclass_input_type(opclass);
    Oid less =
        get_opfamily_member(default_btree_order(type).family, input, input, BTLessStrategyNumber);
    return OidIsValid(less) && op_in_opfamily(less, family);
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
