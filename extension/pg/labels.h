// SECURITY LABEL FOR pg_triage ON {TABLE | COLUMN} ... IS 'phi' | 'public': what a DBA says of the
// privacy of a column. A table's label is that of all its columns; a partition's column has its
// ancestors' label.
#pragma once

#include "core/index_definition.h"
#include "core/privacy.h"
#include "pg/pg.h"

namespace triage::labels {

// Call from _PG_init, whether preloading or not.
void register_provider();

// The label that counts for a column of a relation that the caller has locked. Reads catalogs: may
// raise.
ColumnLabel column_label(Oid relation, AttributeNumber attribute);

} // namespace triage::labels
