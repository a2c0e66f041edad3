#include "pg/foreign_keys.h"

#include "pg/guard.h"
#include "pg/plan_analysis.h"
#include "pg/scratch.h"

PG_HEADERS_BEGIN
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/stratnum.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
PG_HEADERS_END

namespace triage {
namespace {

struct CollectedCheck {
    Oid referencing, owner;
    char *text;
};

// Whether the index begins with just these columns, in whatever order.
bool begins_with(::Relation index, const AttrNumber *columns, int count) {
    Form_pg_index form = index->rd_index;
    if (!form->indisvalid || form->indnkeyatts < count || index->rd_rel->relam != BTREE_AM_OID ||
        RelationGetIndexPredicate(index) != NIL)
        return false;
    const int16 *keys = form->indkey.values;
    return std::all_of(columns, columns + count, [&](AttrNumber column) {
        return std::find(keys, keys + count, column) != keys + count;
    });
}

bool has_index(::Relation relation, const AttrNumber *columns, int count) {
    bool found = false;
    ListCell *cell;
    foreach (cell, RelationGetIndexList(relation)) {
        ::Relation index = relation_open(lfirst_oid(cell), AccessShareLock);
        found = found || begins_with(index, columns, count);
        relation_close(index, NoLock);
    }
    return found;
}

char *text_of_check(::Relation relation, const AttrNumber *columns, int count) {
    StringInfoData text;
    initStringInfo(&text);
    const bool partitioned = relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
    appendStringInfo(&text, "SELECT 1 FROM %s%s x WHERE ", partitioned ? "" : "ONLY ",
                     quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
                                                RelationGetRelationName(relation)));
    for (int i = 0; i < count; i++)
        appendStringInfo(
            &text, "%sx.%s = $%d", i > 0 ? " AND " : "",
            quote_identifier(get_attname(RelationGetRelid(relation), columns[i], false)), i + 1);
    return text.data;
}

CollectedCheck *check_of(HeapTuple tuple, const AttributeNumber *changed, int changed_count) {
    AttrNumber referencing[INDEX_MAX_KEYS], referenced[INDEX_MAX_KEYS];
    Oid equal[INDEX_MAX_KEYS];
    int count;
    DeconstructFkConstraintRow(tuple, &count, referencing, referenced, equal, nullptr, nullptr,
                               nullptr, nullptr);
    auto is_changed = [&](AttrNumber column) {
        return std::find(changed, changed + changed_count, column) != changed + changed_count;
    };
    if (changed_count > 0 && std::none_of(referenced, referenced + count, is_changed))
        return nullptr;
    Oid relid = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple))->conrelid;
    if (!is_user_table(relid))
        return nullptr;
    ::Relation relation = try_relation_open(relid, AccessShareLock);
    if (relation == nullptr)
        return nullptr;
    CollectedCheck *check = nullptr;
    if (!has_index(relation, referencing, count)) {
        check = static_cast<CollectedCheck *>(palloc(sizeof(CollectedCheck)));
        *check = {relid, relation->rd_rel->relowner, text_of_check(relation, referencing, count)};
    }
    relation_close(relation, NoLock);
    return check;
}

// No index of pg_constraint leads from the referenced table.
List *collect(Oid referenced, const AttributeNumber *changed, int changed_count) {
    List *checks = NIL;
    ::Relation constraints = table_open(ConstraintRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_constraint_confrelid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(referenced));
    SysScanDesc scan = systable_beginscan(constraints, InvalidOid, false, nullptr, 1, &key);
    while (HeapTuple tuple = systable_getnext(scan)) {
        auto *form = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple));
        // A partition's own is part of its parent's.
        if (form->contype != CONSTRAINT_FOREIGN || OidIsValid(form->conparentid))
            continue;
        if (CollectedCheck *check = check_of(tuple, changed, changed_count))
            checks = lappend(checks, check);
    }
    systable_endscan(scan);
    table_close(constraints, AccessShareLock);
    return checks;
}

} // namespace

std::vector<ForeignKeyCheck> unindexed_checks(RelationId referenced,
                                              const std::vector<AttributeNumber> &changed) {
    ScratchContext scratch;
    List *collected = scratch.call_server(
        [&] { return collect(referenced, changed.data(), static_cast<int>(changed.size())); });
    std::vector<ForeignKeyCheck> checks;
    for (int i = 0; i < list_length(collected); i++) {
        auto *check = static_cast<CollectedCheck *>(list_nth(collected, i));
        checks.push_back({check->referencing, check->owner, check->text});
    }
    return checks;
}

} // namespace triage
