#include "core/warm_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <random>
#include <set>

namespace triage {
namespace {

constexpr BlockMask all = ~BlockMask{0};

WarmRelation table(std::string name, std::uint32_t blocks, std::string data_class = "other") {
    return {.name = std::move(name),
            .data_class = data_class,
            .class_weight = warm_weight_of(data_class),
            .blocks = {blocks, 10, 10}};
}

// Half of the blocks, so that it does not look like a scan.
constexpr BlockMask scattered = 0x5555555555555555;

std::vector<WarmRange> loads(const WarmPlan &plan) {
    std::vector<WarmRange> ranges;
    for (const WarmWave &wave : plan.waves)
        ranges.insert(ranges.end(), wave.load.begin(), wave.load.end());
    return ranges;
}

std::uint64_t blocks_of(const std::vector<WarmRange> &ranges) {
    std::uint64_t sum = 0;
    for (const WarmRange &range : ranges)
        sum += range.size();
    return sum;
}

TEST(WarmPlan, HotterComesFirst) {
    const std::vector<WarmRelation> relations = {table("a", 1000)};
    const WarmPlan plan =
        plan_warming(relations, {{0, 0, 0, all, 0, 0, 100}, {0, 0, 1, all, 0, 0, 300}},
                     {.shared_buffers_blocks = 64, .waves = {1}});
    ASSERT_EQ(plan.waves.size(), 1u);
    EXPECT_EQ(plan.waves[0].load, (std::vector<WarmRange>{{0, 0, 64, 127}}));
    EXPECT_EQ(plan.left_blocks, 64u);
}

TEST(WarmPlan, EmergencyDataComesBeforeHotterAuditData) {
    const std::vector<WarmRelation> relations = {table("audit", 1000, "audit_data"),
                                                 table("triage", 1000, "emergency_data")};
    const WarmPlan plan =
        plan_warming(relations, {{0, 0, 0, all, 0, 0, 300}, {1, 0, 0, all, 0, 0, 100}},
                     {.shared_buffers_blocks = 64, .waves = {1}});
    EXPECT_EQ(loads(plan), (std::vector<WarmRange>{{1, 0, 0, 63}}));
}

TEST(WarmPlan, WhatWasScannedOnceComesAfterWhatIsMissedOneByOne) {
    const std::vector<WarmRelation> relations = {table("scanned", 1000), table("looked_up", 1000)};
    const WarmPlan plan =
        plan_warming(relations, {{0, 0, 0, all, 0, 0, 64}, {1, 0, 0, scattered, 0, 0, 20}},
                     {.shared_buffers_blocks = 32, .waves = {1}});
    EXPECT_EQ(loads(plan).front().relation, 1u);
}

TEST(WarmPlan, UpperPagesAndVisibilityMapComeFirstHoweverCold) {
    const std::vector<WarmRelation> relations = {table("hot", 1000), table("index", 1000)};
    const WarmPlan plan = plan_warming(
        relations,
        {{0, 0, 0, all, all, 0, 320}, {1, 0, 3, all, 0, 0b1000, 1}, {0, 2, 0, 0b1, 0, 0, 0.1}},
        {.shared_buffers_blocks = 2, .waves = {1}});
    EXPECT_EQ(loads(plan), (std::vector<WarmRange>{{0, 2, 0, 0}, {1, 0, 195, 195}}));
}

TEST(WarmPlan, BusyBlocksOfAnExtentComeBeforeItsOthers) {
    const std::vector<WarmRelation> relations = {table("a", 1000)};
    const WarmPlan plan = plan_warming(relations, {{0, 0, 0, all, 0xF0, 0, 100}},
                                       {.shared_buffers_blocks = 4, .waves = {1}});
    EXPECT_EQ(loads(plan), (std::vector<WarmRange>{{0, 0, 4, 7}}));
}

TEST(WarmPlan, WavesFallInValueAndAreInDiskOrder) {
    std::mt19937 random(7);
    const std::vector<WarmRelation> relations = {table("a", 100000), table("b", 100000)};
    std::vector<WarmExtent> extents;
    for (std::uint32_t extent = 0; extent < 400; extent++)
        extents.push_back(
            {extent % 2, 0, extent / 2, BlockMask{random()} | 1, 0, 0, double(random() % 300 + 1)});
    const WarmPlan plan = plan_warming(relations, extents, {.shared_buffers_blocks = 4000});
    ASSERT_EQ(plan.waves.size(), 3u);
    double last = INFINITY;
    for (const WarmWave &wave : plan.waves) {
        const double mean = wave.value / double(wave.blocks);
        EXPECT_LT(mean, last);
        last = mean;
        EXPECT_EQ(blocks_of(wave.load), wave.blocks);
        for (std::size_t i = 1; i < wave.load.size(); i++)
            EXPECT_LT(std::pair(wave.load[i - 1].relation, wave.load[i - 1].last),
                      std::pair(wave.load[i].relation, wave.load[i].first));
    }
    EXPECT_EQ(plan.blocks(CacheLevel::SharedBuffers), 4000u);
    EXPECT_NEAR(double(plan.waves[0].blocks), 500, 1);
}

TEST(WarmPlan, EveryBlockIsReadOnceAndFetchCoversLoad) {
    std::mt19937_64 random(3);
    const std::vector<WarmRelation> relations = {table("a", 100000)};
    std::vector<WarmExtent> extents;
    std::uint64_t wanted = 0;
    for (std::uint32_t extent = 0; extent < 200; extent++) {
        const BlockMask blocks = random();
        extents.push_back({0, 0, extent, blocks, random() & random(),
                           random() & random() & random(), double(random() % 300 + 1)});
        wanted += static_cast<std::uint64_t>(std::popcount(blocks));
    }
    const WarmPlan plan = plan_warming(relations, extents,
                                       {.shared_buffers_blocks = 3000, .page_cache_blocks = 2000});
    std::set<std::uint32_t> loaded;
    for (const WarmWave &wave : plan.waves)
        for (const WarmRange &range : wave.load) {
            EXPECT_TRUE(std::any_of(wave.fetch.begin(), wave.fetch.end(), [&](const WarmRange &f) {
                return f.first <= range.first && range.last <= f.last;
            }));
            for (std::uint32_t block = range.first; block <= range.last; block++)
                EXPECT_TRUE(loaded.insert(block).second);
        }
    EXPECT_EQ(loaded.size(), 3000u);
    EXPECT_EQ(plan.blocks(CacheLevel::PageCache), 2000u);
    EXPECT_EQ(plan.left_blocks, wanted - 5000);
}

TEST(WarmPlan, NeighboursAcrossExtentsAreOneRange) {
    const std::vector<WarmRelation> relations = {table("a", 1000)};
    const WarmPlan plan = plan_warming(
        relations, {{0, 0, 0, all, 0, 0, 200}, {0, 0, 1, all, 0, 0, 200}}, {.waves = {1}});
    EXPECT_EQ(loads(plan), (std::vector<WarmRange>{{0, 0, 0, 127}}));
}

TEST(WarmPlan, SmallGapsAreFetchedButNotLoaded) {
    const std::vector<WarmRelation> relations = {table("a", 1000)};
    const WarmPlan plan = plan_warming(relations, {{0, 0, 0, 0b11000011, 0, 0, 10}},
                                       {.largest_gap = 4, .waves = {1}});
    EXPECT_EQ(plan.waves[0].fetch, (std::vector<WarmRange>{{0, 0, 0, 7}}));
    EXPECT_EQ(plan.waves[0].load, (std::vector<WarmRange>{{0, 0, 0, 1}, {0, 0, 6, 7}}));
}

TEST(WarmPlan, WhatATableLostIsNotRead) {
    const std::vector<WarmRelation> relations = {table("shrunk", 70), table("gone", 0)};
    const WarmPlan plan = plan_warming(
        relations, {{0, 0, 0, all, 0, 0, 9}, {0, 0, 1, all, 0, 0, 9}, {1, 0, 0, all, 0, 0, 9}},
        {.waves = {1}});
    EXPECT_EQ(loads(plan), (std::vector<WarmRange>{{0, 0, 0, 69}}));
    EXPECT_EQ(plan.cut_blocks, 58u + 64u);
}

TEST(WarmPlan, ABudgetBelowOneExtentIsKept) {
    const std::vector<WarmRelation> relations = {table("a", 1000)};
    const std::vector<WarmExtent> extents = {{0, 0, 2, all, 0, 0, 100}};
    const WarmPlan plan = plan_warming(relations, extents, {.shared_buffers_blocks = 5});
    EXPECT_EQ(plan.blocks(CacheLevel::SharedBuffers), 5u);
    EXPECT_EQ(plan.left_blocks, 59u);
    const WarmPlan nothing = plan_warming(relations, extents, {.shared_buffers_blocks = 0});
    EXPECT_TRUE(nothing.waves.empty());
    EXPECT_EQ(nothing.left_blocks, 64u);
}

TEST(WarmPlan, NothingIsPlannedFromNothing) {
    const WarmPlan plan = plan_warming({}, {}, {});
    EXPECT_TRUE(plan.waves.empty());
    EXPECT_EQ(plan.value, 0);
}

TEST(WarmPlan, ThePageCacheTakesWhatBuffersDoNot) {
    const std::vector<WarmRelation> relations = {table("a", 1000)};
    const WarmPlan plan =
        plan_warming(relations, {{0, 0, 0, all, 0, 0, 300}, {0, 0, 1, all, 0, 0, 200}},
                     {.shared_buffers_blocks = 64, .page_cache_blocks = 32, .waves = {1}});
    ASSERT_EQ(plan.waves.size(), 2u);
    EXPECT_EQ(plan.waves[1].level, CacheLevel::PageCache);
    EXPECT_TRUE(plan.waves[1].load.empty());
    EXPECT_EQ(plan.waves[1].fetch, (std::vector<WarmRange>{{0, 0, 64, 95}}));
}

TEST(WarmReadiness, IsCountedByClassAndByValue) {
    const std::vector<WarmRelation> relations = {table("patients", 1000, "patient_data"),
                                                 table("audit", 1000, "audit_data")};
    const std::vector<WarmExtent> extents = {{0, 0, 0, scattered, 0b1, 0, 34},
                                             {1, 0, 0, scattered, 0, 0, 32}};
    const auto readiness = readiness_of(relations, extents, {}, {{0, 0, 0, 0b1}});
    ASSERT_EQ(readiness.size(), 2u);
    EXPECT_EQ(readiness[0].data_class, "audit_data");
    EXPECT_EQ(readiness[0].share(), 0);
    EXPECT_NEAR(readiness[1].share(), 3.0 / 34, 1e-9); // the busy block counts three times
}

TEST(WarmReadiness, WhatTheBudgetLeavesOutIsNotWaitedFor) {
    const std::vector<WarmRelation> relations = {table("a", 1000)};
    const auto readiness =
        readiness_of(relations, {{0, 0, 0, all, 0, 0, 300}, {0, 0, 1, all, 0, 0, 200}},
                     {.shared_buffers_blocks = 64}, {{0, 0, 0, all}});
    ASSERT_EQ(readiness.size(), 1u);
    EXPECT_EQ(readiness[0].share(), 1);
}

} // namespace
} // namespace triage
