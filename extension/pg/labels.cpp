#include "pg/labels.h"

#include "pg/store.h"

PG_HEADERS_BEGIN
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "commands/seclabel.h"
#include "utils/lsyscache.h"
PG_HEADERS_END

namespace triage::labels {

namespace {

constexpr const char *provider = "pg_triage";
constexpr const char *phi = "phi";
constexpr const char *is_public = "public";

// Set by a SECURITY LABEL of this transaction: at its commit what was kept of the columns is
// forgotten.
bool labels_changed = false;

bool holds_rows(char relkind) {
    return relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE ||
           relkind == RELKIND_MATVIEW || relkind == RELKIND_FOREIGN_TABLE;
}

// At commit the new label is visible to others. Which values of which relations it concerns
// (partitions have their ancestors' labels) is not worth finding out: all of this database go, and
// come back where they may. Backends notice by the store's label epoch.
void at_transaction_end(XactEvent event, void *) {
    if (!labels_changed)
        return;
    switch (event) {
    case XACT_EVENT_COMMIT:
        store::forget_values(MyDatabaseId);
        labels_changed = false;
        break;
    case XACT_EVENT_ABORT:
        labels_changed = false;
        break;
    case XACT_EVENT_PRE_PREPARE:
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("cannot prepare a transaction that changed security labels of "
                               "provider \"%s\"",
                               provider)));
        break;
    default:
        break;
    }
}

// With the first label: hardly any session sets one.
void watch_transactions() {
    static bool watching = false;
    if (watching)
        return;
    RegisterXactCallback(at_transaction_end, nullptr);
    watching = true;
}

void relabel(const ObjectAddress *object, const char *label) {
    if (object->classId != RelationRelationId || !holds_rows(get_rel_relkind(object->objectId)))
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                        errmsg("pg_triage labels only tables and their columns")));
    if (label != nullptr && strcmp(label, phi) != 0 && strcmp(label, is_public) != 0)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("unknown security label for provider \"%s\"", provider),
                        errhint("Labels are \"%s\" and \"%s\".", phi, is_public)));
    if (label != nullptr && strcmp(label, is_public) == 0 && object->objectSubId == 0)
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                        errmsg("a whole table cannot be labelled \"%s\"", is_public),
                        errhint("Label the columns that hold nothing private.")));
    watch_transactions();
    labels_changed = true;
}

ColumnLabel label_of(Oid relation, AttributeNumber attribute) {
    ObjectAddress object;
    ObjectAddressSubSet(object, RelationRelationId, relation, attribute);
    const char *label = GetSecurityLabel(&object, provider);
    if (label == nullptr)
        return ColumnLabel::None;
    return strcmp(label, is_public) == 0 ? ColumnLabel::Public : ColumnLabel::Phi;
}

// A column's own label, or its table's; phi wins.
ColumnLabel own_label(Oid relation, AttributeNumber attribute) {
    if (label_of(relation, 0) == ColumnLabel::Phi)
        return ColumnLabel::Phi;
    return label_of(relation, attribute);
}

} // namespace

void register_provider() {
    register_label_provider(provider, relabel);
}

ColumnLabel column_label(Oid relation, AttributeNumber attribute) {
    ColumnLabel label = own_label(relation, attribute);
    if (!get_rel_relispartition(relation))
        return label;
    const char *name = get_attname(relation, attribute, false);
    ListCell *cell;
    foreach (cell, get_partition_ancestors(relation)) {
        const Oid ancestor = lfirst_oid(cell);
        const ColumnLabel inherited = own_label(ancestor, get_attnum(ancestor, name));
        if (inherited == ColumnLabel::Phi || label == ColumnLabel::None)
            label = inherited;
        if (label == ColumnLabel::Phi)
            break;
    }
    return label;
}

} // namespace triage::labels
