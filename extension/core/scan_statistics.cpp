#include "core/scan_statistics.h"

#include "core/slot_directory.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace triage {

namespace {

std::uint64_t hash_of(std::uint64_t hash, const ClauseIdentity &identity) {
    return mix(hash, static_cast<std::uint64_t>(identity.opno) << 32 |
                         static_cast<std::uint64_t>(static_cast<std::uint16_t>(identity.attribute))
                             << 16 |
                         static_cast<std::uint64_t>(identity.op) << 8 |
                         static_cast<std::uint64_t>(identity.operand));
}

// Counts a value of a clause; false if there is no room for one more.
bool count_value(ScanTotals &totals, std::uint8_t clause, const char *text, float sharing_rows,
                 std::uint32_t executions) {
    int of_this_clause = 0;
    for (std::uint32_t i = 0; i < totals.value_count; i++) {
        KeptValue &value = totals.values[i];
        if (value.clause != clause)
            continue;
        of_this_clause++;
        if (std::strcmp(value.text, text) == 0) {
            const auto room = std::numeric_limits<std::uint32_t>::max() - value.executions;
            value.executions += std::min(room, executions);
            value.sharing_rows = sharing_rows;
            return true;
        }
    }
    if (of_this_clause >= most_values_a_clause || totals.value_count >= most_values_a_scan)
        return false;
    KeptValue &value = totals.values[totals.value_count++];
    value = KeptValue{};
    std::strncpy(value.text, text, longest_kept_value);
    value.executions = executions;
    value.sharing_rows = sharing_rows;
    value.clause = clause;
    return true;
}

RangeTotals *find_range(ScanTotals &totals, std::int16_t attribute) {
    for (std::uint32_t i = 0; i < totals.range_count; i++)
        if (totals.ranges[i].attribute == attribute)
            return &totals.ranges[i];
    if (totals.range_count == most_ranges_a_scan)
        return nullptr;
    RangeTotals &range = totals.ranges[totals.range_count++];
    range = RangeTotals{};
    range.attribute = attribute;
    return &range;
}

// What the bounds on each column leave together, where all of them were estimated. Two are taken
// for its ends.
void count_ranges(ScanTotals &totals, const ScanSample &sample) {
    for (int i = 0; i < sample.clause_count;) {
        const std::int16_t attribute = sample.clauses[i].identity.attribute;
        double share = 1;
        bool bounded = false, estimated = true;
        for (; i < sample.clause_count && sample.clauses[i].identity.attribute == attribute; i++) {
            const ClauseSample &clause = sample.clauses[i];
            if (clause.identity.op != ClauseOperator::Range)
                continue;
            bounded = true;
            estimated &= clause.selectivity >= 0;
            share -= 1 - clause.selectivity;
        }
        if (!bounded || !estimated)
            continue;
        if (RangeTotals *range = find_range(totals, attribute))
            range->add(std::max(share, 0.0));
    }
}

} // namespace

void sort_clauses(ScanSample &sample) {
    // Insertion sort: at most eight, mostly one or two.
    std::uint8_t place[most_clauses_a_scan]; // place[new] = old
    for (int i = 0; i < sample.clause_count; i++)
        place[i] = static_cast<std::uint8_t>(i);
    for (int i = 1; i < sample.clause_count; i++)
        for (int j = i; j > 0 && sample.clauses[j].identity < sample.clauses[j - 1].identity; j--) {
            std::swap(sample.clauses[j], sample.clauses[j - 1]);
            std::swap(place[j], place[j - 1]);
        }
    for (int v = 0; v < sample.value_count; v++)
        for (int i = 0; i < sample.clause_count; i++)
            if (place[i] == sample.values[v].clause) {
                sample.values[v].clause = static_cast<std::uint8_t>(i);
                break;
            }
}

std::uint64_t hash_of_clauses(const ScanSample &sample) {
    std::uint64_t hash = 0;
    for (int i = 0; i < sample.clause_count; i++)
        hash = hash_of(hash, sample.clauses[i].identity);
    return hash;
}

std::uint64_t hash_of_clauses(const ScanTotals &totals) {
    std::uint64_t hash = 0;
    for (std::uint32_t i = 0; i < totals.clause_count; i++)
        hash = hash_of(hash, totals.clauses[i].identity);
    return hash;
}

void ScanTotals::add(const ScanSample &sample) {
    if (executions == 0) {
        clause_count = static_cast<std::uint32_t>(sample.clause_count);
        for (int i = 0; i < sample.clause_count; i++)
            clauses[i].identity = sample.clauses[i].identity;
    }
    executions++;
    sequential += sample.sequential;
    sorted += sample.sorted;
    limited += sample.limited;
    estimated_rows += sample.estimated_rows;
    actual_rows += sample.actual_rows;
    rows_removed += sample.rows_removed;

    const std::uint32_t known =
        std::min(clause_count, static_cast<std::uint32_t>(sample.clause_count));
    bool without_room[most_clauses_a_scan] = {};
    for (int v = 0; v < sample.value_count; v++) {
        const ValueSample &value = sample.values[v];
        if (value.clause < known &&
            !count_value(*this, value.clause, value.text, value.sharing_rows, 1))
            without_room[value.clause] = true;
    }
    for (std::uint32_t i = 0; i < known; i++) {
        ClauseTotals &totals = clauses[i];
        if (const double selectivity = sample.clauses[i].selectivity; selectivity >= 0) {
            totals.estimates++;
            totals.selectivity_sum += selectivity;
            totals.worst_selectivity = std::max(totals.worst_selectivity, selectivity);
        }
        totals.withheld += sample.clauses[i].withheld || without_room[i];
    }
    count_ranges(*this, sample);
}

void ScanTotals::add(const ScanTotals &other) {
    if (executions == 0) {
        *this = other;
        return;
    }
    executions += other.executions;
    sequential += other.sequential;
    sorted += other.sorted;
    limited += other.limited;
    estimated_rows += other.estimated_rows;
    actual_rows += other.actual_rows;
    rows_removed += other.rows_removed;
    const std::uint32_t known = std::min(clause_count, other.clause_count);
    for (std::uint32_t i = 0; i < known; i++) {
        clauses[i].estimates += other.clauses[i].estimates;
        clauses[i].selectivity_sum += other.clauses[i].selectivity_sum;
        clauses[i].worst_selectivity =
            std::max(clauses[i].worst_selectivity, other.clauses[i].worst_selectivity);
        clauses[i].withheld += other.clauses[i].withheld;
    }
    for (std::uint32_t i = 0; i < other.range_count; i++)
        if (RangeTotals *range = find_range(*this, other.ranges[i].attribute))
            range->add(other.ranges[i]);
    for (std::uint32_t v = 0; v < other.value_count; v++) {
        const KeptValue &value = other.values[v];
        if (value.clause < known &&
            !count_value(*this, value.clause, value.text, value.sharing_rows, value.executions))
            clauses[value.clause].withheld += value.executions;
    }
}

void ScanTotals::forget_values() {
    for (std::uint32_t i = 0; i < value_count; i++) {
        clauses[values[i].clause].withheld += values[i].executions;
        values[i] = KeptValue{};
    }
    value_count = 0;
}

} // namespace triage
