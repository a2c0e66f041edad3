#include "core/key_sample.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace triage {
namespace {

// Values seen this often or more have about the share of all rows that they have of the sample.
constexpr int common_from = 12;
// Rare values fall into levels of this many a doubling of their number of rows.
constexpr double levels_an_octave = 3;
constexpr int fitting_steps = 2000;
// Equal keys are equally large and are NULL in the same columns, so each such kind of key is fitted
// by itself if there are so many rows of it.
constexpr double smallest_stratum = 500;

// How many values were seen once, twice, ... in the sample.
using Spectrum = std::array<double, common_from>;

struct Level {
    double rows;              // that a value of this level has
    double values = 0;        // how many there are
    Spectrum seen_times = {}; // probability that one is seen k times
    double seen = 0;          // the sum of that for 1 <= k < common_from
};

// Values that have 1, 2, 3 … rows, up to those that hardly ever stay rare in the sample.
std::vector<Level> levels_of(double sampled_share) {
    std::vector<Level> levels;
    double most = 3 * common_from / sampled_share;
    for (double step = 0, rows = 1; rows <= most; step++) {
        double next = std::round(std::exp2(step / levels_an_octave));
        if (!levels.empty() && next <= levels.back().rows)
            continue;
        rows = next;
        levels.push_back({.rows = rows});
    }
    double log_in = std::log(sampled_share), log_out = std::log1p(-sampled_share);
    for (Level &level : levels)
        for (int k = 1; k < common_from && k <= level.rows; k++) {
            double combinations = std::lgamma(level.rows + 1) - std::lgamma(k + 1.0) -
                                  std::lgamma(level.rows - k + 1);
            level.seen_times[k] = std::exp(combinations + k * log_in + (level.rows - k) * log_out);
            level.seen += level.seen_times[k];
        }
    return levels;
}

// The numbers of values by level that make the spectrum most likely (each count a Poisson's), by
// expectation maximisation from a start that has the same number of rows at every level. Stopping
// before it has converged keeps the answer smooth.
void fit(std::vector<Level> &levels, const Spectrum &spectrum, double rows) {
    for (Level &level : levels)
        level.values = rows / static_cast<double>(levels.size()) / level.rows;
    for (int step = 0; step < fitting_steps; step++) {
        Spectrum expected{};
        for (const Level &level : levels)
            for (int k = 1; k < common_from; k++)
                expected[k] += level.values * level.seen_times[k];
        Spectrum ratio{};
        for (int k = 1; k < common_from; k++)
            ratio[k] = expected[k] > 0 ? spectrum[k] / expected[k] : 0;
        for (Level &level : levels) {
            double sum = 0;
            for (int k = 1; k < common_from; k++)
                sum += level.seen_times[k] * ratio[k];
            level.values *= level.seen > 0 ? sum / level.seen : 0;
        }
    }
}

// How many sampled rows of values that stay rare a level stands for.
double rare_rows(const Level &level) {
    double rows = 0;
    for (int k = 1; k < common_from; k++)
        rows += k * level.seen_times[k];
    return level.values * rows;
}

// Sampled keys of values that were not seen often.
struct RareKeys {
    Spectrum spectrum{};
    double rows = 0;
    std::map<int, double> rows_by_size;

    void add(const SampledKey &key, std::size_t count) {
        spectrum[count]++;
        rows += static_cast<double>(count);
        rows_by_size[key.size] += static_cast<double>(count);
    }

    void add(const RareKeys &other) {
        for (int k = 1; k < common_from; k++)
            spectrum[k] += other.spectrum[k];
        rows += other.rows;
        for (auto [size, rows_of_size] : other.rows_by_size)
            rows_by_size[size] += rows_of_size;
    }
};

// Brings classes of about the same frequency and of the same size together.
class Classes {
  public:
    void add(double share, double rows_per_value, int size) {
        if (share <= 0)
            return;
        int octave =
            rows_per_value > 0 ? static_cast<int>(std::floor(std::log2(rows_per_value) * 4)) : -1;
        EntryClass &entries = classes_[{octave, size}];
        // The number of values is what has to stay.
        double values = rows_per_value > 0 ? share / rows_per_value : 0;
        if (entries.rows_per_value > 0)
            values += entries.share / entries.rows_per_value;
        entries.size = size;
        entries.share += share;
        entries.rows_per_value = values > 0 ? entries.share / values : 0;
    }

    std::vector<EntryClass> all() const {
        std::vector<EntryClass> result;
        for (const auto &[place, entries] : classes_)
            result.push_back(entries);
        return result;
    }

  private:
    std::map<std::pair<int, int>, EntryClass> classes_;
};

// `sampled` of `rows` entries were looked at in all.
void add_rare(const RareKeys &rare, double sampled, double rows, Classes &classes) {
    // What was always seen once is a key. (Otherwise the fit leaves a trace of company.)
    std::vector<Level> levels;
    double fitted = 0;
    if (rare.spectrum[1] < rare.rows) {
        levels = levels_of(sampled / rows);
        fit(levels, rare.spectrum, rows * rare.rows / sampled);
        for (const Level &level : levels)
            fitted += rare_rows(level);
    }
    for (auto [size, rows_of_size] : rare.rows_by_size) {
        double share = rows_of_size / sampled;
        if (fitted <= 0)
            classes.add(share, 0, size);
        for (const Level &level : levels)
            classes.add(share * rare_rows(level) / fitted, level.rows > 1 ? level.rows : 0, size);
    }
}

} // namespace

std::vector<EntryClass> classes_of_sample(std::span<const SampledKey> sample, double rows) {
    std::vector<SampledKey> keys(sample.begin(), sample.end());
    std::sort(keys.begin(), keys.end(),
              [](const SampledKey &a, const SampledKey &b) { return a.image < b.image; });
    auto sampled = static_cast<double>(keys.size());
    bool complete = sampled >= rows;
    rows = std::max(rows, sampled);

    Classes classes;
    std::map<std::pair<std::uint32_t, int>, RareKeys> strata;
    for (std::size_t from = 0, to; from < keys.size(); from = to) {
        for (to = from; to < keys.size() && keys[to].image == keys[from].image; to++)
            ;
        std::size_t count = to - from;
        double share = static_cast<double>(count) / sampled;
        if (complete || count >= common_from)
            classes.add(share, complete && count == 1 ? 0 : share * rows, keys[from].size);
        else
            strata[{keys[from].nulls, keys[from].size}].add(keys[from], count);
    }
    // What is too little to go by itself goes with the others of the same columns.
    std::map<std::uint32_t, RareKeys> small;
    for (const auto &[kind, stratum] : strata) {
        if (stratum.rows >= smallest_stratum)
            add_rare(stratum, sampled, rows, classes);
        else
            small[kind.first].add(stratum);
    }
    for (const auto &[nulls, stratum] : small)
        add_rare(stratum, sampled, rows, classes);
    return classes.all();
}

double distinct_values(std::span<const EntryClass> classes, double rows) {
    double values = 0;
    for (const EntryClass &entries : classes)
        values += entries.share * rows / std::max(entries.rows_per_value, 1.0);
    return values;
}

} // namespace triage
