#include "pg/relation_facts.h"

#include "pg/canonical_sql.h"
#include "pg/catalog_index.h"
#include "pg/compat.h"
#include "pg/guard.h"
#include "pg/operator_class.h"
#include "pg/scratch.h"

PG_HEADERS_BEGIN
#include "access/relation.h"
#include "catalog/catalog.h"
#include "catalog/index.h"
#include "catalog/pg_class_d.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_statistic.h"
#include "nodes/pg_list.h"
#include "optimizer/plancat.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
PG_HEADERS_END

namespace triage {
namespace {

// What a planner takes for a column of which nothing is known (selfuncs.h).
constexpr double default_distinct = 200;

struct CollectedAttribute {
    AttrNumber number;
    const char *name;
    double width, distinct, null_fraction, correlation;
    int mcv_count;
    float4 *mcv_frequencies;
    char alignment;
    bool fixed_width, orderable, summarizable;
};

struct CollectedExistingIndex {
    Oid oid;
    CollectedIndex definition;
    double bytes;
    bool valid, must_stay;
};

struct CollectedRelation {
    const char *name;
    double tuples, pages, visible_pages;
    double inserted, updated, hot_updated, deleted;
    int attribute_count;
    CollectedAttribute *attributes;
    List *indexes; // of CollectedExistingIndex *
    Oid largest_leaf;
    double largest_leaf_tuples;
};

void check_kind(::Relation relation) {
    switch (relation->rd_rel->relkind) {
    case RELKIND_RELATION:
    case RELKIND_PARTITIONED_TABLE:
    case RELKIND_MATVIEW:
        return;
    default:
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                        errmsg("\"%s\" is not a table or materialized view",
                               RelationGetRelationName(relation)),
                        errhint("Views and foreign tables cannot have indexes.")));
    }
}

// ---- Size and writes ----------------------------------------------------------------------------

void add_size(::Relation leaf, CollectedRelation *result) {
    BlockNumber pages;
    double tuples, all_visible;
    estimate_rel_size(leaf, nullptr, &pages, &tuples, &all_visible);
    result->pages += pages;
    result->tuples += tuples;
    result->visible_pages += pages * all_visible;
    if (tuples >= result->largest_leaf_tuples) {
        result->largest_leaf_tuples = tuples;
        result->largest_leaf = RelationGetRelid(leaf);
    }
}

void add_writes(Oid relid, CollectedRelation *result) {
    PgStat_StatTabEntry *entry = pgstat_fetch_stat_tabentry(relid);
    if (entry == nullptr)
        return;
    result->inserted += static_cast<double>(entry->tuples_inserted);
    result->updated += static_cast<double>(entry->tuples_updated);
    result->hot_updated += static_cast<double>(entry->tuples_hot_updated);
    result->deleted += static_cast<double>(entry->tuples_deleted);
}

void collect_leaves(::Relation relation, CollectedRelation *result) {
    if (relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE) {
        add_size(relation, result);
        add_writes(RelationGetRelid(relation), result);
        return;
    }
    ListCell *cell;
    foreach (cell, find_all_inheritors(RelationGetRelid(relation), AccessShareLock, nullptr)) {
        CHECK_FOR_INTERRUPTS();
        ::Relation leaf = relation_open(lfirst_oid(cell), NoLock);
        char kind = leaf->rd_rel->relkind;
        if (kind == RELKIND_RELATION && !RELATION_IS_OTHER_TEMP(leaf)) {
            add_size(leaf, result);
            add_writes(RelationGetRelid(leaf), result);
        }
        relation_close(leaf, NoLock);
    }
}

// ---- Columns ------------------------------------------------------------------------------------

void read_statistics(HeapTuple tuple, CollectedAttribute *attribute) {
    auto *form = reinterpret_cast<Form_pg_statistic>(GETSTRUCT(tuple));
    attribute->null_fraction = form->stanullfrac;
    if (form->stawidth > 0)
        attribute->width = form->stawidth;
    if (form->stadistinct != 0)
        attribute->distinct = form->stadistinct;
    AttStatsSlot slot;
    if (get_attstatsslot(&slot, tuple, STATISTIC_KIND_CORRELATION, InvalidOid,
                         ATTSTATSSLOT_NUMBERS)) {
        if (slot.nnumbers > 0)
            attribute->correlation = slot.numbers[0];
        free_attstatsslot(&slot);
    }
    if (get_attstatsslot(&slot, tuple, STATISTIC_KIND_MCV, InvalidOid, ATTSTATSSLOT_NUMBERS)) {
        attribute->mcv_count = slot.nnumbers;
        attribute->mcv_frequencies =
            static_cast<float4 *>(palloc(sizeof(float4) * std::max(slot.nnumbers, 1)));
        std::copy_n(slot.numbers, slot.nnumbers, attribute->mcv_frequencies);
        free_attstatsslot(&slot);
    }
}

// Autovacuum does not analyze partitioned tables, so the largest partition has to speak for them.
HeapTuple find_statistics(::Relation relation, const CollectedRelation &facts, AttrNumber number,
                          const char *name) {
    bool partitioned = relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
    HeapTuple tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(RelationGetRelid(relation)),
                                      Int16GetDatum(number), BoolGetDatum(partitioned));
    if (HeapTupleIsValid(tuple) || !partitioned || !OidIsValid(facts.largest_leaf))
        return tuple;
    return SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(facts.largest_leaf),
                           Int16GetDatum(get_attnum(facts.largest_leaf, name)),
                           BoolGetDatum(false));
}

std::uint8_t bytes_of_alignment(char alignment) {
    switch (alignment) {
    case TYPALIGN_CHAR:
        return 1;
    case TYPALIGN_SHORT:
        return 2;
    case TYPALIGN_INT:
        return 4;
    default:
        return 8;
    }
}

CollectedAttribute collect_attribute(::Relation relation, const CollectedRelation &facts,
                                     Form_pg_attribute column) {
    CollectedAttribute attribute{.number = column->attnum, .name = NameStr(column->attname)};
    attribute.fixed_width = column->attlen > 0;
    attribute.alignment = column->attalign;
    attribute.orderable = OidIsValid(default_btree_order(column->atttypid).family);
    attribute.width = attribute.fixed_width ? column->attlen
                                            : get_typavgwidth(column->atttypid, column->atttypmod);
    attribute.distinct = column->atttypid == BOOLOID ? 2 : default_distinct;
    HeapTuple tuple = find_statistics(relation, facts, column->attnum, attribute.name);
    if (HeapTupleIsValid(tuple)) {
        read_statistics(tuple, &attribute);
        ReleaseSysCache(tuple);
    }
    return attribute;
}

// Of no use but to candidates, and dear: asked only where a BRIN index could be worth anything.
void find_summarizable(::Relation relation, CollectedRelation *result) {
    for (int i = 0; i < result->attribute_count; i++) {
        CollectedAttribute &attribute = result->attributes[i];
        if (std::abs(attribute.correlation) > 0.5)
            attribute.summarizable = has_default_minmax(
                TupleDescAttr(RelationGetDescr(relation), attribute.number - 1)->atttypid);
    }
}

bool is_wanted(AttrNumber number, const std::set<AttributeNumber> *wanted) {
    return wanted == nullptr || wanted->contains(number);
}

void collect_attributes(::Relation relation, const std::set<AttributeNumber> *wanted,
                        CollectedRelation *result) {
    TupleDesc descriptor = RelationGetDescr(relation);
    result->attributes = static_cast<CollectedAttribute *>(
        palloc0(sizeof(CollectedAttribute) * std::max(descriptor->natts, 1)));
    for (int i = 0; i < descriptor->natts; i++) {
        Form_pg_attribute column = TupleDescAttr(descriptor, i);
        if (!column->attisdropped && is_wanted(column->attnum, wanted))
            result->attributes[result->attribute_count++] =
                collect_attribute(relation, *result, column);
    }
}

// ---- Indexes ------------------------------------------------------------------------------------

double bytes_of_index(::Relation index) {
    if (index->rd_rel->relkind != RELKIND_PARTITIONED_INDEX)
        return static_cast<double>(RelationGetNumberOfBlocks(index)) * BLCKSZ;
    double bytes = 0;
    ListCell *cell;
    foreach (cell, find_all_inheritors(RelationGetRelid(index), AccessShareLock, nullptr)) {
        ::Relation child = relation_open(lfirst_oid(cell), NoLock);
        if (child->rd_rel->relkind == RELKIND_INDEX)
            bytes += static_cast<double>(RelationGetNumberOfBlocks(child)) * BLCKSZ;
        relation_close(child, NoLock);
    }
    return bytes;
}

void collect_indexes(::Relation relation, CollectedRelation *result) {
    ListCell *cell;
    foreach (cell, RelationGetIndexList(relation)) {
        ::Relation index = relation_open(lfirst_oid(cell), AccessShareLock);
        CollectedExistingIndex existing{.oid = RelationGetRelid(index)};
        if (collect_index(index, &existing.definition)) {
            Form_pg_index form = index->rd_index;
            existing.bytes = bytes_of_index(index);
            existing.valid = form->indisvalid && form->indisready && form->indislive;
            existing.must_stay = form->indisprimary || form->indisunique || form->indisexclusion ||
                                 form->indisreplident || form->indisclustered;
            auto *copy = static_cast<CollectedExistingIndex *>(palloc(sizeof existing));
            *copy = existing;
            result->indexes = lappend(result->indexes, copy);
        }
        relation_close(index, NoLock);
    }
}

CollectedRelation collect(Oid relid, bool for_candidates, const std::set<AttributeNumber> *wanted) {
    ::Relation relation = try_relation_open(relid, AccessShareLock);
    if (relation == nullptr)
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
                        errmsg("relation with OID %u does not exist", relid)));
    check_kind(relation);
    CollectedRelation result{
        .name = qualified_name(RelationGetNamespace(relation), RelationGetRelationName(relation))};
    collect_leaves(relation, &result);
    collect_attributes(relation, wanted, &result);
    if (for_candidates) {
        find_summarizable(relation, &result);
        collect_indexes(relation, &result);
    }
    for (int i = 0; i < result.attribute_count; i++)
        result.attributes[i].name = pstrdup(result.attributes[i].name);
    relation_close(relation, NoLock);
    return result;
}

// ---- In core's terms ----------------------------------------------------------------------------

Attribute to_attribute(const CollectedAttribute &from) {
    return {.number = from.number,
            .name = from.name,
            .average_width = from.width,
            .distinct = from.distinct,
            .null_fraction = from.null_fraction,
            .correlation = from.correlation,
            .mcv_frequencies = {from.mcv_frequencies, from.mcv_frequencies + from.mcv_count},
            .alignment = bytes_of_alignment(from.alignment),
            .fixed_width = from.fixed_width,
            .orderable = from.orderable,
            .summarizable = from.summarizable};
}

ExistingIndex to_index(const CollectedExistingIndex &from) {
    return {.id = from.oid,
            .definition = to_definition(from.definition),
            .bytes = from.bytes,
            .valid = from.valid,
            .must_stay = from.must_stay};
}

Relation read(Oid relid, bool for_candidates, const std::set<AttributeNumber> *wanted) {
    ScratchContext scratch;
    CollectedRelation from =
        scratch.call_server([&] { return collect(relid, for_candidates, wanted); });

    Relation relation{.id = relid,
                      .name = from.name,
                      .tuples = from.tuples,
                      .pages = from.pages,
                      .all_visible_fraction = from.pages > 0 ? from.visible_pages / from.pages : 0,
                      .inserted = from.inserted,
                      .updated = from.updated,
                      .hot_updated = from.hot_updated,
                      .deleted = from.deleted};
    for (int i = 0; i < from.attribute_count; i++)
        relation.attributes.push_back(to_attribute(from.attributes[i]));
    ListCell *cell;
    foreach (cell, from.indexes)
        relation.indexes.push_back(to_index(*static_cast<CollectedExistingIndex *>(lfirst(cell))));
    return relation;
}

} // namespace

Relation read_relation(Oid relid) {
    return read(relid, true, nullptr);
}

Relation read_columns(Oid relid) {
    return read(relid, false, nullptr);
}

Relation read_columns(Oid relid, const std::set<AttributeNumber> &wanted) {
    return read(relid, false, &wanted);
}

} // namespace triage
