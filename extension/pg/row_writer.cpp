#include "pg/row_writer.h"

PG_HEADERS_BEGIN
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"
PG_HEADERS_END

namespace triage {

RowWriter::RowWriter(FunctionCallInfo fcinfo)
    : result_(reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo)) {
    call_server([&] {
        InitMaterializedSRF(fcinfo, 0);
        row_context_ =
            AllocSetContextCreate(CurrentMemoryContext, "pg_triage row", ALLOCSET_DEFAULT_SIZES);
        columns_ = result_->setDesc->natts;
        if (columns_ > static_cast<int>(values_.size()))
            elog(ERROR, "too many columns: %d", columns_);
    });
}

void RowWriter::add(Datum value, bool is_null) {
    if (filled_ >= columns_)
        throw SqlError(ERRCODE_DATATYPE_MISMATCH, "the function's row type has too few columns", {},
                       "Run ALTER EXTENSION pg_triage UPDATE.");
    const auto column = static_cast<std::size_t>(filled_++);
    values_[column] = value;
    nulls_[column] = is_null;
}

void RowWriter::add_null() {
    add(0, true);
}

void RowWriter::add_bool(bool value) {
    add(BoolGetDatum(value));
}

void RowWriter::add_oid(Oid value) {
    add(ObjectIdGetDatum(value));
}

void RowWriter::add_int8(std::int64_t value) {
    add(Int64GetDatum(value));
}

void RowWriter::add_float8(double value) {
    add(Float8GetDatum(value));
}

void RowWriter::add_timestamptz(TimestampTz value) {
    add(TimestampTzGetDatum(value), value == 0);
}

void RowWriter::add_text(const std::string &value) {
    add(call_server([&] {
        MemoryContext caller = MemoryContextSwitchTo(row_context_);
        const Datum text =
            PointerGetDatum(cstring_to_text_with_len(value.data(), static_cast<int>(value.size())));
        MemoryContextSwitchTo(caller);
        return text;
    }));
}

namespace {

// An array of `count` elements, each made by `element(i)`, in the context.
template <class Element>
Datum make_array(MemoryContext context, std::size_t count, Oid type, int length, bool by_value,
                 char alignment, const Element &element) {
    return call_server([&] {
        MemoryContext caller = MemoryContextSwitchTo(context);
        auto *elements =
            static_cast<Datum *>(palloc(sizeof(Datum) * std::max(count, std::size_t{1})));
        for (std::size_t i = 0; i < count; i++)
            elements[i] = element(i);
        const Datum array = PointerGetDatum(
            construct_array(elements, static_cast<int>(count), type, length, by_value, alignment));
        MemoryContextSwitchTo(caller);
        return array;
    });
}

} // namespace

void RowWriter::add_int8_array(const std::vector<std::int64_t> &values) {
    add(make_array(row_context_, values.size(), INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
                   [&](std::size_t i) { return Int64GetDatum(values[i]); }));
}

void RowWriter::add_float8_array(const std::vector<double> &values) {
    add(make_array(row_context_, values.size(), FLOAT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
                   [&](std::size_t i) { return Float8GetDatum(values[i]); }));
}

void RowWriter::add_text_array(const std::vector<std::string> &values) {
    add(make_array(
        row_context_, values.size(), TEXTOID, -1, false, TYPALIGN_INT, [&](std::size_t i) {
            return PointerGetDatum(
                cstring_to_text_with_len(values[i].data(), static_cast<int>(values[i].size())));
        }));
}

void RowWriter::end_row() {
    if (filled_ != columns_)
        throw SqlError(ERRCODE_DATATYPE_MISMATCH, "the function's row type has too many columns",
                       {}, "Run ALTER EXTENSION pg_triage UPDATE.");
    call_server([&] {
        CHECK_FOR_INTERRUPTS();
        tuplestore_putvalues(result_->setResult, result_->setDesc, values_.data(), nulls_.data());
        MemoryContextReset(row_context_);
    });
    filled_ = 0;
}

} // namespace triage
