// The model against real indexes. The page counts were measured on PostgreSQL 15.20 (x86-64, 8 kB
// pages): CREATE INDEX over a table of 1,000,000 rows, pg_relation_size / 8192, height from
// pageinspect's bt_metap. Widths, NULL shares and common values are what ANALYZE said of the same
// table; numbers of distinct values were counted, since ANALYZE's own are up to 26 % low for the
// last columns and that error is not the model's.
#include "core/size_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

using namespace triage;

namespace {

constexpr double rows = 1e6;

SizedColumn fixed(double width, double distinct, double nulls = 0, std::vector<float> mcv = {}) {
    return {.average_width = width,
            .alignment = static_cast<std::uint8_t>(std::min(width, 8.0)),
            .fixed_width = true,
            .distinct = distinct,
            .null_fraction = nulls,
            .mcv_frequencies = std::move(mcv)};
}

SizedColumn text(double width, double distinct, double nulls = 0, std::vector<float> mcv = {}) {
    return {.average_width = width,
            .alignment = 4,
            .fixed_width = false,
            .distinct = distinct,
            .null_fraction = nulls,
            .mcv_frequencies = std::move(mcv)};
}

// The table's columns, as pg_stats has them.
const SizedColumn id = fixed(8, rows), mrn = text(11, rows), patient_id = fixed(4, 20001),
                  ward = text(7, 12), email = text(36, 32000), city = text(15, 2000),
                  status = text(9, 4, 0, {0.9002f, 0.0509f, 0.0333f, 0.0156f}),
                  acked_at = fixed(8, 299144, 0.704), score = text(6, 92796),
                  active = fixed(1, 2, 0, {0.7973f, 0.2027f}), day = fixed(4, 1001),
                  code = text(8, 501, 0.4001),
                  uid = {.average_width = 16, .alignment = 1, .distinct = rows},
                  name = text(8, 230077), encounter = fixed(4, 20001), account = fixed(4, 289358),
                  almost = fixed(4, 632209),
                  kind = fixed(2, 4, 0, {0.3352f, 0.3319f, 0.1674f, 0.1655f}),
                  rare = fixed(4, 48876, 0.9485);

// floor(50000 * random() ^ 4): one value has 6.7 % of the rows, most have a handful.
SizedColumn zipf() {
    std::vector<float> mcv;
    for (int value = 0; value < 100; value++)
        mcv.push_back(
            static_cast<float>(std::pow((value + 1) / 5e4, 0.25) - std::pow(value / 5e4, 0.25)));
    return fixed(4, 49928, 0, mcv);
}

struct Measured {
    const char *definition;
    SizeInput input;
    double pages;
    int height;
};

const std::vector<Measured> measured = {
    {"(id)", {.tuples = rows, .keys = {id}}, 2745, 2},
    {"(id) unique", {.tuples = rows, .keys = {id}, .unique = true}, 2745, 2},
    {"(mrn)", {.tuples = rows, .keys = {mrn}}, 3853, 2},
    {"(patient_id)", {.tuples = rows, .keys = {patient_id}}, 872, 2},
    {"(ward)", {.tuples = rows, .keys = {ward}}, 850, 2},
    {"(email)", {.tuples = rows, .keys = {email}}, 1061, 2},
    {"(city)", {.tuples = rows, .keys = {city}}, 907, 2},
    {"(status)", {.tuples = rows, .keys = {status}}, 863, 2},
    {"(acked_at)", {.tuples = rows, .keys = {acked_at}}, 1417, 2},
    {"(score), numeric: equal is not identical",
     {.tuples = rows, .keys = {score}, .deduplicate = false},
     2749,
     2},
    {"(active)", {.tuples = rows, .keys = {active}}, 849, 2},
    {"(day)", {.tuples = rows, .keys = {day}}, 887, 2},
    {"(code)", {.tuples = rows, .keys = {code}}, 868, 2},
    {"(zipf)", {.tuples = rows, .keys = {zipf()}}, 990, 2},
    {"(uid)", {.tuples = rows, .keys = {uid}}, 3853, 2},
    {"(name)", {.tuples = rows, .keys = {name}}, 1666, 2},
    {"(encounter)", {.tuples = rows, .keys = {encounter}}, 876, 2},
    {"(account)", {.tuples = rows, .keys = {account}}, 1704, 2},
    {"(almost)", {.tuples = rows, .keys = {almost}}, 2408, 2},
    {"(rare)", {.tuples = rows, .keys = {rare}}, 943, 2},
    {"(patient_id, ts DESC)", {.tuples = rows, .keys = {patient_id, id}}, 3853, 2},
    {"(patient_id, day)", {.tuples = rows, .keys = {patient_id, day}}, 2732, 2},
    {"(ward, status, day)", {.tuples = rows, .keys = {ward, status, day}}, 1048, 2},
    {"(status, kind)", {.tuples = rows, .keys = {status, kind}}, 864, 2},
    {"(code, acked_at)", {.tuples = rows, .keys = {code, acked_at}}, 1931, 2},
    {"(kind, id)", {.tuples = rows, .keys = {kind, id}}, 3853, 2},
    {"(email, patient_id)", {.tuples = rows, .keys = {email, patient_id}}, 7738, 2},
    {"(name, day, active)", {.tuples = rows, .keys = {name, day, active}}, 4397, 2},
    {"(patient_id) INCLUDE (score)",
     {.tuples = rows, .keys = {patient_id}, .include = {score}, .deduplicate = false},
     3853,
     2},
    {"(patient_id) INCLUDE (ts, status)",
     {.tuples = rows, .keys = {patient_id}, .include = {id, status}, .deduplicate = false},
     5986,
     2},
    {"(mrn) WHERE active", {.tuples = 200747, .keys = {text(11, 200747)}}, 776, 2},
    {"(patient_id) WHERE status = 'pending'", {.tuples = 49935, .keys = {fixed(4, 18404)}}, 97, 1},
    {"(ts) WHERE acked_at IS NULL", {.tuples = 700367, .keys = {fixed(8, 700367)}}, 1923, 2},
    {"(patient_id) WITH (deduplicate_items = off)",
     {.tuples = rows, .keys = {patient_id}, .deduplicate = false},
     2749,
     2},
    {"(day) WITH (fillfactor = 70)", {.tuples = rows, .keys = {day}, .fill_factor = 70}, 1014, 2},
    {"(rare, id) unique", {.tuples = rows, .keys = {rare, id}, .unique = true}, 3853, 2},
};

TEST(SizeModel, IsWithinTenPercentOfMeasuredIndexes) {
    for (const Measured &m : measured) {
        SizeEstimate estimate = estimate_btree_size(m.input);
        EXPECT_NEAR(estimate.pages / m.pages, 1.0, 0.1)
            << m.definition << ": " << estimate.pages << " against " << m.pages << " pages";
        EXPECT_EQ(estimate.tree_height, m.height) << m.definition;
        EXPECT_EQ(estimate.bytes, estimate.pages * 8192);
    }
}

TEST(SizeModel, AnEmptyIndexIsItsMetapage) {
    SizeEstimate estimate = estimate_btree_size({.tuples = 0, .keys = {id}});
    EXPECT_EQ(estimate.pages, 1);
    EXPECT_EQ(estimate.tree_height, 0);
    estimate = estimate_btree_size({.tuples = 1, .keys = {id}});
    EXPECT_EQ(estimate.pages, 2);
    EXPECT_EQ(estimate.tree_height, 0);
}

// 366 bigint items fit a leaf page, as in every pgbench_accounts_pkey.
TEST(SizeModel, TheRootSplitsWhenTheFirstLeafIsFull) {
    EXPECT_EQ(estimate_btree_size({.tuples = 366, .keys = {id}, .unique = true}).leaf_pages, 1);
    SizeEstimate two = estimate_btree_size({.tuples = 367, .keys = {id}, .unique = true});
    EXPECT_EQ(two.leaf_pages, 2);
    EXPECT_EQ(two.pages, 4);
    EXPECT_EQ(two.tree_height, 1);
}

TEST(SizeModel, AlignmentOrderCounts) {
    SizedColumn flag = fixed(1, 2), number = fixed(8, rows), small = fixed(2, 3);
    auto pages = [](std::vector<SizedColumn> keys) {
        return estimate_btree_size({.tuples = rows, .keys = std::move(keys), .unique = true}).pages;
    };
    EXPECT_GT(pages({flag, number, small}), pages({number, small, flag}));
    EXPECT_EQ(pages({number, small, flag}), pages({number, flag, small}));
}

TEST(SizeModel, NullsShareTuplesUnlessTheyMayNot) {
    SizedColumn all_null = fixed(8, 0, 1.0);
    SizeInput input{.tuples = rows, .keys = {all_null}};
    double together = estimate_btree_size(input).pages;
    input.deduplicate = false;
    double apart = estimate_btree_size(input).pages;
    EXPECT_LT(together, 900);
    EXPECT_NEAR(apart, 2745, 30); // 8 bytes of header, 8 of bitmap: like one bigint
}

TEST(SizeModel, GrowsWithRowsAndWithDistinctValues) {
    double last = 0;
    for (double tuples = 1; tuples <= 1e10; tuples *= 10) {
        double pages =
            estimate_btree_size({.tuples = tuples, .keys = {text(20, tuples / 3)}}).pages;
        EXPECT_GE(pages, last);
        EXPECT_GE(pages * 8192, tuples * 6);
        last = pages;
    }
    last = 0;
    for (double distinct = 1; distinct <= rows; distinct *= 4) {
        double pages = estimate_btree_size({.tuples = rows, .keys = {fixed(8, distinct)}}).pages;
        EXPECT_GE(pages, last * 0.95) << distinct; // remainders of posting lists make small waves
        last = pages;
    }
}

TEST(SizeModel, SurvivesStatisticsThatCannotBe) {
    const SizedColumn odd[] = {fixed(8, 0),
                               fixed(8, -1),
                               fixed(8, 1e300),
                               fixed(8, 10, 2.0),
                               fixed(0, 5),
                               text(1e6, 5),
                               fixed(8, 1, 0, {0.9f, 0.9f, 0.0f})};
    for (const SizedColumn &a : odd)
        for (const SizedColumn &b : odd) {
            SizeEstimate estimate = estimate_btree_size({.tuples = 1000, .keys = {a, b}});
            EXPECT_TRUE(std::isfinite(estimate.pages));
            EXPECT_GE(estimate.pages, 2);
            EXPECT_LE(estimate.pages, 1000);
        }
}

TEST(SizeModel, AListOfAllValuesLeavesNothingToSee) {
    Relation relation{.id = 1,
                      .attributes = {{.number = 1, .fixed_width = true},
                                     {.number = 2, .fixed_width = true},
                                     {.number = 3, .fixed_width = false}}};
    for (Attribute &attribute : relation.attributes) {
        attribute.null_fraction = 0.25;
        attribute.mcv_frequencies = {0.5f, 0.25f};
    }
    auto tells_all = [&](IndexDefinition definition) {
        definition.relation = 1;
        return statistics_tell_all(definition, relation);
    };
    EXPECT_TRUE(tells_all({.keys = {{.key = {1}}}}));
    EXPECT_FALSE(tells_all({.keys = {{.key = {3}}}})); // values of different widths
    EXPECT_FALSE(tells_all({.keys = {{.key = {1}}, {.key = {2}}}}));
    EXPECT_FALSE(tells_all({.keys = {{.key = {1}}}, .include = {2}}));
    EXPECT_FALSE(tells_all({.keys = {{.key = {1}}}, .predicate = {"b = 1"}}));
    EXPECT_FALSE(tells_all({.method = IndexMethod::Gin, .keys = {{.key = {1}}}}));
    EXPECT_FALSE(tells_all({.keys = {{.key = {0, "abs(a)"}}}}));
    relation.attributes[0].null_fraction = 0.2; // others have a twentieth
    EXPECT_FALSE(tells_all({.keys = {{.key = {1}}}}));
}

} // namespace
