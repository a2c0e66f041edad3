#include "pg/spi.h"

#include <charconv>

PG_HEADERS_BEGIN
#include "catalog/pg_type.h"
PG_HEADERS_END

namespace triage::spi {

namespace {

// The result of one statement, in SPI's memory.
struct Cells {
    char **values; // row by row; null: NULL
    std::size_t rows, columns;
};

Cells execute(const char *statement, int count, const char *const *parameters) {
    auto *types = static_cast<Oid *>(palloc0(sizeof(Oid) * (count + 1)));
    auto *values = static_cast<Datum *>(palloc0(sizeof(Datum) * (count + 1)));
    auto *nulls = static_cast<char *>(palloc0(count + 1));
    for (int i = 0; i < count; i++) {
        types[i] = TEXTOID;
        nulls[i] = parameters[i] ? ' ' : 'n';
        values[i] = parameters[i] ? CStringGetTextDatum(parameters[i]) : Datum{0};
    }
    const int code = SPI_execute_with_args(statement, count, types, values, nulls, false, 0);
    if (code < 0)
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                        errmsg("could not run a statement of pg_triage: %s",
                               SPI_result_code_string(code))));
    Cells cells = {};
    if (SPI_tuptable == nullptr)
        return cells;
    cells.rows = SPI_processed;
    cells.columns = static_cast<std::size_t>(SPI_tuptable->tupdesc->natts);
    cells.values = static_cast<char **>(palloc0(sizeof(char *) * (cells.rows * cells.columns + 1)));
    for (std::size_t row = 0; row < cells.rows; row++)
        for (std::size_t column = 0; column < cells.columns; column++)
            cells.values[row * cells.columns + column] = SPI_getvalue(
                SPI_tuptable->vals[row], SPI_tuptable->tupdesc, static_cast<int>(column) + 1);
    return cells;
}

} // namespace

std::vector<Row> run(const char *statement, const std::vector<Value> &parameters) {
    std::vector<const char *> texts;
    for (const Value &parameter : parameters)
        texts.push_back(parameter ? parameter->c_str() : nullptr);
    const int count = static_cast<int>(texts.size());
    const char *const *raw = texts.data();
    const Cells cells = call_server([&] { return execute(statement, count, raw); });

    std::vector<Row> rows(cells.rows);
    for (std::size_t row = 0; row < cells.rows; row++)
        for (std::size_t column = 0; column < cells.columns; column++) {
            const char *value = cells.values[row * cells.columns + column];
            rows[row].push_back(value ? Value(value) : std::nullopt);
        }
    return rows;
}

std::string text(double value) {
    char buffer[32];
    const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
    return {buffer, end};
}

std::int64_t integer(const Value &value) {
    std::int64_t result = 0;
    if (value)
        std::from_chars(value->data(), value->data() + value->size(), result);
    return result;
}

double real(const Value &value) {
    double result = 0;
    if (value)
        std::from_chars(value->data(), value->data() + value->size(), result);
    return result;
}

} // namespace triage::spi
