#include "pg/index_request.h"

#include "pg/compat.h"
#include "pg/error_position.h"
#include "pg/guc.h"
#include "pg/predicate_rule.h"

PG_HEADERS_BEGIN
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/reloptions.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_proc.h"
#include "commands/defrem.h"
#include "commands/tablespace.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_utilcmd.h"
#include "parser/parser.h"
#include "storage/bufmgr.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"
PG_HEADERS_END

namespace triage {

namespace {

// What call_server brings back: plain data in the memory of the caller.
struct Collected {
    Oid relation, schema_oid, tablespace;
    const char *schema, *table, *name, *key_names, *body, *identity;
    bool unique, if_not_exists, partitioned, expressions;
};

[[noreturn]] void refuse(int sqlstate, const char *message, const char *detail, const char *hint) {
    ereport(ERROR, (errcode(sqlstate), errmsg("%s", message), detail ? errdetail("%s", detail) : 0,
                    hint ? errhint("%s", hint) : 0));
    pg_unreachable();
}

IndexStmt *parse(const char *ddl) {
    List *statements = pg_parse_query(ddl);
    if (list_length(statements) != 1)
        refuse(ERRCODE_SYNTAX_ERROR, "exactly one CREATE INDEX statement is expected", nullptr,
               nullptr);
    Node *statement = castNode(RawStmt, linitial(statements))->stmt;
    if (!IsA(statement, IndexStmt))
        refuse(ERRCODE_WRONG_OBJECT_TYPE, "statement is not a CREATE INDEX", nullptr,
               "Pass a complete CREATE INDEX statement.");
    return castNode(IndexStmt, statement);
}

// Locks the relation against being changed in shape while its index is read.
Oid find_relation(IndexStmt *statement) {
    const Oid relation =
        RangeVarGetRelidExtended(statement->relation, AccessShareLock, 0, nullptr, nullptr);
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
    if (!HeapTupleIsValid(tuple))
        elog(ERROR, "cache lookup failed for relation %u", relation);
    auto form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
    const char *name = pstrdup(NameStr(form->relname));
    const bool can_have_indexes = form->relkind == RELKIND_RELATION ||
                                  form->relkind == RELKIND_MATVIEW ||
                                  form->relkind == RELKIND_PARTITIONED_TABLE;
    const bool temporary = form->relpersistence == RELPERSISTENCE_TEMP;
    ReleaseSysCache(tuple);
    if (!can_have_indexes)
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                        errmsg("cannot create an index on \"%s\"", name),
                        errdetail("Only tables, partitioned tables and materialized views can have "
                                  "indexes that pg_triage builds.")));
    if (temporary)
        ereport(ERROR,
                (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                 errmsg("cannot build an index on temporary table \"%s\" in the background", name),
                 errdetail("Other sessions cannot see a temporary table."),
                 errhint("Use CREATE INDEX in the session that owns the table.")));
    if (IsCatalogRelationOid(relation))
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("cannot create an index on system catalog \"%s\"", name)));
    return relation;
}

// From here on names are deparsed with their schema unless they are pg_catalog's.
void narrow_search_path() {
    set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
                      GUC_ACTION_SAVE, true, 0, false);
}

void append_options(StringInfo out, List *options, const char *beginning) {
    ListCell *cell;
    const char *separator = beginning;
    foreach (cell, options) {
        auto *option = lfirst_node(DefElem, cell);
        appendStringInfo(out, "%s%s", separator, quote_identifier(option->defname));
        if (option->arg)
            appendStringInfo(out, " = %s", quote_literal_cstr(defGetString(option)));
        separator = ", ";
    }
    if (options != NIL)
        appendStringInfoChar(out, ')');
}

char *opclass_name(Oid opclass) {
    HeapTuple tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));
    if (!HeapTupleIsValid(tuple))
        elog(ERROR, "cache lookup failed for operator class %u", opclass);
    auto form = reinterpret_cast<Form_pg_opclass>(GETSTRUCT(tuple));
    char *name =
        quote_qualified_identifier(get_namespace_name(form->opcnamespace), NameStr(form->opcname));
    ReleaseSysCache(tuple);
    return name;
}

// Operator class and collation as OIDs (InvalidOid: the default), looked up under the caller's
// path.
struct ElementNames {
    Oid collation, opclass;
};

Oid type_of(const IndexElem *element, Oid relation, Oid *collation) {
    if (element->expr) {
        *collation = exprCollation(element->expr);
        return exprType(element->expr);
    }
    const AttrNumber attribute = get_attnum(relation, element->name);
    if (attribute == InvalidAttrNumber)
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                        errmsg("column \"%s\" does not exist", element->name)));
    Oid type;
    int32 modifier;
    get_atttypetypmodcoll(relation, attribute, &type, &modifier, collation);
    return type;
}

ElementNames look_up(const IndexElem *element, Oid relation, Oid method, const char *method_name) {
    ElementNames names = {InvalidOid, InvalidOid};
    Oid own_collation;
    const Oid type = type_of(element, relation, &own_collation);
    if (element->collation) {
        const Oid collation = get_collation_oid(element->collation, false);
        if (collation != own_collation)
            names.collation = collation;
    }
    // Without a name this raises for types that the method cannot order or hash, as the build
    // would.
    const Oid opclass = ResolveOpClass(element->opclass, type, method_name, method);
    if (opclass != GetDefaultOpClass(type, method))
        names.opclass = opclass;
    return names;
}

void append_element(StringInfo out, IndexElem *element, const ElementNames &names, List *context) {
    if (element->expr)
        appendStringInfo(out, "(%s)", deparse_expression(element->expr, context, false, false));
    else
        appendStringInfoString(out, quote_identifier(element->name));
    if (OidIsValid(names.collation))
        appendStringInfo(out, " COLLATE %s", generate_collation_name(names.collation));
    if (OidIsValid(names.opclass) || element->opclassopts != NIL) {
        if (OidIsValid(names.opclass))
            appendStringInfo(out, " %s", opclass_name(names.opclass));
        append_options(out, element->opclassopts, " (");
    }
    const bool descending = element->ordering == SORTBY_DESC;
    if (descending)
        appendStringInfoString(out, " DESC");
    if (element->nulls_ordering == SORTBY_NULLS_FIRST && !descending)
        appendStringInfoString(out, " NULLS FIRST");
    if (element->nulls_ordering == SORTBY_NULLS_LAST && descending)
        appendStringInfoString(out, " NULLS LAST");
}

void append_elements(StringInfo out, List *elements, const ElementNames *names, List *context) {
    ListCell *cell;
    int i = 0;
    foreach (cell, elements) {
        appendStringInfoString(out, i == 0 ? "(" : ", ");
        append_element(out, lfirst_node(IndexElem, cell), names[i++], context);
    }
    appendStringInfoChar(out, ')');
}

const char *key_names_of(const IndexStmt *statement) {
    StringInfoData names;
    initStringInfo(&names);
    ListCell *cell;
    foreach (cell, statement->indexParams) {
        const auto *element = lfirst_node(IndexElem, cell);
        appendStringInfo(&names, "%s%s", names.len ? "_" : "",
                         element->name ? element->name : "expr");
    }
    return names.data;
}

Oid method_of(const IndexStmt *statement) {
    const Oid method = get_index_am_oid(statement->accessMethod, true);
    if (!OidIsValid(method))
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                        errmsg("access method \"%s\" does not exist", statement->accessMethod)));
    return method;
}

RangeVar *range_var_of(Oid relation) {
    const char *name = get_rel_name(relation);
    if (name == nullptr)
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
                        errmsg("the table of the index does not exist any more")));
    return makeRangeVar(get_namespace_name(get_rel_namespace(relation)), pstrdup(name), -1);
}

// `relation`: the one to read it for; InvalidOid: the one that it names.
Collected collect(const char *ddl, StatementOrigin origin, Oid relation) {
    IndexStmt *raw = parse(ddl);
    if (OidIsValid(relation))
        raw->relation = range_var_of(relation);
    Collected result = {};
    result.relation = find_relation(raw);
    result.schema_oid = get_rel_namespace(result.relation);
    result.schema = get_namespace_name(result.schema_oid);
    result.table = get_rel_name(result.relation);
    result.partitioned = get_rel_relkind(result.relation) == RELKIND_PARTITIONED_TABLE;
    if (origin == StatementOrigin::Given && !raw->relation->inh && result.partitioned)
        refuse(ERRCODE_FEATURE_NOT_SUPPORTED, "cannot build an index on only a partitioned table",
               "Such an index stays invalid until every partition has one.",
               "Leave out ONLY: the partitions are built one by one.");
    result.name = raw->idxname ? raw->idxname : "";
    result.if_not_exists = raw->if_not_exists;
    result.unique = raw->unique;

    IndexStmt *statement = transformIndexStmt(result.relation, raw, ddl);
    const Oid method = method_of(statement);
    result.tablespace = statement->tableSpace
                            ? get_tablespace_oid(statement->tableSpace, false)
                            : GetDefaultTablespace(RELPERSISTENCE_PERMANENT, result.partitioned);
    result.key_names = key_names_of(statement);
    result.expressions = statement->whereClause != nullptr;

    List *all = list_concat_copy(statement->indexParams, statement->indexIncludingParams);
    const int keys = list_length(statement->indexParams);
    auto *names = static_cast<ElementNames *>(palloc0(sizeof(ElementNames) * list_length(all)));
    for (int i = 0; i < list_length(all); i++) {
        const auto *element = list_nth_node(IndexElem, all, i);
        result.expressions = result.expressions || element->expr != nullptr;
        Oid ignored;
        if (i < keys)
            names[i] = look_up(element, result.relation, method, statement->accessMethod);
        else
            (void)type_of(element, result.relation, &ignored);
    }

    const int level = NewGUCNestLevel();
    narrow_search_path();
    List *context = deparse_context_for(result.table, result.relation);
    StringInfoData body;
    initStringInfo(&body);
    appendStringInfo(&body, "USING %s ", quote_identifier(statement->accessMethod));
    append_elements(&body, statement->indexParams, names, context);
    if (statement->indexIncludingParams != NIL) {
        appendStringInfoString(&body, " INCLUDE ");
        append_elements(&body, statement->indexIncludingParams, names + keys, context);
    }
    if (statement->nulls_not_distinct)
        appendStringInfoString(&body, " NULLS NOT DISTINCT");
    const char *predicate = statement->whereClause
                                ? psprintf(" WHERE %s", deparse_expression(statement->whereClause,
                                                                           context, false, false))
                                : "";
    result.identity = psprintf("%s%s%s", statement->unique ? "UNIQUE " : "", body.data, predicate);
    append_options(&body, statement->options, " WITH (");
    if (statement->tableSpace)
        appendStringInfo(&body, " TABLESPACE %s", quote_identifier(statement->tableSpace));
    appendStringInfoString(&body, predicate);
    AtEOXact_GUC(true, level);
    result.body = body.data;
    return result;
}

// Keys that are no columns, and the predicate.
List *expressions_of(const IndexStmt *statement) {
    List *expressions = NIL;
    ListCell *cell;
    foreach (cell, statement->indexParams)
        if (Node *expression = lfirst_node(IndexElem, cell)->expr)
            expressions = lappend(expressions, expression);
    return statement->whereClause ? lappend(expressions, statement->whereClause) : expressions;
}

struct TrustCheck {
    Oid owner;    // of the table
    Oid offender; // the first function that is not trusted
};

bool find_untrusted_function(Oid function, void *argument) {
    auto *check = static_cast<TrustCheck *>(argument);
    HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(tuple))
        elog(ERROR, "cache lookup failed for function %u", function);
    const Oid owner = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple))->proowner;
    ReleaseSysCache(tuple);
    if (superuser_arg(owner) || has_privs_of_role(owner, check->owner))
        return false;
    check->offender = function;
    return true;
}

bool walk_functions(Node *node, void *argument) {
    if (node == nullptr)
        return false;
    if (check_functions_in_node(node, find_untrusted_function, argument))
        return true;
    return walk_expression(node, walk_functions, argument);
}

void check_trust(const char *ddl) {
    IndexStmt *raw = parse(ddl);
    TrustCheck check = {InvalidOid, InvalidOid};
    const Oid relation = find_relation(raw);
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
    if (!HeapTupleIsValid(tuple))
        elog(ERROR, "cache lookup failed for relation %u", relation);
    check.owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
    ReleaseSysCache(tuple);

    IndexStmt *statement = transformIndexStmt(relation, raw, ddl);
    if (walk_functions(reinterpret_cast<Node *>(expressions_of(statement)), &check))
        ereport(
            ERROR,
            (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
             errmsg("index would run function %s with the rights of the table's owner",
                    format_procedure(check.offender)),
             errdetail("Neither a superuser nor the table's owner owns the function."),
             errhint("Let the table's owner call triage.ensure_index() if it is meant to be.")));
}

bool has_rows(Oid relation) {
    ListCell *cell;
    bool found = false;
    foreach (cell, find_all_inheritors(relation, AccessShareLock, nullptr)) {
        ::Relation leaf = relation_open(lfirst_oid(cell), NoLock);
        found = found ||
                (RELKIND_HAS_STORAGE(leaf->rd_rel->relkind) && RelationGetNumberOfBlocks(leaf) > 0);
        relation_close(leaf, NoLock);
    }
    return found;
}

void check_values(const char *ddl, const char *hint) {
    IndexStmt *raw = parse(ddl);
    const Oid relation = find_relation(raw);
    if (!has_rows(relation))
        return;
    IndexStmt *statement = transformIndexStmt(relation, raw, ddl);
    bool found = false;
    ListCell *cell;
    foreach (cell, expressions_of(statement))
        found = found || names_private_value(static_cast<Node *>(lfirst(cell)), relation);
    if (found)
        ereport(
            ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
             errmsg("definition of the index names a value that pg_triage must not keep"),
             errdetail("A job stores and shows its definition, and the value is not known to be "
                       "shared by %d rows of a column that may be shown.",
                       guc::min_shared_rows),
             errhint("%s", hint)));
}

IndexRequest to_request(const Collected &collected) {
    IndexRequest request;
    request.relation = collected.relation;
    request.schema_oid = collected.schema_oid;
    request.tablespace = collected.tablespace;
    request.schema = collected.schema;
    request.table = collected.table;
    request.name = collected.name;
    request.key_names = collected.key_names;
    request.body = collected.body;
    request.identity = collected.identity;
    request.unique = collected.unique;
    request.if_not_exists = collected.if_not_exists;
    request.partitioned = collected.partitioned;
    request.expressions = collected.expressions;
    return request;
}

} // namespace

IndexRequest read_index_request(const std::string &ddl, StatementOrigin origin) {
    const char *text = ddl.c_str();
    return to_request(call_server([=] {
        if (origin == StatementOrigin::Ours)
            return collect(text, origin, InvalidOid);
        ErrorContextCallback callback;
        enter_given_statement(&callback);
        const Collected result = collect(text, origin, InvalidOid);
        leave_given_statement(&callback);
        return result;
    }));
}

IndexRequest read_index_request_for(const std::string &ddl, Oid relation) {
    const char *text = ddl.c_str();
    return to_request(call_server([=] { return collect(text, StatementOrigin::Ours, relation); }));
}

std::string ddl_of(const IndexRequest &request, const std::string &index_name) {
    const char *name = index_name.c_str(), *schema = request.schema.c_str(),
               *table = request.table.c_str(), *body = request.body.c_str();
    const char *unique = request.unique ? "UNIQUE " : "";
    // PostgreSQL has no concurrent build on a partitioned table; ours goes by its partitions.
    const char *concurrently = request.partitioned ? "" : "CONCURRENTLY ";
    return call_server([=] {
        return psprintf("CREATE %sINDEX %s%s ON %s %s", unique, concurrently,
                        quote_identifier(name), quote_qualified_identifier(schema, table), body);
    });
}

std::string free_index_name(const IndexRequest &request) {
    const char *wanted = request.name.c_str(), *table = request.table.c_str(),
               *columns = request.key_names.c_str();
    const Oid schema = request.schema_oid;
    return call_server([=]() -> const char * {
        if (*wanted && !OidIsValid(get_relname_relid(wanted, schema)))
            return wanted;
        return ChooseRelationName(table, columns, "idx", schema, false);
    });
}

void check_functions_are_trusted(const std::string &ddl) {
    const char *text = ddl.c_str();
    call_server([text] { check_trust(text); });
}

void check_values_may_be_kept(const std::string &ddl, const char *hint) {
    const char *text = ddl.c_str();
    call_server([=] { check_values(text, hint); });
}

} // namespace triage
