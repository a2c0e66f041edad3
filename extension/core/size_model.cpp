#include "core/size_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

namespace triage {
namespace {

constexpr int page_size = 8192;
constexpr int page_overhead = 24 + 16; // PageHeaderData, BTPageOpaqueData
constexpr int line_pointer = 4;
constexpr int heap_tid = 6;
constexpr int tuple_header = 8;             // IndexTupleData
constexpr int tuple_header_with_nulls = 16; // and the NULL bitmap, MAXALIGNed
constexpr int inner_fill_factor = 70;       // BTREE_NONLEAF_FILLFACTOR
constexpr int largest_tuple = 2704;         // BTMaxItemSize
// While an index is built a posting list takes at most a tenth of a page (_bt_load), not the third
// that later insertions allow.
constexpr int largest_posting = (page_size / 10 & ~7) - line_pointer;
// What is free on a new page once the high key's line pointer and the next item's are taken.
constexpr int initial_free = page_size - page_overhead - 2 * line_pointer;

// Most common values that have this share of the rows are all that there are: the frequencies are
// single-precision shares of a sample.
constexpr double all_listed = 0.9999;

int max_align(int size) {
    return (size + 7) & ~7;
}

// ---- How large tuples are ---------------------------------------------------------------------

// Tuple sizes in bytes and how often they occur; sums to 1. There are few of them: one, or some for
// each column of variable width.
class SizeDistribution {
  public:
    SizeDistribution() = default;
    explicit SizeDistribution(int size) : shares_{{size, 1.0}} {}

    void add(int size, double share) {
        const auto known = std::find_if(shares_.rbegin(), shares_.rend(),
                                        [&](const auto &other) { return other.first == size; });
        if (known == shares_.rend())
            shares_.emplace_back(size, share);
        else
            known->second += share;
    }
    auto begin() const { return shares_.begin(); }
    auto end() const { return shares_.end(); }

  private:
    std::vector<std::pair<int, double>> shares_;
};

double mean(const SizeDistribution &sizes) {
    double sum = 0;
    for (auto [size, share] : sizes)
        sum += size * share;
    return sum;
}

// Values of variable width are taken to spread around their average: only the average is known, and
// rounding each tuple up to 8 bytes makes a difference between "all 9 bytes" and "about 9 bytes".
SizeDistribution widths_of(const SizedColumn &column) {
    if (column.fixed_width)
        return SizeDistribution(std::max(1, static_cast<int>(std::lround(column.average_width))));
    SizeDistribution widths;
    for (double factor : {0.8, 0.9, 1.0, 1.1, 1.2})
        widths.add(std::max(1, static_cast<int>(std::lround(column.average_width * factor))), 0.2);
    return widths;
}

// A variable-width value of up to 126 bytes has a header of one byte and stands unaligned.
int alignment_of(const SizedColumn &column) {
    if (!column.fixed_width && column.average_width <= 127)
        return 1;
    return std::max<int>(1, column.alignment);
}

void append(SizeDistribution &sizes, const SizedColumn &column) {
    SizeDistribution widths = widths_of(column);
    int alignment = alignment_of(column);
    SizeDistribution result;
    for (auto [offset, offset_share] : sizes) {
        int aligned = (offset + alignment - 1) / alignment * alignment;
        for (auto [width, width_share] : widths)
            result.add(std::min(aligned + width, largest_tuple), offset_share * width_share);
    }
    sizes = std::move(result);
}

SizeDistribution rounded(const SizeDistribution &sizes) {
    SizeDistribution result;
    for (auto [size, share] : sizes)
        result.add(max_align(size), share);
    return result;
}

// ---- How many rows share a key ----------------------------------------------------------------

// Key values that are alike in how many rows have them. As rows_per_value goes to 0, the values
// become unique.
struct ValueClass {
    double share;          // of the rows
    double rows_per_value; // expected, as if rows drew their values at random
};

using ValueClasses = std::vector<ValueClass>;

// Of `distinct` values seen among `rows` rows drawn at random: how many rows a value has on
// average, counting the values that happened not to be drawn. With 632,000 distinct values in a
// million rows there are a million possible ones: many are single, some have company.
double rows_per_value(double rows, double distinct) {
    if (distinct >= rows * 0.9999)
        return 0;
    double mean_when_seen = rows / std::max(distinct, 1.0);
    // Newton's method for x / (1 - exp(-x)) = mean_when_seen; the left side is convex and grows, so
    // that from the right it comes down to the root.
    double x = mean_when_seen;
    for (int step = 0; step < 60; step++) {
        double missed = std::exp(-x), seen = -std::expm1(-x);
        double excess = x / seen - mean_when_seen;
        if (excess <= 1e-12 * mean_when_seen)
            break;
        x -= excess * seen * seen / (seen - x * missed);
    }
    return x;
}

// The least number in the same quarter of an octave as a positive one.
double quarter_octave(double number) {
    int octave;
    const double within = std::frexp(number, &octave); // 0.5 to 1
    const double least = within < 0.59460355750136053   ? 0.5
                         : within < 0.70710678118654752 ? 0.59460355750136053
                         : within < 0.84089641525371454 ? 0.70710678118654752
                                                        : 0.84089641525371454;
    return std::ldexp(least, octave);
}

// Brings classes of about the same size together (quarter octaves), keeping the number of values.
ValueClasses compressed(const ValueClasses &classes) {
    struct Sum {
        double octave, share = 0, values = 0;
    };
    std::vector<Sum> sums;
    for (const ValueClass &c : classes) {
        const double octave = c.rows_per_value <= 1e-6 ? 0 : quarter_octave(c.rows_per_value);
        auto sum = std::find_if(sums.rbegin(), sums.rend(),
                                [&](const Sum &other) { return other.octave == octave; });
        if (sum == sums.rend()) {
            sums.push_back({.octave = octave});
            sum = sums.rbegin();
        }
        sum->share += c.share;
        if (octave > 0)
            sum->values += c.share / c.rows_per_value;
    }
    ValueClasses result;
    for (const Sum &sum : sums)
        result.push_back({sum.share, sum.values > 0 ? sum.share / sum.values : 0});
    return result;
}

// The classes of one column's non-null values, among `rows` rows that all have one.
ValueClasses classes_of(const SizedColumn &column, double rows) {
    const double of_all = 1 / std::max(1 - column.null_fraction, 1e-9);
    ValueClasses classes;
    double rest = 1, listed = 0;
    // Most common values come in order: those of about the same size are next to each other.
    const auto end = column.mcv_frequencies.end();
    for (auto value = column.mcv_frequencies.begin(); value != end && rest > 0;) {
        const double least = quarter_octave(*value * of_all);
        double share = 0, values = 0;
        for (; value != end && *value * of_all >= least; ++value, values++)
            share += *value * of_all;
        if (values == 0)
            break;
        share = std::min(share, rest);
        classes.push_back({share, share * rows / values});
        rest -= share;
        listed += values;
    }
    if (rest > 1e-6) {
        const double others = column.distinct - listed;
        const double of_rest =
            column.distinct <= 0 ? 0 : rows_per_value(rest * rows, std::max(others, 1.0));
        classes.push_back({rest, of_rest});
    }
    return compressed(classes);
}

// Columns are taken to be independent of each other.
ValueClasses joined(const ValueClasses &a, const ValueClasses &b, double rows) {
    if (a.size() == 1 && a.front().share == 1 && a.front().rows_per_value == rows)
        return b;
    ValueClasses result;
    for (const ValueClass &x : a)
        for (const ValueClass &y : b)
            result.push_back({x.share * y.share, x.rows_per_value * y.rows_per_value / rows});
    return compressed(result);
}

// ---- How items fill leaf pages ----------------------------------------------------------------

class LeafLevel {
  public:
    explicit LeafLevel(double fill_factor)
        : soft_limit_(initial_free - static_cast<int>(page_size * (100 - fill_factor) / 100)) {}

    // `rows` rows whose tuples all have `size` bytes, none sharing a tuple.
    void add_plain(double rows, int size) { add_alike(rows, size, 0); }

    // `rows` rows, in groups of `rows_per_value` (expected) that share a value.
    void add_deduplicated(double rows, double rows_per_value, int size) {
        int most = most_in_posting(size);
        if (rows_per_value < 1e-6 || most < 2) {
            add_plain(rows, size);
            return;
        }
        add_groups(rows / rows_per_value, size, most,
                   [&](auto visit) { for_each_group_size(rows_per_value, visit); });
    }

    // The same where groups have just this size.
    void add_equal_groups(double rows, double group, int size) {
        int most = most_in_posting(size);
        if (group <= 1 || most < 2) {
            add_plain(rows, size);
            return;
        }
        double smaller = std::floor(group), larger_share = group - smaller;
        add_groups(rows / group, size, most, [&](auto visit) {
            visit(smaller, 1 - larger_share);
            visit(smaller + 1, larger_share);
        });
    }

    double items() const { return items_; }
    double pages() const { return pages_; }

  private:
    struct Stream {
        double items = 0, bytes = 0, truncated = 0;

        void add(double number, int size, int truncated_size) {
            items += number;
            bytes += number * size;
            truncated += number * truncated_size;
        }
    };

    static int most_in_posting(int size) {
        return size < largest_posting ? (largest_posting / 8 * 8 - size) / heap_tid : 1;
    }

    // `group_sizes` visits the sizes of `values` groups, with their probabilities.
    template <class GroupSizes>
    void add_groups(double values, int size, int most, GroupSizes group_sizes) {
        int full_size = max_align(size + most * heap_tid);
        Stream full, rest;
        group_sizes([&](double group, double probability) {
            double number = values * probability;
            double full_lists = std::floor(group / most);
            full.add(number * full_lists, full_size, full_size - size);
            double left = group - full_lists * most;
            int posting = max_align(static_cast<int>(size + left * heap_tid));
            if (left >= 2)
                rest.add(number, posting, posting - size);
            else if (left > 0)
                rest.add(number, size, 0);
        });
        add_alike(full.items, full_size, full_size - size);
        add_mixed(rest);
    }

    // _bt_buildadd ends a page when its free space falls below the fill factor's, or the next item
    // with a heap TID in its high key would not fit. The page's last item then moves to the next
    // page and leaves its key as high key, without its posting list (`truncated` bytes).
    void add_alike(double items, double size, double truncated) {
        if (items <= 0)
            return;
        double slot = size + line_pointer;
        double by_fill_factor = std::floor((soft_limit_ + truncated) / slot);
        double by_space = std::floor((initial_free - line_pointer) / slot) - 1;
        add_pages(items, std::min(by_fill_factor, by_space));
    }

    // The same where sizes differ: on average half an item is lost to rounding.
    void add_mixed(const Stream &stream) {
        if (stream.items <= 0)
            return;
        double slot = stream.bytes / stream.items + line_pointer;
        double by_fill_factor = (soft_limit_ + stream.truncated / stream.items) / slot - 0.5;
        double by_space = (initial_free - line_pointer) / slot - 1.5;
        add_pages(stream.items, std::min(by_fill_factor, by_space));
    }

    void add_pages(double items, double items_per_page) {
        items_ += items;
        pages_ += items / std::max(items_per_page, 2.0);
    }

    // Sizes of groups whose members came together at random: Poisson, around the mean; where that
    // is large, the normal distribution at every half standard deviation.
    template <class Visit> static void for_each_group_size(double mean, Visit visit) {
        if (mean > 10000) {
            visit(std::round(mean), 1.0);
            return;
        }
        const double deviation = std::sqrt(mean);
        if (mean > 100) {
            for (const auto &[deviations, probability] : normal_distribution())
                visit(std::round(mean + deviations * deviation), probability);
            return;
        }
        const double spread = 6 * deviation + 6;
        double k = std::max(1.0, std::floor(mean - spread));
        double probability = std::exp(k * std::log(mean) - mean - std::lgamma(k + 1));
        for (; k <= mean + spread; k++) {
            visit(k, probability);
            probability *= mean / (k + 1);
        }
    }

    using NormalDistribution = std::array<std::pair<double, double>, 17>;

    static const NormalDistribution &normal_distribution() {
        static const NormalDistribution distribution = [] {
            NormalDistribution result;
            double sum = 0;
            for (std::size_t i = 0; i < result.size(); i++) {
                const double deviations = static_cast<double>(i) / 2 - 4;
                result[i] = {deviations, std::exp(-deviations * deviations / 2)};
                sum += result[i].second;
            }
            for (auto &[deviations, probability] : result)
                probability /= sum;
            return result;
        }();
        return distribution;
    }

    double soft_limit_;
    double items_ = 0, pages_ = 0;
};

// Deduplicates by the set of columns that are NULL, since that decides both the size of a tuple and
// which values can differ. NULLs are equal to each other here.
void fill_by_null_pattern(const SizeInput &input, LeafLevel &leaf) {
    std::vector<const SizedColumn *> columns;
    for (const SizedColumn &column : input.keys)
        columns.push_back(&column);
    std::size_t key_count = columns.size();
    for (const SizedColumn &column : input.include)
        columns.push_back(&column);

    // Every further nullable column doubles the work; beyond six the rest count as never NULL.
    std::vector<std::size_t> nullable;
    for (std::size_t i = 0; i < columns.size() && nullable.size() < 6; i++)
        if (columns[i]->null_fraction > 0)
            nullable.push_back(i);

    bool deduplicate = input.deduplicate && !input.unique && input.include.empty();
    for (unsigned pattern = 0; pattern < 1u << nullable.size(); pattern++) {
        std::vector<bool> is_null(columns.size(), false);
        double share = 1;
        for (std::size_t bit = 0; bit < nullable.size(); bit++) {
            double null_fraction = std::min(columns[nullable[bit]]->null_fraction, 1.0);
            is_null[nullable[bit]] = pattern >> bit & 1;
            share *= is_null[nullable[bit]] ? null_fraction : 1 - null_fraction;
        }
        double rows = input.tuples * share;
        if (rows < 0.5)
            continue;

        SizeDistribution sizes(pattern ? tuple_header_with_nulls : tuple_header);
        ValueClasses classes{{1.0, rows}};
        for (std::size_t i = 0; i < columns.size(); i++) {
            if (is_null[i])
                continue;
            append(sizes, *columns[i]);
            if (deduplicate && i < key_count)
                classes = joined(classes, classes_of(*columns[i], rows), rows);
        }
        for (auto [size, size_share] : rounded(sizes)) {
            if (!deduplicate) {
                leaf.add_plain(rows * size_share, size);
                continue;
            }
            for (const ValueClass &c : classes)
                leaf.add_deduplicated(rows * size_share * c.share, c.rows_per_value, size);
        }
    }
}

void fill_by_sample(const SizeInput &input, LeafLevel &leaf) {
    bool deduplicate = input.deduplicate && !input.unique && input.include.empty();
    for (const EntryClass &entries : input.sampled) {
        double rows = input.tuples * entries.share;
        if (!deduplicate)
            leaf.add_plain(rows, entries.size);
        else if (entries.rows_per_value < 12)
            leaf.add_equal_groups(rows, entries.rows_per_value, entries.size);
        else
            leaf.add_deduplicated(rows, entries.rows_per_value, entries.size);
    }
}

// ---- The levels above -------------------------------------------------------------------------

// A downlink keeps only the columns it needs to tell its page from the one before; where whole keys
// are equal it keeps a heap TID as well.
double mean_downlink(const SizeInput &input, double leaf_items) {
    SizeDistribution sizes(tuple_header);
    double possible = 1, told_apart = 0, result = 0;
    for (const SizedColumn &column : input.keys) {
        append(sizes, column);
        double distinct = column.distinct > 0 ? column.distinct : input.tuples;
        possible = std::min(possible * (distinct + (column.null_fraction > 0 ? 1 : 0)), 1e15);
        double seen = possible * -std::expm1(-input.tuples / possible);
        double share = std::clamp(seen / std::max(leaf_items, 1.0), told_apart, 1.0);
        result += (share - told_apart) * mean(rounded(sizes));
        told_apart = share;
    }
    double tid = input.unique ? 0 : max_align(heap_tid);
    return result + (1 - told_apart) * (mean(rounded(sizes)) + tid);
}

} // namespace

SizeEstimate estimate_btree_size(const SizeInput &input) {
    SizeEstimate estimate;
    estimate.leaf_pages = 0;
    if (input.tuples >= 0.5) {
        LeafLevel leaf(input.fill_factor);
        if (input.sampled.empty())
            fill_by_null_pattern(input, leaf);
        else
            fill_by_sample(input, leaf);
        estimate.leaf_pages = std::max(1.0, std::ceil(leaf.pages()));

        double downlink = mean_downlink(input, leaf.items()) + line_pointer;
        double soft_limit = initial_free - page_size * (100 - inner_fill_factor) / 100;
        // The first downlink of a page has no key at all.
        double fan_out = std::max(
            2.0, std::floor((soft_limit + downlink - tuple_header - line_pointer) / downlink));
        double level = estimate.leaf_pages;
        estimate.pages += level;
        while (level > 1) {
            level = std::ceil(level / fan_out);
            estimate.pages += level;
            estimate.tree_height++;
        }
    }
    estimate.bytes = estimate.pages * page_size;
    return estimate;
}

bool statistics_tell_all(const IndexDefinition &definition, const Relation &relation) {
    if (definition.method != IndexMethod::Btree || definition.keys.size() != 1 ||
        !definition.include.empty() || !definition.predicate.empty())
        return false;
    const AttributeNumber number = definition.keys.front().key.attribute;
    const auto attribute =
        std::find_if(relation.attributes.begin(), relation.attributes.end(),
                     [&](const Attribute &candidate) { return candidate.number == number; });
    if (attribute == relation.attributes.end() || !attribute->fixed_width)
        return false;
    const double listed =
        std::accumulate(attribute->mcv_frequencies.begin(), attribute->mcv_frequencies.end(),
                        attribute->null_fraction);
    return listed >= all_listed;
}

} // namespace triage
