// A CREATE INDEX statement that somebody wants carried out later by a worker: read in the session
// that asks, checked as far as can be without building, and written down again in a form that means
// the same under any search_path.
#pragma once

#include "pg/guard.h"

namespace triage {

struct IndexRequest {
    Oid relation = InvalidOid;
    Oid schema_oid = InvalidOid;
    Oid tablespace = InvalidOid; // that the index will be in; InvalidOid: the database's own
    std::string schema, table;   // of the relation; not quoted
    std::string name;            // wanted; empty: none given
    std::string key_names;       // columns joined by "_", to make a name from
    // All of the statement behind the relation: "USING btree (...) WHERE ...". Every name in it is
    // qualified, what equals the default is left out: the same index gives the same text.
    std::string body;
    std::string identity; // `body` without storage parameters and tablespace: what the index can do
    bool unique = false;
    bool if_not_exists = false;
    bool partitioned = false; // the relation is a partitioned table
    bool expressions = false; // keys or predicate need statistics that only ANALYZE can make
};

// Whose text a statement is: one that a caller handed over tells where in it an error is.
enum class StatementOrigin { Given, Ours };

// Reads the statement under the current search_path. Throws SqlError for what is not one CREATE
// INDEX on a permanent table or materialised view, ServerError for what PostgreSQL finds wrong.
IndexRequest read_index_request(const std::string &ddl,
                                StatementOrigin origin = StatementOrigin::Ours);

// Reads the statement as if it named this relation, whatever it names.
IndexRequest read_index_request_for(const std::string &ddl, Oid relation);

// The statement for psql, with this name.
std::string ddl_of(const IndexRequest &request, const std::string &index_name);

// A free name for the index: the wanted one, or one made from table and columns.
std::string free_index_name(const IndexRequest &request);

// Throws SqlError if the index would run a function whose owner is neither a superuser nor may act
// as the table's owner: building runs it with the table owner's rights.
void check_functions_are_trusted(const std::string &ddl);

// Throws SqlError, with this hint, if the definition names a value that the privacy rule keeps in: a
// job stores and shows its definition. In a table without rows no value is anybody's.
void check_values_may_be_kept(const std::string &ddl, const char *hint);

} // namespace triage
