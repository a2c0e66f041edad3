#include "pg/catalog_index.h"

#include "pg/canonical_sql.h"
#include "pg/operator_class.h"

PG_HEADERS_BEGIN
#include "catalog/pg_am_d.h"
#include "catalog/pg_index.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
PG_HEADERS_END

namespace triage {
namespace {

bool method_of(Oid am, IndexMethod *method) {
    switch (am) {
    case BTREE_AM_OID:
        *method = IndexMethod::Btree;
        return true;
    case GIN_AM_OID:
        *method = IndexMethod::Gin;
        return true;
    case BRIN_AM_OID:
        *method = IndexMethod::Brin;
        return true;
    default:
        return false;
    }
}

CollectedKey collect_key(::Relation index, int place, Oid relid, ListCell **next_expression,
                         List *expressions) {
    CollectedKey key{.attribute = index->rd_index->indkey.values[place]};
    Oid type, own_collation;
    if (key.attribute != 0) {
        int32 typmod;
        get_atttypetypmodcoll(relid, key.attribute, &type, &typmod, &own_collation);
    } else {
        auto *expression = static_cast<Node *>(lfirst(*next_expression));
        *next_expression = lnext(expressions, *next_expression);
        key.expression = canonical_expression_text(expression, relid);
        type = exprType(expression);
        own_collation = exprCollation(expression);
    }
    key.opclass = opclass_text(
        get_index_column_opclass(RelationGetRelid(index), static_cast<int>(place + 1)), type);
    if (index->rd_indcollation[place] != own_collation)
        key.collation = index->rd_indcollation[place];
    int16 option = index->rd_indoption[place];
    key.descending = option & INDOPTION_DESC;
    key.nulls_first = option & INDOPTION_NULLS_FIRST;
    return key;
}

} // namespace

List *collect_conditions(List *implicit_and, Oid relid) {
    List *texts = NIL;
    ListCell *cell;
    foreach (cell, implicit_and)
        texts = lappend(texts, canonical_condition_text(static_cast<Node *>(lfirst(cell)), relid));
    return texts;
}

bool collect_index(::Relation index, CollectedIndex *result) {
    Form_pg_index form = index->rd_index;
    *result = CollectedIndex{.relid = form->indrelid, .unique = form->indisunique};
    if (!method_of(index->rd_rel->relam, &result->method))
        return false;
    List *expressions = RelationGetIndexExpressions(index);
    ListCell *next_expression = list_head(expressions);
    result->key_count = form->indnkeyatts;
    result->keys = static_cast<CollectedKey *>(palloc(sizeof(CollectedKey) * form->indnkeyatts));
    for (int i = 0; i < form->indnkeyatts; i++)
        result->keys[i] = collect_key(index, i, form->indrelid, &next_expression, expressions);
    for (int i = form->indnkeyatts; i < form->indnatts; i++)
        result->include = lappend_int(result->include, form->indkey.values[i]);
    result->predicate = collect_conditions(RelationGetIndexPredicate(index), form->indrelid);
    return true;
}

IndexDefinition to_definition(const CollectedIndex &index) {
    IndexDefinition definition{
        .relation = index.relid, .method = index.method, .unique = index.unique};
    for (int i = 0; i < index.key_count; i++) {
        const CollectedKey &key = index.keys[i];
        definition.keys.push_back({.key = {key.attribute, key.expression ? key.expression : ""},
                                   .descending = key.descending,
                                   .nulls_first = key.nulls_first,
                                   .opclass = key.opclass ? key.opclass : "",
                                   .collation = key.collation});
    }
    ListCell *cell;
    foreach (cell, index.include) {
        auto column = static_cast<AttributeNumber>(lfirst_int(cell));
        bool is_key = std::any_of(definition.keys.begin(), definition.keys.end(),
                                  [&](const KeyColumn &k) { return k.key.attribute == column; });
        if (!is_key)
            definition.include.push_back(column);
    }
    foreach (cell, index.predicate)
        definition.predicate.emplace_back(static_cast<const char *>(lfirst(cell)));
    auto sort = [](auto &values) {
        std::sort(values.begin(), values.end());
        values.erase(std::unique(values.begin(), values.end()), values.end());
    };
    sort(definition.include);
    sort(definition.predicate);
    return definition;
}

} // namespace triage
