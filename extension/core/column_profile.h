// What pg_statistic knows of one column, in a form in which a value is looked up and a selectivity
// is estimated without calling PostgreSQL: nothing here can raise, allocate or run a user's
// function. The arithmetic is that of the planner (selfuncs.c).
//
// The arrays belong to whoever fills the profile in (pg/column_facts).
#pragma once

#include "core/privacy.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace triage {

// How values of a type are compared here.
enum class ValueKind : std::uint8_t {
    Opaque,  // not at all: only averages are known
    Integer, // by `integer`: numbers, dates, times, booleans, enums (equality only)
    Real,    // by `real`
    Bytes    // by `bytes`: text, uuid
};

struct ColumnValue {
    ValueKind kind = ValueKind::Opaque;
    std::int64_t integer = 0;
    double real = 0;
    std::string_view bytes;
};

struct CommonValue {
    ColumnValue value;
    float frequency = 0;           // share of the rows
    const char *printed = nullptr; // as the type prints it, if it may be kept; else null
};

enum class Comparison : std::uint8_t { Less, LessEqual, GreaterEqual, Greater };

struct ColumnProfile {
    bool analyzed = false; // there are statistics
    ValueKind kind = ValueKind::Opaque;
    bool ordered = false; // the order of `kind` is the type's order
    double rows = 0;      // pg_class.reltuples; 0 if unknown
    double null_fraction = 0;
    double distinct = 0;     // number of different values, > 0 if analyzed
    double common_total = 0; // share of the rows that have any of the most common values
    std::span<const CommonValue> common;
    std::span<const ColumnValue> histogram; // bounds, ascending

    // The most common value equal to `value`, or null.
    const CommonValue *find_common(const ColumnValue &value) const;

    // Shares of all rows, 0..1; nothing if the statistics cannot tell.
    std::optional<double> equal_selectivity(const ColumnValue &value) const;
    // The same where find_common(value) was asked already.
    std::optional<double> equal_selectivity(const ColumnValue &value,
                                            const CommonValue *found) const;
    std::optional<double> average_equal_selectivity() const; // of a value not known
    std::optional<double> range_selectivity(Comparison comparison, const ColumnValue &value) const;
    std::optional<double> prefix_selectivity(std::string_view prefix) const;
};

} // namespace triage
