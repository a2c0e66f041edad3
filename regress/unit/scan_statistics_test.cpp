#include "core/scan_statistics.h"

#include <gtest/gtest.h>

#include <cstring>

namespace triage {
namespace {

ClauseSample clause(std::int16_t attribute, float selectivity, bool withheld = false) {
    ClauseSample sample;
    sample.identity = {attribute, ClauseOperator::Equal, Operand::Literal, 96};
    sample.selectivity = selectivity;
    sample.withheld = withheld;
    return sample;
}

ScanSample sample_of(std::initializer_list<ClauseSample> clauses) {
    ScanSample sample;
    for (const ClauseSample &each : clauses)
        sample.clauses[sample.clause_count++] = each;
    return sample;
}

void add_value(ScanSample &sample, std::uint8_t clause, const char *text) {
    ValueSample &value = sample.values[sample.value_count++];
    value.clause = clause;
    value.sharing_rows = 100;
    std::strcpy(value.text, text);
}

TEST(ScanStatistics, TheOrderOfConditionsDoesNotMatter) {
    ScanSample one = sample_of({clause(3, 0.1f), clause(1, 0.5f)});
    ScanSample other = sample_of({clause(1, 0.5f), clause(3, 0.1f)});
    add_value(one, 0, "open"); // of attribute 3
    sort_clauses(one);
    sort_clauses(other);
    EXPECT_EQ(hash_of_clauses(one), hash_of_clauses(other));
    EXPECT_EQ(one.clauses[1].identity.attribute, 3);
    EXPECT_EQ(one.values[0].clause, 1) << "a value follows its condition";
}

TEST(ScanStatistics, AddsUpWhatExecutionsDid) {
    ScanTotals totals;
    ScanSample sample = sample_of({clause(1, 0.5f), clause(2, -1, true)});
    sample.sequential = true;
    sample.actual_rows = 10;
    totals.add(sample);
    sample.clauses[0].selectivity = 0.25f;
    sample.sequential = false;
    totals.add(sample);
    EXPECT_EQ(totals.executions, 2u);
    EXPECT_EQ(totals.sequential, 1u);
    EXPECT_DOUBLE_EQ(totals.actual_rows, 20);
    EXPECT_EQ(totals.clauses[0].estimates, 2u);
    EXPECT_DOUBLE_EQ(totals.clauses[0].selectivity_sum, 0.75);
    EXPECT_DOUBLE_EQ(totals.clauses[0].worst_selectivity, 0.5);
    EXPECT_EQ(totals.clauses[1].estimates, 0u);
    EXPECT_EQ(totals.clauses[1].withheld, 2u);
}

TEST(ScanStatistics, CountsValuesAndWithholdsWhatHasNoRoom) {
    ScanTotals totals;
    for (const char *text : {"a", "b", "c", "d", "e", "a"}) {
        ScanSample sample = sample_of({clause(1, 0.1f)});
        add_value(sample, 0, text);
        totals.add(sample);
    }
    EXPECT_EQ(totals.value_count, static_cast<std::uint32_t>(most_values_a_clause));
    EXPECT_STREQ(totals.values[0].text, "a");
    EXPECT_EQ(totals.values[0].executions, 2u);
    EXPECT_EQ(totals.clauses[0].withheld, 1u) << "e";
}

TEST(ScanStatistics, ForgettingLeavesNoByteOfAValue) {
    ScanTotals totals;
    ScanSample sample = sample_of({clause(1, 0.1f)});
    add_value(sample, 0, "secret");
    totals.add(sample);
    totals.forget_values();
    EXPECT_EQ(totals.clauses[0].withheld, 1u);
    const std::string_view bytes(reinterpret_cast<const char *>(&totals), sizeof totals);
    EXPECT_EQ(bytes.find("secret"), std::string_view::npos);
}

ClauseSample bound(std::int16_t attribute, std::uint32_t opno, float selectivity) {
    ClauseSample sample = clause(attribute, selectivity);
    sample.identity.op = ClauseOperator::Range;
    sample.identity.opno = opno;
    return sample;
}

TEST(ScanStatistics, TheBoundsOnAColumnAreOneRange) {
    ScanTotals totals;
    totals.add(sample_of({bound(1, 1, 0.75f), bound(1, 2, 0.5f), clause(2, 0.1f), bound(3, 1, 0.5f)}));
    totals.add(sample_of({bound(1, 1, 0.25f), bound(1, 2, 0.5f), clause(2, 0.1f), bound(3, 1, -1)}));
    ASSERT_EQ(totals.range_count, 2u);
    EXPECT_EQ(totals.ranges[0].attribute, 1);
    EXPECT_EQ(totals.ranges[0].executions, 2u);
    EXPECT_DOUBLE_EQ(totals.ranges[0].first, 0.25) << "the second was empty";
    EXPECT_DOUBLE_EQ(totals.ranges[0].second, 0.0625);
    EXPECT_EQ(totals.ranges[1].attribute, 3);
    EXPECT_EQ(totals.ranges[1].executions, 1u) << "one of them could not be estimated";
    ScanTotals more = totals;
    more.add(totals);
    EXPECT_EQ(more.ranges[0].executions, 4u);
    EXPECT_DOUBLE_EQ(more.ranges[1].first, 1);
}

TEST(ScanStatistics, MoreRangesThanThereIsRoomForAreLeftOut) {
    ScanTotals totals;
    totals.add(sample_of({bound(1, 1, 0.5f), bound(2, 1, 0.5f), bound(3, 1, 0.5f)}));
    EXPECT_EQ(totals.range_count, static_cast<std::uint32_t>(most_ranges_a_scan));
}

TEST(ScanStatistics, TotalsOfTheSameConditionsAddUp) {
    ScanTotals one, two;
    ScanSample sample = sample_of({clause(1, 0.1f)});
    add_value(sample, 0, "open");
    one.add(sample);
    two.add(sample);
    two.add(sample);
    one.add(two);
    EXPECT_EQ(one.executions, 3u);
    EXPECT_EQ(one.values[0].executions, 3u);
    EXPECT_EQ(hash_of_clauses(one), hash_of_clauses(sample));
}

} // namespace
} // namespace triage
