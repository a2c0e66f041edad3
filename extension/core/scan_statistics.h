// What is kept of one scan of one statement, and how a sampled execution is added to it. Plain data
// of a fixed size: lives in shared memory and in the statistics file. The only place for a value is
// KeptValue, and only values that the privacy rule let out are put there.
#pragma once

#include "core/privacy.h"
#include "core/range_spread.h"
#include "core/workload.h"

#include <cstdint>
#include <type_traits>

namespace triage {

inline constexpr int most_clauses_a_scan = 8;
inline constexpr int most_values_a_scan = 8;
inline constexpr int most_values_a_clause = 4;
inline constexpr int most_ranges_a_scan = 2;

// Column, operator and the other side: what tells one condition from another.
struct ClauseIdentity {
    std::int16_t attribute = 0;
    ClauseOperator op = ClauseOperator::Other;
    Operand operand = Operand::None;
    std::uint32_t opno = 0;

    auto operator<=>(const ClauseIdentity &) const = default;
};

struct ClauseSample {
    ClauseIdentity identity;
    float selectivity = -1; // negative: not estimated
    bool withheld = false;  // had a value that may not be kept
};

// Without initialisers: room for eight is made for each scan of a sampled execution, and hardly
// ever filled.
struct ValueSample {
    std::uint8_t clause;
    float sharing_rows;
    char text[longest_kept_value + 1]; // ends with a zero; what comes behind that is undefined
};

// One scan in one sampled execution.
struct ScanSample {
    std::uint32_t relation = 0;
    int clause_count = 0, value_count = 0;
    ClauseSample clauses[most_clauses_a_scan]; // sorted by identity (sort_clauses)
    ValueSample values[most_values_a_scan];    // value_count of them
    bool sequential = false, sorted = false, limited = false;
    double estimated_rows = 0, actual_rows = 0, rows_removed = 0;
};

struct ClauseTotals {
    ClauseIdentity identity;
    std::uint64_t estimates = 0;
    double selectivity_sum = 0, worst_selectivity = 0;
    std::uint64_t withheld = 0;
};

struct KeptValue {
    char text[longest_kept_value + 1] = {};
    std::uint32_t executions = 0;
    float sharing_rows = 0; // when last seen
    std::uint8_t clause = 0;
    std::uint8_t unused[3] = {};
};

struct ScanTotals {
    std::uint64_t executions = 0, sequential = 0, sorted = 0, limited = 0;
    double estimated_rows = 0, actual_rows = 0, rows_removed = 0; // sums
    std::uint32_t clause_count = 0, value_count = 0, range_count = 0;
    ClauseTotals clauses[most_clauses_a_scan];
    KeptValue values[most_values_a_scan];
    RangeTotals ranges[most_ranges_a_scan]; // of the first columns that have bounds

    void add(const ScanSample &sample);
    void add(const ScanTotals &other); // of the same conditions
    void forget_values();
};
static_assert(std::is_trivially_copyable_v<ScanTotals> && std::is_trivially_copyable_v<ScanSample>);

// Brings the clauses (and with them the values' references) into the order by which scans are
// compared.
void sort_clauses(ScanSample &sample);
std::uint64_t hash_of_clauses(const ScanSample &sample);
std::uint64_t hash_of_clauses(const ScanTotals &totals);

} // namespace triage
