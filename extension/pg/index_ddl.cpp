#include "pg/index_ddl.h"

#include "pg/catalog_index.h"
#include "pg/error_position.h"
#include "pg/guard.h"
#include "pg/operator_class.h"
#include "pg/scratch.h"

PG_HEADERS_BEGIN
#include "access/amapi.h"
#include "access/nbtree.h"
#include "access/reloptions.h"
#include "access/relation.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_collation.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_type.h"
#include "parser/parse_utilcmd.h"
#include "parser/parser.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/syscache.h"
PG_HEADERS_END

namespace triage {
namespace {

// ---- Reading ------------------------------------------------------------------------------------

// What parse_index_statement collects before any C++ object is made of it.
struct CollectedStatement {
    CollectedIndex index;
    const char *name; // null if the statement gives none
    double fill_factor;
    bool deduplicate, concurrently, if_not_exists;
};

IndexStmt *parse_statement(const char *ddl) {
    List *statements = raw_parser(ddl, RAW_PARSE_DEFAULT);
    if (list_length(statements) > 1)
        ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("more than one statement given"),
                        errhint("Give each CREATE INDEX on its own.")));
    Node *statement = statements == NIL ? nullptr : linitial_node(RawStmt, statements)->stmt;
    if (statement == nullptr || !IsA(statement, IndexStmt))
        ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("not a CREATE INDEX statement"),
                        errhint("Write the index as CREATE INDEX ON table (columns).")));
    return castNode(IndexStmt, statement);
}

void check_relation(::Relation relation, const IndexStmt *stmt) {
    const char *name = RelationGetRelationName(relation);
    char kind = relation->rd_rel->relkind;
    if (IsSystemRelation(relation))
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("permission denied: \"%s\" is a system catalog", name)));
    if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE && kind != RELKIND_MATVIEW)
        ereport(
            ERROR,
            (errcode(ERRCODE_WRONG_OBJECT_TYPE),
             errmsg("cannot create index on relation \"%s\"", name),
             kind == RELKIND_VIEW
                 ? errhint("A view has no rows of its own; index the tables that it reads.")
             : kind == RELKIND_FOREIGN_TABLE
                 ? errhint("Create the index on the server that holds the rows.")
                 : errhint("Tables, partitioned tables and materialized views can have indexes.")));
    if (RELATION_IS_OTHER_TEMP(relation))
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("cannot create indexes on temporary tables of other sessions")));
    if (kind == RELKIND_PARTITIONED_TABLE && !stmt->relation->inh)
        ereport(
            ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
             errmsg("cannot judge an index on ONLY a partitioned table"),
             errhint(
                 "Such an index serves no query until every partition has one; leave out ONLY.")));
}

IndexMethod method_of(const IndexStmt *stmt) {
    switch (get_index_am_oid(stmt->accessMethod, false)) { // raises if there is no such method
    case BTREE_AM_OID:
        return IndexMethod::Btree;
    case GIN_AM_OID:
        return IndexMethod::Gin;
    case BRIN_AM_OID:
        return IndexMethod::Brin;
    default:
        ereport(ERROR,
                (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                 errmsg("access method \"%s\" is not supported", stmt->accessMethod),
                 errdetail("Only B-tree, GIN and BRIN indexes can be judged before they exist.")));
        pg_unreachable();
    }
}

// As CREATE INDEX does, of what only a B-tree has.
void check_options(const IndexStmt *stmt, IndexMethod method) {
    if (method == IndexMethod::Btree)
        return;
    auto refuse = [&](const char *what) {
        ereport(ERROR,
                (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                 errmsg("access method \"%s\" does not support %s", stmt->accessMethod, what)));
    };
    if (stmt->unique)
        refuse("unique indexes");
    if (stmt->indexIncludingParams != NIL)
        refuse("included columns");
    ListCell *cell;
    foreach (cell, stmt->indexParams) {
        auto *element = lfirst_node(IndexElem, cell);
        if (element->ordering != SORTBY_DEFAULT)
            refuse("ASC/DESC options");
        if (element->nulls_ordering != SORTBY_NULLS_DEFAULT)
            refuse("NULLS FIRST/LAST options");
        if (element->opclassopts != NIL)
            ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                            errmsg("options of operator classes are not supported")));
    }
}

bool is_mutable(Node *expression) {
    auto *planned = expression_planner(static_cast<Expr *>(copyObjectImpl(expression)));
    return contain_mutable_functions(reinterpret_cast<Node *>(planned));
}

AttrNumber column_number(::Relation relation, const char *name) {
    AttrNumber number = get_attnum(RelationGetRelid(relation), name);
    if (number == InvalidAttrNumber)
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                        errmsg("column \"%s\" of relation \"%s\" does not exist", name,
                               RelationGetRelationName(relation))));
    if (number < 0)
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("index creation on system columns is not supported")));
    return number;
}

// The plain column that an expression amounts to, or 0.
AttrNumber plain_column(Node *expression) {
    while (IsA(expression, CollateExpr))
        expression = reinterpret_cast<Node *>(castNode(CollateExpr, expression)->arg);
    return IsA(expression, Var) && castNode(Var, expression)->varattno > 0
               ? castNode(Var, expression)->varattno
               : 0;
}

CollectedKey collect_key(::Relation relation, IndexElem *element, const char *method_name,
                         IndexMethod method) {
    CollectedKey key{};
    Oid type, own_collation, collation;
    if (element->name != nullptr) {
        key.attribute = column_number(relation, element->name);
    } else {
        key.attribute = plain_column(element->expr);
        if (key.attribute == 0 && is_mutable(element->expr))
            ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
                            errmsg("functions in index expression must be marked IMMUTABLE")));
    }
    if (key.attribute != 0) {
        int32 typmod;
        get_atttypetypmodcoll(RelationGetRelid(relation), key.attribute, &type, &typmod,
                              &own_collation);
        collation = element->expr ? exprCollation(element->expr) : own_collation;
    } else {
        key.expression = canonical_expression_text(element->expr, RelationGetRelid(relation));
        type = exprType(element->expr);
        collation = own_collation = exprCollation(element->expr);
    }
    if (element->collation != NIL)
        collation = get_collation_oid(element->collation, false);
    if (!type_is_collatable(type) && OidIsValid(collation))
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                        errmsg("collations are not supported by type %s", format_type_be(type))));
    if (type_is_collatable(type) && !OidIsValid(collation))
        ereport(ERROR, (errcode(ERRCODE_INDETERMINATE_COLLATION),
                        errmsg("could not determine which collation to use for index expression"),
                        errhint("Use the COLLATE clause to set the collation explicitly.")));
    if (collation != own_collation)
        key.collation = collation;
    const Oid am = access_method(method);
    if (element->opclass != NIL)
        key.opclass = opclass_text(ResolveOpClass(element->opclass, type, method_name, am), type);
    index_type(element->opclass, type, am); // raises if the type has none
    key.descending = element->ordering == SORTBY_DESC;
    key.nulls_first = element->nulls_ordering == SORTBY_NULLS_FIRST ||
                      (element->nulls_ordering == SORTBY_NULLS_DEFAULT && key.descending);
    return key;
}

void collect_keys(::Relation relation, const IndexStmt *stmt, CollectedIndex *index) {
    int columns = list_length(stmt->indexParams) + list_length(stmt->indexIncludingParams);
    if (columns > INDEX_MAX_KEYS)
        ereport(ERROR, (errcode(ERRCODE_TOO_MANY_COLUMNS),
                        errmsg("cannot use more than %d columns in an index", INDEX_MAX_KEYS)));
    index->keys =
        static_cast<CollectedKey *>(palloc(sizeof(CollectedKey) * list_length(stmt->indexParams)));
    ListCell *cell;
    foreach (cell, stmt->indexParams)
        index->keys[index->key_count++] =
            collect_key(relation, lfirst_node(IndexElem, cell), stmt->accessMethod, index->method);
    foreach (cell, stmt->indexIncludingParams) {
        auto *element = lfirst_node(IndexElem, cell);
        if (element->name == nullptr)
            ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                            errmsg("expressions are not supported in included columns")));
        index->include = lappend_int(index->include, column_number(relation, element->name));
    }
}

void collect_predicate(const IndexStmt *stmt, CollectedIndex *index) {
    if (stmt->whereClause == nullptr)
        return;
    if (is_mutable(stmt->whereClause))
        ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
                        errmsg("functions in index predicate must be marked IMMUTABLE")));
    Node *clause = eval_const_expressions(nullptr, stmt->whereClause);
    Expr *canonical = canonicalize_qual(reinterpret_cast<Expr *>(clause), false);
    index->predicate = collect_conditions(make_ands_implicit(canonical), index->relid);
}

void collect_storage_parameters(const IndexStmt *stmt, CollectedStatement *result) {
    result->fill_factor = BTREE_DEFAULT_FILLFACTOR;
    result->deduplicate = true;
    if (stmt->options == NIL)
        return;
    Datum options = transformRelOptions(0, stmt->options, nullptr, nullptr, false, false);
    if (result->index.method != IndexMethod::Btree) {
        const Oid am = access_method(result->index.method);
        index_reloptions(GetIndexAmRoutineByAmId(am, false)->amoptions, options, true);
        ListCell *cell;
        foreach (cell, stmt->options)
            if (strcmp(lfirst_node(DefElem, cell)->defname, "pages_per_range") == 0)
                ereport(ERROR,
                        (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                         errmsg("storage parameter \"pages_per_range\" is not supported"),
                         errdetail("The planner judges a BRIN index that does not exist by the "
                                   "default of that parameter.")));
        return;
    }
    auto *parsed = reinterpret_cast<BTOptions *>(btoptions(options, true));
    if (parsed != nullptr) {
        result->fill_factor = parsed->fillfactor;
        result->deduplicate = parsed->deduplicate_items;
    }
}

// Whether there is anything that only parse analysis understands.
bool has_expressions(const IndexStmt *stmt) {
    if (stmt->whereClause != nullptr)
        return true;
    ListCell *cell;
    foreach (cell, stmt->indexParams)
        if (lfirst_node(IndexElem, cell)->expr != nullptr)
            return true;
    return false;
}

CollectedStatement collect_statement(const char *ddl) {
    ErrorContextCallback callback;
    enter_given_statement(&callback);
    IndexStmt *stmt = parse_statement(ddl);
    const IndexMethod method = method_of(stmt);
    check_options(stmt, method);
    Oid relid = RangeVarGetRelid(stmt->relation, AccessShareLock, false);
    ::Relation relation = relation_open(relid, NoLock);
    check_relation(relation, stmt);
    if (has_expressions(stmt))
        stmt = transformIndexStmt(relid, stmt, ddl);

    CollectedStatement result{.index = {.relid = relid, .method = method}};
    result.index.unique = stmt->unique;
    collect_keys(relation, stmt, &result.index);
    collect_predicate(stmt, &result.index);
    collect_storage_parameters(stmt, &result);
    result.name = stmt->idxname;
    result.concurrently = stmt->concurrent;
    result.if_not_exists = stmt->if_not_exists;
    relation_close(relation, NoLock);
    leave_given_statement(&callback);
    return result;
}

// ---- Writing ------------------------------------------------------------------------------------

std::string quoted(const std::string &identifier) {
    return call_server([&] { return quote_identifier(identifier.c_str()); });
}

std::string column_name(const Relation &relation, AttributeNumber number) {
    for (const Attribute &attribute : relation.attributes)
        if (attribute.number == number)
            return attribute.name;
    throw SqlError(ERRCODE_UNDEFINED_COLUMN, "column " + std::to_string(number) + " of relation " +
                                                 relation.name + " does not exist");
}

std::string collation_name(Oid collation) {
    ScratchContext scratch;
    const char *name = scratch.call_server([&]() -> const char * {
        HeapTuple tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
        if (!HeapTupleIsValid(tuple))
            ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                            errmsg("collation with OID %u does not exist", collation)));
        auto *form = reinterpret_cast<Form_pg_collation>(GETSTRUCT(tuple));
        char *text = qualified_name(form->collnamespace, NameStr(form->collname));
        ReleaseSysCache(tuple);
        return text;
    });
    return name;
}

std::string key_ddl(const KeyColumn &key, const Relation &relation, bool ordered) {
    std::string ddl = key.key.attribute != 0 ? quoted(column_name(relation, key.key.attribute))
                                             : "(" + key.key.expression + ")";
    if (key.collation != 0)
        ddl += " COLLATE " + collation_name(key.collation);
    if (!key.opclass.empty())
        ddl += " " + key.opclass;
    if (!ordered)
        return ddl;
    if (key.descending)
        ddl += " DESC";
    if (key.nulls_first != key.descending)
        ddl += key.nulls_first ? " NULLS FIRST" : " NULLS LAST";
    return ddl;
}

const char *method_name(IndexMethod method) {
    switch (method) {
    case IndexMethod::Gin:
        return "gin";
    case IndexMethod::Brin:
        return "brin";
    case IndexMethod::Btree:
        break;
    }
    return "btree";
}

// ---- Privileges ---------------------------------------------------------------------------------

bool may_read_columns(Oid relid, List *columns) {
    if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
        return true;
    ListCell *cell;
    foreach (cell, columns)
        if (pg_attribute_aclcheck(relid, static_cast<AttrNumber>(lfirst_int(cell)), GetUserId(),
                                  ACL_SELECT) != ACLCHECK_OK)
            return false;
    return columns != NIL;
}

} // namespace

IndexStatement parse_index_statement(const char *ddl) {
    ScratchContext scratch;
    CollectedStatement collected = scratch.call_server([&] { return collect_statement(ddl); });
    return {.definition = to_definition(collected.index),
            .name = collected.name ? collected.name : "",
            .fill_factor = collected.fill_factor,
            .deduplicate = collected.deduplicate,
            .concurrently = collected.concurrently,
            .if_not_exists = collected.if_not_exists};
}

IndexDefinition parse_index_ddl(const char *ddl) {
    return parse_index_statement(ddl).definition;
}

std::string create_index_ddl(const IndexDefinition &definition, const Relation &relation,
                             const std::string &index_name) {
    std::string keys, include, predicate;
    auto append = [](std::string &list, const char *separator, const std::string &item) {
        list += (list.empty() ? "" : separator) + item;
    };
    bool ordered = definition.method == IndexMethod::Btree;
    for (const KeyColumn &key : definition.keys)
        append(keys, ", ", key_ddl(key, relation, ordered));
    for (AttributeNumber column : definition.include)
        append(include, ", ", quoted(column_name(relation, column)));
    for (const std::string &condition : definition.predicate)
        append(predicate, " AND ", condition);

    std::string ddl = std::string("CREATE ") + (definition.unique ? "UNIQUE " : "") +
                      "INDEX CONCURRENTLY " + quoted(index_name) + " ON " + relation.name +
                      " USING " + method_name(definition.method) + " (" + keys + ")";
    if (!include.empty())
        ddl += " INCLUDE (" + include + ")";
    if (!predicate.empty())
        ddl += " WHERE " + predicate;
    return ddl;
}

void check_may_read(const IndexDefinition &definition) {
    // Conditions and expressions are text; whoever has them needs the whole table.
    bool only_columns = definition.predicate.empty();
    for (const KeyColumn &key : definition.keys)
        only_columns &= key.key.attribute != 0;
    call_server([&] {
        List *columns = NIL;
        if (only_columns) {
            for (const KeyColumn &key : definition.keys)
                columns = lappend_int(columns, key.key.attribute);
            for (AttributeNumber column : definition.include)
                columns = lappend_int(columns, column);
        }
        if (!may_read_columns(definition.relation, columns))
            aclcheck_error(ACLCHECK_NO_PRIV,
                           get_relkind_objtype(get_rel_relkind(definition.relation)),
                           get_rel_name(definition.relation));
        if (check_enable_rls(definition.relation, InvalidOid, true) == RLS_ENABLED)
            ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                            errmsg("row-level security hides rows of table \"%s\"",
                                   get_rel_name(definition.relation)),
                            errhint("Ask a user who may read all of its rows.")));
    });
}

} // namespace triage
