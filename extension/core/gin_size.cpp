#include "core/gin_size.h"

#include <algorithm>
#include <cmath>

namespace triage {
namespace {

constexpr double page_size = 8192;
constexpr double entry_page = page_size - 24 - 8;    // PageHeaderData, GinPageOpaqueData
constexpr double data_page = page_size - 24 - 8 - 8; // and the right bound
constexpr double line_pointer = 4;
constexpr double largest_entry = 2712; // GinMaxItemSize
constexpr double list_header = 8;      // GinPostingList: the first row, and the number of bytes
constexpr double longest_segment = 384;
// A page that overflows is cut in two halves, and keys come in ascending order, so that the left
// half stays as it is.
constexpr double half_full = 0.5;
// Where the build's memory does not hold all pairs, later rounds fill the pages up.
constexpr double filled_up = 0.69;
// An entry of the build's memory: a row's place in an array that doubles, and a key's node.
constexpr double memory_of_row = 9, memory_of_key = 96;
constexpr double inner_entries = 170; // of a page, with keys of a few bytes

double aligned(double size) {
    return std::ceil(size / 8) * 8;
}

// Rows are numbered by page and place, 2048 places a page, and each is kept as its distance from
// the one before, seven bits a byte. With a gap of so many rows on average, exponentially
// distributed:
double bytes_of_row(double gap, double rows_per_page) {
    double pages = gap / rows_per_page;
    double elsewhere = pages > 0 ? pages * -std::expm1(-1 / pages) : 0; // on another page
    return 1 + elsewhere + std::exp(-8 / pages) + std::exp(-1024 / pages) +
           std::exp(-131072 / pages);
}

} // namespace

SizeEstimate estimate_gin_size(const GinSizeInput &input) {
    const double pairs = input.rows * input.entries_per_row;
    double entry_bytes = 0, data_pages = 0, keys = 0;
    for (const EntryClass &entries : input.keys) {
        const double rows = std::max(entries.rows_per_value, 1.0);
        const double values = entries.share * pairs / rows;
        keys += values;
        const double list =
            (rows - 1) * bytes_of_row(input.rows / rows, std::max(input.rows_per_page, 1.0));
        const double whole = aligned(entries.size + list_header + std::ceil(list / 2) * 2);
        if (whole <= largest_entry) {
            entry_bytes += values * (whole + line_pointer);
            continue;
        }
        // The rows are in a tree of their own.
        entry_bytes += values * (entries.size + line_pointer);
        const double leaves =
            std::ceil(list * longest_segment / (longest_segment - list_header) / data_page);
        data_pages += values * (leaves > 1 ? leaves + 1 : 1);
    }
    const bool one_round =
        pairs * memory_of_row + keys * memory_of_key <= std::max(input.work_memory, 1.0);
    SizeEstimate size;
    const double leaves =
        std::ceil(entry_bytes / entry_page) <= 1
            ? 1
            : std::ceil(entry_bytes / entry_page / (one_round ? half_full : filled_up));
    const double inner = leaves > 1 ? std::ceil(leaves / inner_entries) : 0;
    size.leaf_pages = leaves;
    size.pages = 1 + leaves + inner + std::ceil(data_pages);
    size.bytes = size.pages * page_size;
    return size;
}

} // namespace triage
