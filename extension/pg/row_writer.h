// Builds the rows of a set-returning function from C++ values, column by column.
#pragma once

#include "pg/guard.h"

PG_HEADERS_BEGIN
#include "nodes/execnodes.h"
#include "utils/timestamp.h"
PG_HEADERS_END

namespace triage {

class RowWriter {
  public:
    // Prepares the call's tuplestore; the function's declared row type says how many columns there
    // are.
    explicit RowWriter(FunctionCallInfo fcinfo);

    void add_null();
    void add_bool(bool value);
    void add_oid(Oid value);
    void add_int8(std::int64_t value);
    void add_float8(double value);
    void add_timestamptz(TimestampTz value); // 0: null
    void add_text(const std::string &value);
    void add_int8_array(const std::vector<std::int64_t> &values);
    void add_float8_array(const std::vector<double> &values);
    void add_text_array(const std::vector<std::string> &values);
    // Stores the row; checks for interrupts.
    void end_row();

  private:
    void add(Datum value, bool is_null = false);

    ReturnSetInfo *result_;
    MemoryContext row_context_; // the current row's data
    int columns_ = 0, filled_ = 0;
    std::array<Datum, 64> values_{};
    std::array<bool, 64> nulls_{};
};

} // namespace triage
