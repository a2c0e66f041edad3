// A query's answer as plain data, independent of the client library: rows of text values, read by
// column name.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace triage::advisor {

class Row {
  public:
    using Columns = std::shared_ptr<const std::vector<std::string>>;
    using Values = std::vector<std::optional<std::string>>;

    Row(Columns columns, Values values)
        : columns_(std::move(columns)), values_(std::move(values)) {}

    const std::vector<std::string> &columns() const { return *columns_; }
    bool is_null(std::string_view column) const { return !value(column); }

    // Null reads as empty text, and as no number; a column that is not there raises Failure.
    std::string text(std::string_view column) const;
    std::optional<double> number(std::string_view column) const;
    std::optional<std::int64_t> integer(std::string_view column) const;
    std::optional<bool> boolean(std::string_view column) const;

  private:
    const std::optional<std::string> &value(std::string_view column) const;

    Columns columns_;
    Values values_;
};

using Rows = std::vector<Row>;

} // namespace triage::advisor
