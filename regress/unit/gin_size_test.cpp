// Sizes of GIN and BRIN indexes against those of indexes that were really built (PostgreSQL 15.20),
// and what moves them.
#include "core/brin_size.h"
#include "core/gin_size.h"

#include <gtest/gtest.h>

using namespace triage;

namespace {

constexpr double page = 8192;

EntryClass keys(double share, double rows_per_value, int size = 16) {
    return {.share = share, .rows_per_value = rows_per_value, .size = size};
}

// Of 40,000 rows, 21 a page, each with one of 500 tags and one of 40 others.
GinSizeInput tags() {
    return {.rows = 40000,
            .rows_per_page = 21,
            .entries_per_row = 2,
            .keys = {keys(0.5, 80), keys(0.5, 1000)}};
}

TEST(GinSize, FewKeysOfManyRows) {
    EXPECT_NEAR(estimate_gin_size(tags()).bytes, 47 * page, 5 * page);
}

// jsonb_path_ops over three keys of each of 40,000 rows: one unique, one of 300, one of 7.
TEST(GinSize, UniqueKeys) {
    GinSizeInput input{.rows = 40000,
                       .rows_per_page = 21,
                       .entries_per_row = 3,
                       .keys = {keys(1.0 / 3, 0), keys(1.0 / 3, 133), keys(1.0 / 3, 5714)}};
    EXPECT_NEAR(estimate_gin_size(input).bytes, 311 * page, 15 * page);
}

TEST(GinSize, AnEmptyIndexHasItsRoot) {
    EXPECT_EQ(estimate_gin_size({}).pages, 2);
}

TEST(GinSize, RowsOfFrequentKeysAreInTreesOfTheirOwn) {
    GinSizeInput input = tags();
    input.keys = {keys(1, 20000)};
    SizeEstimate two_keys_a_row = estimate_gin_size(input);
    EXPECT_EQ(two_keys_a_row.leaf_pages, 1);
    EXPECT_GT(two_keys_a_row.pages, 4 * 2);
}

TEST(GinSize, RowsFarApartTakeMoreBytes) {
    GinSizeInput near = tags(), far = tags();
    near.keys = {keys(1, 500)};
    far.keys = {keys(1, 500)};
    far.rows = 40000 * 50.0;
    far.entries_per_row = 2 / 50.0;
    EXPECT_GT(estimate_gin_size(far).bytes, 1.2 * estimate_gin_size(near).bytes);
}

TEST(GinSize, ABuildOfSeveralRoundsFillsItsPages) {
    GinSizeInput input{.rows = 1e6, .keys = {keys(1, 0)}};
    input.work_memory = 1e9;
    double at_once = estimate_gin_size(input).bytes;
    input.work_memory = 1e6;
    EXPECT_LT(estimate_gin_size(input).bytes, 0.8 * at_once);
}

TEST(BrinSize, SmallTablesTakeThreePages) {
    SizedColumn bigint{.average_width = 8, .alignment = 8, .fixed_width = true};
    EXPECT_EQ(estimate_brin_size(100, 1, std::vector{bigint}).pages, 3);
    EXPECT_EQ(estimate_brin_size(0, 1, std::vector{bigint}).pages, 3);
    EXPECT_EQ(estimate_brin_size(100, 4, std::vector{bigint}).pages, 12);
}

// 8 bytes of header, two bounds of 8 and a line pointer: 291 summaries a page, 1,360 ranges a map
// page.
TEST(BrinSize, OneSummaryForEachRange) {
    SizedColumn bigint{.average_width = 8, .alignment = 8, .fixed_width = true};
    SizeEstimate size = estimate_brin_size(128.0 * 2910, 1, std::vector{bigint});
    EXPECT_EQ(size.leaf_pages, 10);
    EXPECT_EQ(size.pages, 1 + 3 + 10);
}

} // namespace
