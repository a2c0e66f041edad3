// What a random sample of a table's rows says of an index: how the index's entries divide into
// groups that share a key. Unlike the columns' own statistics it knows how columns hang together,
// what an expression makes of them and which rows a predicate keeps.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace triage {

// The index tuple that one sampled row would have.
struct SampledKey {
    std::uint64_t image = 0; // a hash of its bytes
    int size = 0;            // of the tuple, with header and alignment
    std::uint32_t nulls = 0; // which of its columns are NULL
};

// Entries of the whole index that are alike in their size and in how many rows share their key.
struct EntryClass {
    double share = 0;          // of all entries; sums to 1
    double rows_per_value = 0; // expected, as if rows drew their values at random; 0: unique
    int size = 0;
};

// `rows` entries are in the index, of which `sample` was drawn at random without replacement.
std::vector<EntryClass> classes_of_sample(std::span<const SampledKey> sample, double rows);

// The number of values that these classes amount to.
double distinct_values(std::span<const EntryClass> classes, double rows);

} // namespace triage
