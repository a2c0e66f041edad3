// Which existing indexes are not worth keeping, or want to be built anew: invalid ones, those that
// another one serves as well, those that nobody used, bloated ones.
//
// What must stay is never told to be dropped: an index that enforces a constraint or uniqueness,
// one that logical replication or CLUSTER goes by, one that is part of a partitioned index.
#pragma once

#include "core/index_definition.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace triage {

struct IndexFacts {
    std::uint32_t id = 0;
    RelationId relation = 0;
    std::optional<IndexDefinition> definition; // none: a kind of index that is not compared
    double bytes = 0, expected_bytes = 0;      // expected of a fresh build; 0: not known
    std::int64_t scans = 0;
    bool valid = true;
    bool being_built = false; // perhaps: somebody works on the table
    bool unique = false, nulls_not_distinct = false;
    bool constraint = false; // belongs to one, or a foreign key refers to it
    bool replica_identity = false, clustered = false;
    bool attached = false;  // part of a partitioned index, and goes with it alone
    std::uint32_t root = 0; // of an attached one: the topmost partitioned index
};

enum class DropReason {
    Invalid,
    Duplicate, // the same as another one
    Redundant, // the leading part of another one
    Unused,
    Bloated
};

struct DropAdvice {
    const IndexFacts *index = nullptr;
    DropReason reason = DropReason::Unused;
    const IndexFacts *served_by = nullptr; // of Duplicate, Redundant: one that stays
    bool rebuild = false;                  // REINDEX instead of DROP
};

// A bloated index is at least so many times as large as it needs to be, and by so many bytes: less
// is what ordinary life leaves behind, or the size model's error.
inline constexpr double bloated = 2;
inline constexpr double least_bloat_bytes = 1 << 20;

// The advice points into `indexes`; at most one for each, in their order. Only if the scans were
// counted for long enough is an index called unused.
std::vector<DropAdvice> advise_on_drops(const std::vector<IndexFacts> &indexes,
                                        bool counted_long_enough);

} // namespace triage
