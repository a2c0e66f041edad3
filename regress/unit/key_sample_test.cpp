// Samples drawn from columns whose real make-up is known.
#include "core/key_sample.h"
#include "core/size_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace triage;

namespace {

constexpr int rows = 1'000'000, sampled = 30'000;

// `value_of` gives a row's value; rows are drawn without replacement.
template <class ValueOf> std::vector<SampledKey> draw(ValueOf value_of, int size = 16) {
    std::mt19937_64 random(1);
    std::vector<SampledKey> sample;
    int wanted = sampled;
    for (int row = 0; row < rows; row++)
        if (std::uniform_int_distribution<int>(0, rows - row - 1)(random) < wanted) {
            sample.push_back({static_cast<std::uint64_t>(value_of(row)), size});
            wanted--;
        }
    return sample;
}

double share_of(const std::vector<EntryClass> &classes) {
    double sum = 0;
    for (const EntryClass &entries : classes)
        sum += entries.share;
    return sum;
}

double sampled_pages(const std::vector<SampledKey> &sample) {
    return estimate_btree_size({.tuples = rows,
                                .keys = {{.average_width = 8, .distinct = rows}},
                                .sampled = classes_of_sample(sample, rows)})
        .pages;
}

TEST(KeySample, KeysThatNeverRepeatAreUnique) {
    auto classes = classes_of_sample(draw([](int row) { return row; }), rows);
    ASSERT_EQ(classes.size(), 1u);
    EXPECT_EQ(classes[0].rows_per_value, 0);
    EXPECT_NEAR(classes[0].share, 1, 1e-9);
    EXPECT_NEAR(distinct_values(classes, rows), rows, 1);
}

// How many values there are can only be told roughly where most of them were seen once; how large
// the index is can be told well.
TEST(KeySample, MeasuresValuesThatAllHaveAsManyRows) {
    for (int group : {2, 5, 20, 100, 1000, 50000}) {
        std::vector<SampledKey> all;
        for (int row = 0; row < rows; row++)
            all.push_back({static_cast<std::uint64_t>(row / group), 16});
        auto sample = draw([&](int row) { return row / group; });
        EXPECT_NEAR(sampled_pages(sample) / sampled_pages(all), 1, 0.1)
            << group << " rows a value";
        auto classes = classes_of_sample(sample, rows);
        EXPECT_NEAR(distinct_values(classes, rows) * group / rows, 1, 0.3) << group;
        EXPECT_NEAR(share_of(classes), 1, 1e-6);
    }
}

// A long tail, of which the usual estimators see too little: cubes of a uniform number.
TEST(KeySample, MeasuresALongTailBySizeOfTheIndex) {
    std::mt19937_64 random(7);
    std::vector<std::uint64_t> values(rows);
    for (auto &value : values)
        value = static_cast<std::uint64_t>(
            5e5 * std::pow(std::uniform_real_distribution<>(0, 1)(random), 3));
    std::vector<SampledKey> all;
    for (std::uint64_t value : values)
        all.push_back({value, 16});
    double real = sampled_pages(all);
    EXPECT_NEAR(sampled_pages(draw([&](int row) { return values[row]; })) / real, 1, 0.05);
}

TEST(KeySample, TakesACompleteSampleAsItIs) {
    std::vector<SampledKey> sample;
    for (int row = 0; row < 300; row++)
        sample.push_back({static_cast<std::uint64_t>(row < 100 ? 0 : row), 16});
    auto classes = classes_of_sample(sample, 300);
    EXPECT_NEAR(distinct_values(classes, 300), 201, 1e-6);
    EXPECT_NEAR(share_of(classes), 1, 1e-9);
}

TEST(KeySample, KeepsSizesApart) {
    std::vector<SampledKey> sample;
    for (int row = 0; row < 3000; row++)
        sample.push_back({static_cast<std::uint64_t>(row), row % 3 ? 16 : 64});
    double wide = 0;
    for (const EntryClass &entries : classes_of_sample(sample, rows))
        wide += entries.size == 64 ? entries.share : 0;
    EXPECT_NEAR(wide, 1.0 / 3, 0.01);
}

TEST(KeySample, SurvivesWhatCannotBe) {
    EXPECT_TRUE(classes_of_sample({}, 100).empty());
    std::vector<SampledKey> sample{{1, 16}, {1, 16}, {2, 16}};
    for (double claimed : {0.0, 1.0, 3.0, 1e12}) {
        auto classes = classes_of_sample(sample, claimed);
        EXPECT_NEAR(share_of(classes), 1, 1e-6);
        EXPECT_TRUE(std::isfinite(distinct_values(classes, claimed)));
    }
}

} // namespace
