#include "cache/advice.h"

#include <gtest/gtest.h>

#include <cmath>

namespace triage::advisor {
namespace {

constexpr double megabyte = 1024 * 1024;

std::vector<SizePoint> curve_of(std::initializer_list<std::pair<double, double>> points) {
    std::vector<SizePoint> curve;
    for (const auto &[megabytes, hit_rate] : points)
        curve.push_back({megabytes * megabyte, hit_rate, 0.0005, true});
    return curve;
}

TEST(CacheAdvice, GrowsWhereReadsAreSaved) {
    const SizeAdvice advice =
        advise_size(curve_of({{256, 0.80}, {512, 0.88}, {1024, 0.97}, {2048, 0.971}}),
                    512 * megabyte, 1000, INFINITY);
    EXPECT_EQ(advice.verdict, SizeAdvice::Verdict::Grow);
    EXPECT_EQ(advice.bytes, 1024 * megabyte);
    EXPECT_NEAR(advice.reads_saved_per_s, 90, 1e-6);
}

TEST(CacheAdvice, ShrinksWhereNothingIsLost) {
    const SizeAdvice advice = advise_size(curve_of({{256, 0.996}, {512, 0.997}, {1024, 0.998}}),
                                          512 * megabyte, 1000, INFINITY);
    EXPECT_EQ(advice.verdict, SizeAdvice::Verdict::Shrink);
    EXPECT_EQ(advice.bytes, 256 * megabyte);
}

TEST(CacheAdvice, KeepsToTheMemoryThatThereIs) {
    const SizeAdvice advice = advise_size(curve_of({{256, 0.80}, {512, 0.88}, {1024, 0.97}}),
                                          512 * megabyte, 1000, 600 * megabyte);
    EXPECT_EQ(advice.verdict, SizeAdvice::Verdict::Keep);
}

TEST(CacheAdvice, DifferencesWithinTheErrorDoNotCount) {
    auto curve = curve_of({{512, 0.88}, {1024, 0.90}});
    curve[1].error = 0.03;
    EXPECT_EQ(advise_size(curve, 512 * megabyte, 1000, INFINITY).verdict,
              SizeAdvice::Verdict::Keep);
}

TEST(CacheAdvice, SaysNothingWithoutEvidence) {
    auto curve = curve_of({{512, 0.88}, {1024, 0.97}});
    curve[0].observed = false;
    EXPECT_EQ(advise_size(curve, 512 * megabyte, 1000, INFINITY).verdict,
              SizeAdvice::Verdict::Unknown);
    EXPECT_EQ(advise_size({}, 512 * megabyte, 0, INFINITY).verdict, SizeAdvice::Verdict::Unknown);
}

TEST(CacheAdvice, FindsWhatCrowdsOutOthers) {
    const std::vector<CachedRelation> relations = {
        {"patients", "patient_data", false, 1000, 300, 30, 300, 1e6, 9.9e5},
        {"report_rows", "audit_data", false, 90000, 600, 590, 600, 7e4, 100},
        {"small_log", "audit_data", false, 20, 20, 20, 20, 50, 10}};
    const auto found = polluters(relations, 1000);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].name, "report_rows");
    EXPECT_TRUE(polluters({}, 0).empty());
}

TEST(CacheAdvice, SumsUpClasses) {
    const auto classes = by_class({{"a", "other", false, 10, 5, 0, 7, 100, 90},
                                   {"b", "patient_data", false, 10, 4, 0, 4, 1000, 500},
                                   {"a_idx", "other", true, 10, 1, 0, 1, 100, 100}});
    ASSERT_EQ(classes.size(), 2u);
    EXPECT_EQ(classes[0].data_class, "patient_data");
    EXPECT_EQ(classes[1].resident, 6);
    EXPECT_EQ(classes[1].hit_rate(), 0.95);
    EXPECT_FALSE(CachedClass{}.hit_rate());
}

TEST(CacheAdvice, TimesToLiveKeepTheStaleness) {
    const auto advice = advise_ttl(
        {{"vitals", "vital_signs", {.reads_per_s = 100, .writes_per_s = 50, .keys = 500}},
         {"icd", "reference_data", {.reads_per_s = 100, .writes_per_s = 0, .keys = 500}},
         {"unread", "other", {.reads_per_s = 0, .writes_per_s = 9, .keys = 10}}},
        0.02);
    ASSERT_EQ(advice.size(), 2u);
    EXPECT_EQ(advice[0].data_class, "reference_data");
    EXPECT_EQ(advice[0].ttl_s, 86400);
    EXPECT_GT(advice[0].at_advised.hit_rate, 0.99);
    EXPECT_NEAR(advice[1].at_advised.stale_share, 0.02, 1e-4);
    EXPECT_LT(advice[1].ttl_s, 60);
    EXPECT_GT(advice[1].at_default.stale_share, 0.5);
    EXPECT_EQ(advice[1].default_ttl_s, 900);
}

TEST(CacheAdvice, DefaultsAreThoseThatAreDocumented) {
    EXPECT_EQ(default_ttl_of("patient_data"), 1800);
    EXPECT_EQ(default_ttl_of("clinical_data"), 900);
    EXPECT_EQ(default_ttl_of("ai_inference"), 3600);
    EXPECT_EQ(default_ttl_of("emergency_data"), 300);
}

} // namespace
} // namespace triage::advisor
