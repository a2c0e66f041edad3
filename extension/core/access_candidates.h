// The ways in which an index could serve one access to one relation: which conditions go into the
// predicate, which columns lead in any order, which follow in a given order, what is included. And
// the GIN and BRIN indexes for what a B-tree cannot serve, or only by being large.
#pragma once

#include "core/index_definition.h"
#include "core/workload.h"

#include <vector>

namespace triage {

struct IndexShape {
    IndexMethod method = IndexMethod::Btree;
    std::vector<std::string> predicate; // sorted
    std::vector<KeyColumn> equal;       // interchangeable; the best guess at their order
    std::vector<KeyColumn> ordered;     // after them, in this order
    std::vector<AttributeNumber> include;

    IndexDefinition definition(RelationId relation) const;
};

// The most promising first, bounded in number; none of them without a key. `volatile_columns`,
// sorted, are those that the workload's UPDATEs change: no key is put there only to have one.
std::vector<IndexShape> shapes_for(const RelationAccess &access, const Relation &relation,
                                   const std::vector<AttributeNumber> &volatile_columns);

// How many columns an index may include, and how wide they may be together.
bool worth_including(const std::vector<AttributeNumber> &columns, const Relation &relation);

} // namespace triage
