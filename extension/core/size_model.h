// How large a B-tree will be once it is built. Facts and formulas: PostgreSQL's nbtree (nbtsort.c,
// nbtdedup.c, itup.h, bufpage.h) and index_form_tuple.
#pragma once

#include "core/index_definition.h"
#include "core/key_sample.h"
#include "core/workload.h"

namespace triage {

// What the model must know of one key or INCLUDE column; the server layer estimates expressions.
struct SizedColumn {
    double average_width = 8; // bytes of a non-null value, as stored (with its varlena header)
    std::uint8_t alignment = 8;
    bool fixed_width = true;
    double distinct = 0;                // number of distinct non-null values among the indexed rows
    double null_fraction = 0;           // among the indexed rows
    std::vector<float> mcv_frequencies; // shares of the indexed rows, most common first
};

struct SizeInput {
    double tuples = 0; // rows that satisfy the predicate
    std::vector<SizedColumn> keys;
    std::vector<SizedColumn> include;
    double fill_factor = 90; // percent
    bool deduplicate = true; // off for INCLUDE and for types where equal is not identical
    bool unique = false;
    // Where rows were sampled: all the entries. The columns then count for the upper levels only.
    std::vector<EntryClass> sampled;
};

struct SizeEstimate {
    double pages = 1; // 8 kB, metapage included
    double leaf_pages = 1;
    double bytes = 8192;
    int tree_height = 0; // levels above the leaves, as the planner's tree_height
};

SizeEstimate estimate_btree_size(const SizeInput &input);

// True if pg_statistic lists all the values that such an index has: rows would tell no more of its
// size.
bool statistics_tell_all(const IndexDefinition &definition, const Relation &relation);

} // namespace triage
