#include "pg/datum_values.h"

#include <cmath>

PG_HEADERS_BEGIN
#include "access/tupmacs.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/date.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"
PG_HEADERS_END

namespace triage::datum_values {

namespace {

bool is_text(TypeClass type_class) {
    return type_class == TypeClass::Text || type_class == TypeClass::PaddedText ||
           type_class == TypeClass::Name;
}

ColumnValue integer_value(std::int64_t integer) {
    ColumnValue value;
    value.kind = ValueKind::Integer;
    value.integer = integer;
    return value;
}

ColumnValue real_value(double real) {
    ColumnValue value;
    if (!std::isnan(real)) {
        value.kind = ValueKind::Real;
        value.real = real;
    }
    return value;
}

ColumnValue bytes_value(const char *data, std::size_t length) {
    ColumnValue value;
    value.kind = ValueKind::Bytes;
    value.bytes = {data, length};
    return value;
}

// The bytes of a text that lies in memory as it is; Opaque if it is compressed or elsewhere.
ColumnValue text_value(Datum datum, bool padded) noexcept {
    const auto *text = reinterpret_cast<const varlena *>(DatumGetPointer(datum));
    if (VARATT_IS_EXTERNAL(text) || VARATT_IS_COMPRESSED(text))
        return {};
    std::string_view bytes(VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
    if (padded)
        while (!bytes.empty() && bytes.back() == ' ')
            bytes.remove_suffix(1);
    return bytes_value(bytes.data(), bytes.size());
}

// Numerics need a function: only where that may raise.
ColumnValue own_value(TypeClass type_class, Datum datum) noexcept {
    switch (type_class) {
    case TypeClass::Boolean:
        return integer_value(DatumGetBool(datum));
    case TypeClass::SingleChar:
        return integer_value(static_cast<unsigned char>(DatumGetChar(datum)));
    case TypeClass::Int2:
        return integer_value(DatumGetInt16(datum));
    case TypeClass::Int4:
        return integer_value(DatumGetInt32(datum));
    case TypeClass::Int8:
        return integer_value(DatumGetInt64(datum));
    case TypeClass::OidNumber:
    case TypeClass::Enum:
        return integer_value(DatumGetObjectId(datum));
    case TypeClass::Date:
        return integer_value(DatumGetDateADT(datum));
    case TypeClass::Timestamp:
        return integer_value(DatumGetTimestamp(datum));
    case TypeClass::Time:
        return integer_value(DatumGetTimeADT(datum));
    case TypeClass::Float4:
        return real_value(DatumGetFloat4(datum));
    case TypeClass::Float8:
        return real_value(DatumGetFloat8(datum));
    case TypeClass::Text:
        return text_value(datum, false);
    case TypeClass::PaddedText:
        return text_value(datum, true);
    case TypeClass::Name: {
        const char *name = NameStr(*DatumGetName(datum));
        return bytes_value(name, strnlen(name, NAMEDATALEN));
    }
    case TypeClass::Uuid:
        return bytes_value(reinterpret_cast<const char *>(DatumGetUUIDP(datum)->data), UUID_LEN);
    case TypeClass::Numeric:
    case TypeClass::Opaque:
        break;
    }
    return {};
}

// How a type's values lie in an array; length 0 if that is not known here.
struct ElementLayout {
    int length = 0;
    char alignment = TYPALIGN_CHAR;
    bool by_value = true;
};

ElementLayout layout_of(TypeClass type_class) {
    switch (type_class) {
    case TypeClass::Boolean:
    case TypeClass::SingleChar:
        return {1, TYPALIGN_CHAR, true};
    case TypeClass::Int2:
        return {2, TYPALIGN_SHORT, true};
    case TypeClass::Int4:
    case TypeClass::OidNumber:
    case TypeClass::Enum:
    case TypeClass::Date:
    case TypeClass::Float4:
        return {4, TYPALIGN_INT, true};
    case TypeClass::Int8:
    case TypeClass::Timestamp:
    case TypeClass::Time:
    case TypeClass::Float8:
        return {8, TYPALIGN_DOUBLE, true};
    case TypeClass::Text:
    case TypeClass::PaddedText:
    case TypeClass::Numeric:
        return {-1, TYPALIGN_INT, false};
    case TypeClass::Uuid:
        return {UUID_LEN, TYPALIGN_CHAR, false};
    case TypeClass::Name:
    case TypeClass::Opaque:
        break;
    }
    return {};
}

} // namespace

TypeClass class_of_type(Oid type) noexcept {
    switch (type) {
    case BOOLOID:
        return TypeClass::Boolean;
    case CHAROID:
        return TypeClass::SingleChar;
    case INT2OID:
        return TypeClass::Int2;
    case INT4OID:
        return TypeClass::Int4;
    case INT8OID:
        return TypeClass::Int8;
    case OIDOID:
        return TypeClass::OidNumber;
    case DATEOID:
        return TypeClass::Date;
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
        return TypeClass::Timestamp;
    case TIMEOID:
        return TypeClass::Time;
    case FLOAT4OID:
        return TypeClass::Float4;
    case FLOAT8OID:
        return TypeClass::Float8;
    case NUMERICOID:
        return TypeClass::Numeric;
    case TEXTOID:
    case VARCHAROID:
        return TypeClass::Text;
    case BPCHAROID:
        return TypeClass::PaddedText;
    case NAMEOID:
        return TypeClass::Name;
    case UUIDOID:
        return TypeClass::Uuid;
    default:
        return TypeClass::Opaque;
    }
}

ValueKind kind_of(TypeClass type_class) noexcept {
    switch (type_class) {
    case TypeClass::Opaque:
        return ValueKind::Opaque;
    case TypeClass::Float4:
    case TypeClass::Float8:
    case TypeClass::Numeric:
        return ValueKind::Real;
    case TypeClass::Text:
    case TypeClass::PaddedText:
    case TypeClass::Name:
    case TypeClass::Uuid:
        return ValueKind::Bytes;
    default:
        return ValueKind::Integer;
    }
}

ColumnValue loaded_value(TypeClass type_class, Datum datum, MemoryContext context) {
    if (type_class == TypeClass::Numeric)
        return real_value(DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, datum)));
    if (type_class == TypeClass::Text || type_class == TypeClass::PaddedText)
        datum = PointerGetDatum(PG_DETOAST_DATUM(datum));
    ColumnValue value = own_value(type_class, datum);
    if (value.kind == ValueKind::Bytes) {
        auto *copy = static_cast<char *>(
            MemoryContextAlloc(context, std::max<std::size_t>(value.bytes.size(), 1)));
        memcpy(copy, value.bytes.data(), value.bytes.size());
        value.bytes = {copy, value.bytes.size()};
    }
    return value;
}

ColumnValue value_for(const Type &column, Oid type, Datum datum) noexcept {
    const TypeClass from = type == column.oid ? column.type_class : class_of_type(type);
    if (from == column.type_class)
        return own_value(from, datum);
    const ColumnValue value = own_value(from, datum);
    switch (column.type_class) {
    case TypeClass::Int2:
    case TypeClass::Int4:
    case TypeClass::Int8:
        if (from == TypeClass::Int2 || from == TypeClass::Int4 || from == TypeClass::Int8)
            return value;
        break;
    case TypeClass::Timestamp:
        // Near enough for an estimate: the time zone is left out.
        if (from == TypeClass::Date && !DATE_NOT_FINITE(DatumGetDateADT(datum)))
            return integer_value(value.integer * USECS_PER_DAY);
        break;
    case TypeClass::Date:
        if (from == TypeClass::Timestamp)
            return integer_value(value.integer / USECS_PER_DAY - (value.integer < 0));
        break;
    case TypeClass::Float4:
    case TypeClass::Float8:
        if (from == TypeClass::Float4 || from == TypeClass::Float8)
            return value;
        break;
    case TypeClass::Text:
    case TypeClass::PaddedText:
    case TypeClass::Name:
        if (is_text(from))
            return column.type_class == TypeClass::PaddedText && from == TypeClass::Text
                       ? text_value(datum, true)
                       : value;
        break;
    default:
        break;
    }
    return {};
}

bool visit_elements(const Type &column, Datum datum, int most, ElementVisitor visit,
                    void *context) noexcept {
    const auto *header = reinterpret_cast<const varlena *>(DatumGetPointer(datum));
    if (VARATT_IS_EXTENDED(header))
        return false;
    auto *array = reinterpret_cast<ArrayType *>(DatumGetPointer(datum));
    const Oid type = ARR_ELEMTYPE(array);
    const ElementLayout layout =
        layout_of(type == column.oid ? column.type_class : class_of_type(type));
    if (layout.length == 0)
        return false;
    int count = ARR_NDIM(array) == 0 ? 0 : 1;
    for (int i = 0; i < ARR_NDIM(array); i++)
        count *= ARR_DIMS(array)[i];
    const bits8 *nulls = ARR_NULLBITMAP(array);
    char *at = ARR_DATA_PTR(array);
    for (int i = 0; i < std::min(count, most); i++) {
        if (nulls && (nulls[i / 8] & (1 << (i % 8))) == 0) {
            visit(context, type, 0, true);
            continue;
        }
        visit(context, type, fetch_att(at, layout.by_value, layout.length), false);
        at = att_addlength_pointer(at, layout.length, at);
        at = reinterpret_cast<char *>(att_align_nominal(at, layout.alignment));
    }
    return true;
}

} // namespace triage::datum_values
