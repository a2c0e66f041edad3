#include "core/drop_advice.h"

#include <gtest/gtest.h>

#include <string>

namespace triage {
namespace {

IndexFacts index(std::uint32_t id, std::vector<AttributeNumber> keys, std::int64_t scans = 1) {
    IndexFacts facts{.id = id, .relation = 1, .definition = IndexDefinition{.relation = 1}};
    for (AttributeNumber key : keys)
        facts.definition->keys.push_back({.key = {key, {}}});
    facts.scans = scans;
    return facts;
}

std::string said(const std::vector<IndexFacts> &indexes, bool counted = true) {
    static const char *names[] = {"invalid", "duplicate", "redundant", "unused", "bloated"};
    std::string text;
    for (const DropAdvice &advice : advise_on_drops(indexes, counted)) {
        text += (text.empty() ? "" : ", ") + std::to_string(advice.index->id) +
                (advice.rebuild ? " rebuild " : " drop ") + names[static_cast<int>(advice.reason)];
        if (advice.served_by)
            text += " by " + std::to_string(advice.served_by->id);
    }
    return text;
}

TEST(DropAdvice, OfTwoEqualOnesTheMoreUsedStays) {
    EXPECT_EQ(said({index(1, {1}, 5), index(2, {1}, 7)}), "1 drop duplicate by 2");
    EXPECT_EQ(said({index(1, {1}, 5), index(2, {1}, 5)}), "2 drop duplicate by 1");
}

TEST(DropAdvice, WhatMustStayStaysWhateverServes) {
    for (bool IndexFacts::*role : {&IndexFacts::constraint, &IndexFacts::replica_identity,
                                   &IndexFacts::clustered, &IndexFacts::attached}) {
        std::vector<IndexFacts> indexes{index(1, {1}, 0), index(2, {1}, 9)};
        indexes[0].*role = true;
        EXPECT_EQ(said(indexes), "2 drop duplicate by 1");
        indexes[1].*role = true;
        EXPECT_EQ(said(indexes), "");
    }
}

TEST(DropAdvice, AChainEndsAtOneThatStays) {
    EXPECT_EQ(said({index(1, {1}), index(2, {1, 2}), index(3, {1, 2, 3})}),
              "1 drop redundant by 3, 2 drop redundant by 3");
}

TEST(DropAdvice, APartialIndexIsNotMadeRedundantByAFullOne) {
    std::vector<IndexFacts> indexes{index(1, {1}), index(2, {1, 2})};
    indexes[0].definition->predicate = {"active"};
    EXPECT_EQ(said(indexes), "");
    indexes[1].definition->predicate = {"active"};
    EXPECT_EQ(said(indexes), "1 drop redundant by 2");
}

TEST(DropAdvice, AUniqueIndexIsReplacedOnlyByOneThatPromisesAsMuch) {
    std::vector<IndexFacts> indexes{index(1, {1}, 0), index(2, {1}, 9)};
    auto make_unique = [&](IndexFacts &facts) { facts.unique = facts.definition->unique = true; };
    make_unique(indexes[0]);
    EXPECT_EQ(said(indexes), "2 drop duplicate by 1"); // and unused though it is, it stays
    make_unique(indexes[1]);
    EXPECT_EQ(said(indexes), "1 drop duplicate by 2");
    indexes[0].nulls_not_distinct = true;
    EXPECT_EQ(said(indexes), "2 drop duplicate by 1");
}

TEST(DropAdvice, UnusedOnlyIfItWasCountedAndNothingIsGivenUpForIt) {
    EXPECT_EQ(said({index(1, {1}, 0)}), "1 drop unused");
    EXPECT_EQ(said({index(1, {1}, 0)}, false), "");
    EXPECT_EQ(said({index(1, {1}, 3), index(2, {1, 2}, 0)}), "1 drop redundant by 2");
    IndexFacts gist{.id = 4, .relation = 1};
    EXPECT_EQ(said({gist}), "4 drop unused");
}

// Nothing is given up for a part of what is dropped.
TEST(DropAdvice, APartGoesWithItsWhole) {
    std::vector<IndexFacts> indexes{index(1, {1}, 0), index(2, {1}, 0), index(3, {1}, 5)};
    indexes[0].relation = 9; // the partitioned table
    indexes[0].definition->relation = 9;
    indexes[1].attached = true;
    indexes[1].root = 1;
    EXPECT_EQ(said(indexes), "3 drop duplicate by 2"); // for which 1 is kept, unused though it is
    indexes.push_back(index(4, {1, 2}));
    indexes.back().relation = indexes.back().definition->relation = 9;
    EXPECT_EQ(said(indexes), "1 drop redundant by 4");
    indexes.pop_back();
    indexes[0].valid = false;
    EXPECT_EQ(said(indexes), "1 drop invalid");
}

TEST(DropAdvice, AnInvalidIndexServesNobodyAndIsRebuiltWhereItMustStay) {
    std::vector<IndexFacts> indexes{index(1, {1}), index(2, {1, 2})};
    indexes[1].valid = false;
    EXPECT_EQ(said(indexes), "2 drop invalid");
    indexes[1].constraint = true;
    EXPECT_EQ(said(indexes), "2 rebuild invalid");
    indexes[1].being_built = true;
    EXPECT_EQ(said(indexes), "");
}

TEST(DropAdvice, BloatIsAFactorAndAnAmount) {
    IndexFacts facts = index(1, {1});
    auto with = [&](double bytes, double expected) {
        facts.bytes = bytes;
        facts.expected_bytes = expected;
        return said({facts});
    };
    EXPECT_EQ(with(40e6, 20e6), "1 rebuild bloated");
    EXPECT_EQ(with(39e6, 20e6), "");
    EXPECT_EQ(with(80e3, 20e3), "");
    EXPECT_EQ(with(40e6, 0), ""); // not known
    facts.constraint = true;
    EXPECT_EQ(with(40e6, 20e6), "1 rebuild bloated");
}

} // namespace
} // namespace triage
