// How large a BRIN index will be: one summary for each range of pages. Facts: PostgreSQL's brin
// (brin_page.h, brin_tuple.c).
#pragma once

#include "core/size_model.h"

#include <span>

namespace triage {

inline constexpr double brin_pages_per_range = 128; // the default

// `keys` are the summarised columns by their width and alignment, each with its smallest and its
// largest value; `tables` is how many partitions the pages are spread over (1: an ordinary table).
SizeEstimate estimate_brin_size(double table_pages, double tables,
                                std::span<const SizedColumn> keys);

} // namespace triage
