// Between an index's definition and its SQL: CREATE INDEX written and read, and the one text by
// which conditions and expressions are compared. That text does not depend on search_path.
#pragma once

#include "core/index_definition.h"
#include "core/workload.h"
#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "nodes/pg_list.h"
PG_HEADERS_END

namespace triage {

// A condition or expression over columns of one relation (whatever its varno), as the relcache
// would have it in an index, as text. A condition with a top-level AND is one text: split it
// before. Throws ServerError.
std::string canonical_condition(Node *condition, Oid relid);
std::string canonical_expression(Node *expression, Oid relid);

// The same for callers that are already inside call_server: palloc'ed, may raise.
char *canonical_condition_text(Node *condition, Oid relid);
char *canonical_expression_text(Node *expression, Oid relid);

// What canonical_… wrote, analysed again; Vars have varno 1. A condition is an implicit AND, as the
// relcache has it. May raise, so call these inside call_server.
List *parse_canonical_condition(const char *text, Oid relid);
Node *parse_canonical_expression(const char *text, Oid relid);

// "CREATE INDEX CONCURRENTLY name ON schema.table USING btree (…) INCLUDE (…) WHERE …", complete.
// Throws ServerError.
std::string create_index_ddl(const IndexDefinition &definition, const Relation &relation,
                             const std::string &index_name);

// A name that tells what the index is about, not quoted: at most 63 bytes, cut between characters
// and then with a hash of the whole definition, and free in the relation's schema. Throws
// ServerError.
std::string index_name(const IndexDefinition &definition, const Relation &relation);

// A CREATE INDEX statement as it was written.
struct IndexStatement {
    IndexDefinition definition;
    std::string name;        // not quoted; empty if the statement gives none
    double fill_factor = 90; // percent
    bool deduplicate = true; // storage parameter deduplicate_items
    bool concurrently = false;
    bool if_not_exists = false;
};

// Reads and checks the text as CREATE INDEX would, except that the relation is only locked in
// AccessShareLock, and that nothing is said about privileges. B-tree only. Throws SqlError,
// ServerError.
IndexStatement parse_index_statement(const char *ddl);
IndexDefinition parse_index_ddl(const char *ddl);

// Raises insufficient_privilege (an SqlError) unless the user may read every column that the index
// is about, and all rows: what is said of the index would tell about them.
void check_may_read(const IndexDefinition &definition);

} // namespace triage
