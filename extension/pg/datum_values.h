// Datums of the types that are understood, as values of a column's profile (core/column_profile):
// looked at where they lie, without calling a function of the server.
#pragma once

#include "core/column_profile.h"
#include "pg/pg.h"

namespace triage::datum_values {

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

struct Type {
    Oid oid = InvalidOid;
    TypeClass type_class = TypeClass::Opaque;
};

// Enums are not told by their OIDs: Opaque here.
TypeClass class_of_type(Oid type) noexcept;
ValueKind kind_of(TypeClass type_class) noexcept;

// A constant of type `type` that is compared with a column, as a value of its profile; Opaque if it
// cannot be had without calling a function. The bytes stay where the Datum has them.
ColumnValue value_for(const Type &column, Oid type, Datum datum) noexcept;

// Calls visit for up to `most` elements of an array constant that is compared with a column; false
// if the array cannot be looked into without calling a function.
using ElementVisitor = void (*)(void *context, Oid type, Datum element, bool is_null);
bool visit_elements(const Type &column, Datum array, int most, ElementVisitor visit,
                    void *context) noexcept;

// For who may take the time: any Datum of the class, its bytes copied into `context`. May raise.
ColumnValue loaded_value(TypeClass type_class, Datum datum, MemoryContext context);

} // namespace triage::datum_values
