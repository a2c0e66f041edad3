// What a backend remembers of columns and operators, so that a sampled execution reads no catalog:
// the statistics of a column in the form of core/column_profile, what the privacy rule needs to
// know of it, and what an operator does. A fixed number of entries, dropped when the catalogs
// change.
//
// Loading reads catalogs and may raise; finding never does.
#pragma once

#include "core/column_profile.h"
#include "core/privacy.h"
#include "core/workload.h"
#include "pg/datum_values.h"

namespace triage::column_facts {

struct Column {
    datum_values::Type type; // without its domains
    ColumnSecrecy secrecy;
    ColumnProfile profile;
};

struct Operator {
    ClauseOperator op = ClauseOperator::Other; // Equal, Range, NotEqual, Prefix (LIKE, ^@) or Other
    Comparison comparison = Comparison::Less;  // of Range
    bool pattern = false;                      // of Prefix: LIKE, whose right side is a pattern
    Oid commutator = InvalidOid;
};

// Null if not remembered, or not any more.
const Column *find_column(Oid relation, AttributeNumber attribute) noexcept;
const Operator *find_operator(Oid opno) noexcept;

// The extension's own schema: InvalidOid if there is none in this database, nothing if not
// remembered.
std::optional<Oid> find_own_schema() noexcept;

// Reads the catalogs; the relation must be locked. May raise; then nothing is remembered.
void load_column(Oid relation, AttributeNumber attribute);
void load_operator(Oid opno);
void load_own_schema();

// For who may take the time: reads the catalogs until they held still for that long. Null if they
// never do. May raise, or be interrupted.
const Column *get_column(Oid relation, AttributeNumber attribute);

} // namespace triage::column_facts
