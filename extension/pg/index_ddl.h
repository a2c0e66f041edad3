// Between an index's definition and its SQL: CREATE INDEX written and read, and the one text by
// which conditions and expressions are compared. That text does not depend on search_path.
#pragma once

#include "core/index_definition.h"
#include "core/workload.h"
#include "pg/canonical_sql.h"
#include "pg/pg.h"

namespace triage {

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
// AccessShareLock, and that nothing is said about privileges. B-tree, GIN and BRIN. Throws SqlError,
// ServerError.
IndexStatement parse_index_statement(const char *ddl);
IndexDefinition parse_index_ddl(const char *ddl);

// Raises insufficient_privilege (an SqlError) unless the user may read every column that the index
// is about, and all rows: what is said of the index would tell about them.
void check_may_read(const IndexDefinition &definition);

} // namespace triage
