// A candidate index as the planner wants to see it, and the hook that shows it. Plain data in the
// memory context that was current when it was resolved.
#pragma once

#include "core/what_if.h"
#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "access/htup.h"
#include "nodes/params.h"
#include "nodes/pathnodes.h"
#include "utils/hsearch.h"
PG_HEADERS_END

namespace triage {

// Everything about an index that a plan needs and that does not change from one plan to the next.
// Looking up operator classes costs more than planning does, so it is done once.
struct HypotheticalIndex {
    Oid relid, method; // the access method: B-tree, GIN or BRIN
    bool partitioned;  // the relation's partitions have it
    int key_count, column_count;
    int *columns; // 0: expression
    Oid *opfamilies, *input_types, *collations;
    Oid *key_types; // of what a GIN index stores of a key
    bool *descending, *nulls_first, *can_return;
    bytea **opclass_options;
    List *expressions, *predicate, *target_list; // Vars have varno 1

    HeapTuple *statistics; // of keys that are expressions; null where there are none
    // It lends the planner statistics and is not to be read.
    bool only_statistics;

    // Filled from a Candidate, or for a partition by the hook.
    double tuples, pages, leaf_pages, inner_pages_per_leaf;
    int tree_height;
    double share; // of the relation's rows; 1 for an index without predicate
};

// Resolves a definition. Raises what CREATE INDEX would, so call it inside call_server.
HypotheticalIndex *resolve_index(const IndexDefinition &definition);

struct OfferedIndex {
    HypotheticalIndex *index;
    Oid oid; // not that of any relation
};

// What the planner is shown, and in which of its calls: those that were given these very
// parameters.
struct IndexOffer {
    ParamListInfo parameters;
    const OfferedIndex *indexes;
    int count;
    MemoryContext context;    // for what is kept from one plan to the next
    HTAB *partitions;         // made by make_partition_cache
    const char *const *names; // of the indexes, for EXPLAIN; may be null
};

HTAB *make_partition_cache(MemoryContext context);

// Shows the offer while it lives. No plan made meanwhile may be executed or cached.
class ActiveOffer {
  public:
    explicit ActiveOffer(const IndexOffer &offer) noexcept;
    ~ActiveOffer();
    ActiveOffer(const ActiveOffer &) = delete;
    ActiveOffer &operator=(const ActiveOffer &) = delete;

  private:
    const IndexOffer *outer_;
};

} // namespace triage
