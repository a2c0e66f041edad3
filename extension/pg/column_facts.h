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
#include "pg/pg.h"

namespace triage::column_facts {

// How a type's Datums become values of the profile.
enum class TypeClass : std::uint8_t {
    Opaque,
    Boolean,
    SingleChar,
    Int2,
    Int4,
    Int8,
    OidNumber,
    Date,
    Timestamp,
    Time,
    Enum,
    Float4,
    Float8,
    Numeric,
    Text,
    PaddedText,
    Name,
    Uuid
};

struct Column {
    TypeClass type_class = TypeClass::Opaque;
    Oid type = InvalidOid; // without its domains
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

// The extension's own schema: InvalidOid if there is none in this database, nothing if not remembered.
std::optional<Oid> find_own_schema() noexcept;

// Reads the catalogs; the relation must be locked. May raise; then nothing is remembered.
void load_column(Oid relation, AttributeNumber attribute);
void load_operator(Oid opno);
void load_own_schema();

// For who may take the time: reads the catalogs until they held still for that long. Null if they
// never do. May raise, or be interrupted.
const Column *get_column(Oid relation, AttributeNumber attribute);

// A constant of type `type` that is compared with the column, as a value of its profile; Opaque if
// it cannot be had without calling a function. The bytes stay where the Datum has them.
ColumnValue value_of(const Column &column, Oid type, Datum datum) noexcept;

// Calls visit for up to `most` elements of an array constant that is compared with the column;
// false if the array cannot be looked into without calling a function.
using ElementVisitor = void (*)(void *context, Oid type, Datum element, bool is_null);
bool visit_elements(const Column &column, Datum array, int most, ElementVisitor visit,
                    void *context) noexcept;

} // namespace triage::column_facts
