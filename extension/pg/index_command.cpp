#include "pg/index_command.h"

#include "pg/compat.h"

PG_HEADERS_BEGIN
#include "access/genam.h"
#include "access/htup_details.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
PG_HEADERS_END

namespace triage {

namespace {

// Memory that outlives the transactions of a command; current while it exists.
class CommandMemory {
  public:
    CommandMemory()
        : context_(AllocSetContextCreate(TopMemoryContext, "pg_triage command",
                                         ALLOCSET_DEFAULT_SIZES)) {
        MemoryContextSwitchTo(context_);
    }
    ~CommandMemory() {
        MemoryContextSwitchTo(TopMemoryContext);
        MemoryContextDelete(context_);
    }
    CommandMemory(const CommandMemory &) = delete;
    CommandMemory &operator=(const CommandMemory &) = delete;

  private:
    MemoryContext context_;
};

// Back to the worker's own role, also after an error.
class RoleReset {
  public:
    RoleReset() = default;
    ~RoleReset() { SetCurrentRoleId(InvalidOid, true); }
    RoleReset(const RoleReset &) = delete;
    RoleReset &operator=(const RoleReset &) = delete;
};

// Call in a transaction, with memory current that outlives it: the command may end that transaction
// and begin others.
void process(Node *statement, const char *text,
             ProcessUtilityContext context = PROCESS_UTILITY_TOPLEVEL) {
    auto *planned = makeNode(PlannedStmt);
    planned->commandType = CMD_UTILITY;
    planned->canSetTag = true;
    planned->utilityStmt = statement;
    planned->stmt_location = 0;
    planned->stmt_len = static_cast<int>(strlen(text));
    ProcessUtility(planned, text, false, context, nullptr, nullptr, None_Receiver, nullptr);
}

void begin_command() {
    MemoryContext context = CurrentMemoryContext;
    StartTransactionCommand();
    MemoryContextSwitchTo(context);
    PushActiveSnapshot(GetTransactionSnapshot());
}

void end_command() {
    if (ActiveSnapshotSet())
        PopActiveSnapshot();
    CommitTransactionCommand();
}

IndexStmt *parse_create_index(const char *ddl) {
    List *statements = pg_parse_query(ddl);
    if (list_length(statements) != 1 || !IsA(linitial_node(RawStmt, statements)->stmt, IndexStmt))
        ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
                        errmsg("job does not hold exactly one CREATE INDEX statement")));
    return castNode(IndexStmt, linitial_node(RawStmt, statements)->stmt);
}

} // namespace

void set_lock_timeout(int milliseconds) {
    const std::string value = std::to_string(milliseconds);
    const char *text = value.c_str();
    call_server([text] { SetConfigOption("lock_timeout", text, PGC_SUSET, PGC_S_SESSION); });
}

TableLock::TableLock(Oid relation) {
    struct Facts {
        const char *schema, *name;
        Oid owner;
        char kind;
    };
    try {
        table_ = worker_transaction([relation] {
            const Facts facts = call_server([relation]() -> Facts {
                LockRelId id = {relation, MyDatabaseId};
                LockRelationIdForSession(&id, ShareUpdateExclusiveLock);
                AcceptInvalidationMessages();
                HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
                if (!HeapTupleIsValid(tuple))
                    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
                                    errmsg("the table of the index does not exist any more")));
                auto form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
                const Facts found = {get_namespace_name(form->relnamespace),
                                     pstrdup(NameStr(form->relname)), form->relowner,
                                     form->relkind};
                ReleaseSysCache(tuple);
                return found;
            });
            return Table{relation, facts.schema, facts.name, facts.owner,
                         facts.kind == RELKIND_PARTITIONED_TABLE};
        });
    } catch (...) {
        LockReleaseSession(DEFAULT_LOCKMETHOD);
        throw;
    }
}

// All session locks of this process are of this kind; releasing what an error released already is
// fine.
TableLock::~TableLock() {
    LockReleaseSession(DEFAULT_LOCKMETHOD);
}

FoundIndex find_index(Oid relation, Oid index) {
    return call_server([=]() -> FoundIndex {
        FoundIndex found;
        HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
        if (!HeapTupleIsValid(tuple))
            return found;
        auto form = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple));
        if (form->indrelid == relation)
            found = {index, form->indisvalid && form->indisready && form->indislive};
        ReleaseSysCache(tuple);
        return found;
    });
}

FoundIndex find_index(Oid relation, const std::string &schema, const std::string &name) {
    const char *schema_text = schema.c_str(), *name_text = name.c_str();
    const Oid index = call_server([=] {
        const Oid schema_oid = get_namespace_oid(schema_text, true);
        return OidIsValid(schema_oid) ? get_relname_relid(name_text, schema_oid) : InvalidOid;
    });
    return OidIsValid(index) ? find_index(relation, index) : FoundIndex{};
}

void create_index_concurrently(const std::string &ddl, const Table &table,
                               const std::string &index_name, Oid role) {
    CommandMemory memory;
    RoleReset reset;
    const char *text = ddl.c_str(), *schema = table.schema.c_str(), *name = table.name.c_str(),
               *index = index_name.c_str();
    worker_command([=] {
        begin_command();
        if (OidIsValid(role))
            SetCurrentRoleId(role, superuser_arg(role));
        IndexStmt *statement = parse_create_index(text);
        statement->relation = makeRangeVar(pstrdup(schema), pstrdup(name), -1);
        statement->idxname = pstrdup(index);
        statement->concurrent = true;
        statement->if_not_exists = false;
        process(reinterpret_cast<Node *>(statement), text);
        end_command();
    });
}

void create_index_only(const std::string &ddl, Oid table, const std::string &index_name) {
    const char *text = ddl.c_str(), *index = index_name.c_str();
    call_server([=] {
        IndexStmt *statement = parse_create_index(text);
        statement->relation =
            makeRangeVar(get_namespace_name(get_rel_namespace(table)), get_rel_name(table), -1);
        statement->relation->inh = false;
        statement->idxname = pstrdup(index);
        statement->concurrent = false;
        statement->if_not_exists = false;
        process(reinterpret_cast<Node *>(statement), text, PROCESS_UTILITY_QUERY);
    });
}

void drop_index_of(const Table &table, Oid index) {
    CommandMemory memory;
    const bool concurrently = !table.partitioned;
    worker_command([=] {
        begin_command();
        const char *name = get_rel_name(index);
        if (name == nullptr) { // somebody else was faster
            end_command();
            return;
        }
        const char *schema = get_namespace_name(get_rel_namespace(index));
        auto *statement = makeNode(DropStmt);
        statement->removeType = OBJECT_INDEX;
        statement->objects =
            list_make1(list_make2(makeString(pstrdup(schema)), makeString(pstrdup(name))));
        statement->behavior = DROP_RESTRICT;
        statement->concurrent = concurrently;
        process(reinterpret_cast<Node *>(statement),
                psprintf("DROP INDEX %s", quote_qualified_identifier(schema, name)));
        end_command();
    });
}

} // namespace triage
