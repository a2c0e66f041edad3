#include "core/brin_size.h"

#include <algorithm>
#include <cmath>

namespace triage {
namespace {

constexpr double page_size = 8192;
constexpr double room = page_size - 24 - 8;                     // PageHeaderData, BrinSpecialSpace
constexpr double ranges_of_map_page = (page_size - 24 - 8) / 6; // one ItemPointerData each
constexpr double line_pointer = 4;
constexpr double tuple_header = 8; // BrinTuple with its NULL bits, aligned

} // namespace

SizeEstimate estimate_brin_size(double table_pages, double tables,
                                std::span<const SizedColumn> keys) {
    double tuple = tuple_header;
    for (const SizedColumn &key : keys)
        for (int bound = 0; bound < 2; bound++) {
            const double alignment = key.fixed_width ? key.alignment : 1;
            tuple = std::ceil(tuple / alignment) * alignment + key.average_width;
        }
    tuple = std::ceil(tuple / 8) * 8 + line_pointer;
    tables = std::max(tables, 1.0);
    const double ranges = std::ceil(std::max(table_pages, 1.0) / tables / brin_pages_per_range);
    const double summaries = std::ceil(ranges / std::floor(room / tuple));
    SizeEstimate size;
    size.leaf_pages = tables * summaries;
    size.pages =
        tables * (1 + std::ceil(ranges / std::floor(ranges_of_map_page)) + summaries); // metapage
    size.bytes = size.pages * page_size;
    return size;
}

} // namespace triage
