// The privacy rule: which values of which columns may leave the statement that they were seen in.
// Every value that is not let out here stays a selectivity. Pure: the facts come from
// pg/column_facts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace triage {

// What SECURITY LABEL FOR pg_triage says of a column.
enum class ColumnLabel : std::uint8_t { None, Phi, Public };

// What is known of a column before any value is looked at.
struct ColumnSecrecy {
    ColumnLabel label = ColumnLabel::None;
    bool names_identifier = false; // by its name it identifies a person (names_identifier below)
    bool safe_type =
        false;           // prints the same everywhere and is no date, number of record or document
    bool is_key = false; // part of a unique or primary key, or of a foreign key
    double distinct = 0; // as pg_statistic.stadistinct: a positive count, or minus a share
};

// A column with more different values than this is not an enumeration.
inline constexpr double most_values_of_an_enumeration = 100;
// In bytes; what enum labels and pg's names can have.
inline constexpr std::size_t longest_kept_value = 63;

// Whether any value of the column may be kept.
bool may_show_values(const ColumnSecrecy &column);

// Whether this value of it may: `sharing_rows` is the number of rows that have it by pg_statistic's
// most common values (0 if it is none of them), `k` is pg_triage.min_shared_rows.
bool may_keep_value(const ColumnSecrecy &column, double sharing_rows, std::size_t printed_bytes,
                    int k);

// Whether a column of this name holds one of the identifiers of HIPAA's Safe Harbor list (names,
// places below a state, dates tied to a person, numbers of records and accounts ...).
bool names_identifier(std::string_view column_name);

} // namespace triage
