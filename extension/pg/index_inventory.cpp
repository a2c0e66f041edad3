#include "pg/index_inventory.h"

#include "pg/as_role.h"
#include "pg/catalog_index.h"
#include "pg/index_pricing.h"
#include "pg/relation_facts.h"
#include "pg/scratch.h"
#include "pg/spi.h"
#include "pg/subtransaction.h"

PG_HEADERS_BEGIN
#include "access/relation.h"
#include "storage/lmgr.h"
#include "utils/rel.h"
PG_HEADERS_END

namespace triage {
namespace {

// A partitioned index is counted with all that is attached to it. Somebody who holds
// ShareUpdateExclusiveLock on the table may be building concurrently; a table's own jobs may have
// a partitioned index that is not complete yet.
constexpr const char *all_indexes = R"(
SELECT i.indexrelid, i.indrelid, t.relowner,
       pg_catalog.format('%I.%I', n.nspname, c.relname),
       c.relkind = 'I', c.relispartition, coalesce(pg_partition_root(c.oid)::oid, c.oid),
       i.indisvalid AND i.indisready AND i.indislive,
       i.indisunique, i.indnullsnotdistinct, i.indisreplident, i.indisclustered,
       i.indisprimary OR i.indisexclusion OR EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid),
       (EXISTS (SELECT FROM pg_locks l
                 WHERE l.relation = i.indrelid AND l.granted AND l.mode = 'ShareUpdateExclusiveLock'
                   AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
        OR EXISTS (SELECT FROM triage.jobs j
                    WHERE j.status IN ('queued', 'running')
                      AND j.relation::oid IN (i.indrelid, pg_partition_root(i.indrelid)))),
       size.bytes, size.scans,
       am.amname = 'btree' AND c.relkind = 'i'
         AND EXISTS (SELECT FROM pg_class s WHERE s.oid = t.oid AND s.reltuples > 0),
       coalesce((SELECT o.option_value FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'fillfactor'), '90'),
       i.indexprs IS NOT NULL, am.amname IN ('btree', 'gin')
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_class t ON t.oid = i.indrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_am am ON am.oid = c.relam
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(pg_relation_size(part.oid)), 0)::bigint AS bytes,
              coalesce(sum(pg_stat_get_numscans(part.oid)), 0)::bigint AS scans
         FROM (SELECT c.oid WHERE c.relkind = 'i'
               UNION ALL
               SELECT leaf.relid FROM pg_partition_tree(c.oid) leaf WHERE c.relkind = 'I' AND leaf.isleaf) part(oid)) size
 WHERE t.relkind IN ('r', 'p', 'm') AND t.relpersistence <> 't'
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid IN (c.oid, t.oid) AND d.deptype = 'e')
 ORDER BY n.nspname, c.relname)";

// Counters that were lost in a crash begin anew, which only the counters of the whole server tell.
// Physical standbys count for themselves, and so does the primary if this is one.
constexpr const char *how_long_counted = R"(
SELECT ((extract(epoch FROM since) - extract(epoch FROM timestamptz '2000-01-01 00:00:00+00')) * 1000000)::bigint,
       now() - since >= $1::interval,
       pg_is_in_recovery()
         OR EXISTS (SELECT FROM pg_stat_replication)
         OR EXISTS (SELECT FROM pg_replication_slots WHERE slot_type = 'physical'),
       $1::interval < interval '0'
  FROM (SELECT coalesce(greatest(d.stats_reset, (SELECT b.stats_reset FROM pg_stat_bgwriter b)),
                        pg_postmaster_start_time())
          FROM pg_stat_database d WHERE d.datname = current_database()) counted(since))";

struct Entry {
    IndexFacts facts;
    InventoryItem item;
    Oid owner = InvalidOid;
    bool may_be_sized = false, may_be_compared = false;
    double fill_factor = 90;
};

Entry entry_of(const spi::Row &row) {
    std::size_t at = 0;
    auto next = [&]() -> const spi::Value & { return row[at++]; };
    Entry entry;
    IndexFacts &facts = entry.facts;
    facts.id = static_cast<Oid>(spi::integer(next()));
    facts.relation = static_cast<Oid>(spi::integer(next()));
    entry.owner = static_cast<Oid>(spi::integer(next()));
    entry.item.name = next().value_or("");
    entry.item.partitioned = spi::boolean(next());
    facts.attached = spi::boolean(next());
    facts.root = static_cast<Oid>(spi::integer(next()));
    facts.valid = spi::boolean(next());
    facts.unique = spi::boolean(next());
    facts.nulls_not_distinct = spi::boolean(next());
    facts.replica_identity = spi::boolean(next());
    facts.clustered = spi::boolean(next());
    facts.constraint = spi::boolean(next());
    facts.being_built = spi::boolean(next());
    facts.bytes = spi::real(next());
    facts.scans = spi::integer(next());
    entry.may_be_sized = spi::boolean(next());
    entry.fill_factor = spi::real(next());
    entry.item.has_expression = spi::boolean(next());
    entry.may_be_compared = spi::boolean(next());
    return entry;
}

// False if it is locked or gone, or cannot be said as an IndexDefinition.
bool read_definition(Entry &entry) {
    struct Collected {
        bool there, comparable;
        CollectedIndex index;
    };
    const AsRole owner(entry.owner);
    ScratchContext scratch;
    const Oid id = entry.facts.id;
    const Collected collected = scratch.call_server([&]() -> Collected {
        Collected result{};
        if (!ConditionalLockRelationOid(id, AccessShareLock))
            return result;
        if (::Relation index = try_relation_open(id, NoLock)) {
            result.there = true;
            result.comparable = collect_index(index, &result.index);
            relation_close(index, NoLock);
        }
        UnlockRelationOid(id, AccessShareLock);
        return result;
    });
    if (collected.comparable && entry.may_be_compared)
        entry.facts.definition = to_definition(collected.index);
    return collected.there;
}

// Of a B-tree that is large enough to matter; 0 if it cannot be told.
double expected_bytes(const Entry &entry) {
    if (!entry.may_be_sized || !entry.facts.definition || !entry.facts.valid ||
        entry.facts.bytes < least_bloat_bytes)
        return 0;
    double bytes = 0;
    const AsRole owner(entry.owner);
    survive([&] {
        IndexEstimate estimate =
            estimate_index(*entry.facts.definition, read_relation(entry.facts.relation));
        estimate.input.fill_factor = entry.fill_factor;
        bytes = size_of(estimate).bytes;
    });
    return bytes;
}

} // namespace

IndexInventory take_inventory(const std::string &window) {
    IndexInventory inventory;
    std::vector<spi::Row> rows;
    spi::connected([&] {
        const spi::Row counted = spi::run(how_long_counted, {window}).at(0);
        if (spi::boolean(counted[3]))
            throw SqlError(ERRCODE_INVALID_PARAMETER_VALUE, "unused_for must not be negative");
        inventory.counted_since = spi::integer(counted[0]);
        inventory.counted_long_enough = spi::boolean(counted[1]);
        inventory.others_read = spi::boolean(counted[2]);
        rows = spi::run(all_indexes);
    });
    for (const spi::Row &row : rows) {
        call_server([] { CHECK_FOR_INTERRUPTS(); });
        Entry entry = entry_of(row);
        if (!read_definition(entry))
            continue;
        entry.facts.expected_bytes = expected_bytes(entry);
        inventory.indexes.push_back(std::move(entry.facts));
        inventory.items.push_back(std::move(entry.item));
    }
    return inventory;
}

} // namespace triage
