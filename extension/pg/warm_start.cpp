#include "pg/warm_start.h"

#include "core/warm_plan.h"
#include "pg/buffers.h"
#include "pg/guard.h"
#include "pg/guc.h"
#include "pg/page_cache.h"

PG_HEADERS_BEGIN
#include "access/relation.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/bufmgr.h"
#include "storage/ipc.h"
#include "storage/smgr.h"
#include "tcop/tcopprot.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
PGDLLEXPORT void pg_triage_warm_main(Datum argument);
PG_HEADERS_END

#include <chrono>

namespace triage::heat {

namespace {

// Room for what the first statements bring in by themselves.
constexpr double share_of_buffers = 0.9;
constexpr TimestampTz lease_us = 10 * USECS_PER_SEC;

// What a database's worker is told.
struct Order {
    std::uint64_t blocks = 0; // it may load
    bool with_shared = false; // the catalogs that all databases share as well
};
static_assert(sizeof(Order) <= BGW_EXTRALEN);

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

BlockPlace place_of_slot(const HeatSlot &slot) {
    return {slot.key.tablespace, slot.key.database, slot.key.file,
            static_cast<ForkNumber>(slot.key.fork), slot.key.extent * blocks_per_extent};
}

// The map's files as the plan's relations, each with its place in `files`. The map is sorted.
struct Files {
    std::vector<BlockPlace> files; // main fork, first block
    std::vector<WarmRelation> relations;
    std::vector<WarmExtent> extents;
};

template <class Choose> Files files_of(const Map &map, Choose &&chosen) {
    Files result;
    for (const HeatSlot &slot : map.slots) {
        if (!chosen(slot))
            continue;
        const BlockPlace place = place_of_slot(slot);
        if (result.files.empty() || result.files.back().file != place.file ||
            result.files.back().database != place.database ||
            result.files.back().tablespace != place.tablespace) {
            result.files.push_back({place.tablespace, place.database, place.file, MAIN_FORKNUM, 0});
            result.relations.emplace_back();
        }
        result.extents.push_back({result.files.size() - 1, slot.key.fork, slot.key.extent,
                                  slot.blocks(), slot.hot_blocks(), slot.upper, slot.heat});
    }
    return result;
}

// ---- the page cache
// --------------------------------------------------------------------------------

void measure_files(Files &files) {
    for (std::size_t i = 0; i < files.files.size(); i++)
        for (int fork = MAIN_FORKNUM; fork <= VISIBILITYMAP_FORKNUM; fork++) {
            BlockPlace place = files.files[i];
            place.fork = static_cast<ForkNumber>(fork);
            files.relations[i].blocks[static_cast<std::size_t>(fork)] = blocks_on_disk(place);
        }
}

void start_loader(Oid database, const Order &order) {
    BackgroundWorker worker{};
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    worker.bgw_start_time = BgWorkerStart_ConsistentState;
    worker.bgw_restart_time = BGW_NEVER_RESTART;
    strlcpy(worker.bgw_library_name, "pg_triage", BGW_MAXLEN);
    strlcpy(worker.bgw_function_name, "pg_triage_warm_main", BGW_MAXLEN);
    snprintf(worker.bgw_name, BGW_MAXLEN, "pg_triage warm-up of database %u", database);
    strlcpy(worker.bgw_type, "pg_triage warm-up", BGW_MAXLEN);
    worker.bgw_main_arg = ObjectIdGetDatum(database);
    memcpy(worker.bgw_extra, &order, sizeof(order));
    call_server([&] {
        if (!RegisterDynamicBackgroundWorker(&worker, nullptr))
            ereport(LOG, (errcode(ERRCODE_INSUFFICIENT_RESOURCES),
                          errmsg("could not start the warm-up of database %u", database),
                          errhint("Consider increasing the configuration parameter "
                                  "\"max_worker_processes\".")));
    });
}

// One worker a database, each with its share of what the plan of all puts into shared buffers.
void start_loaders(const Files &files, const WarmPlan &plan) {
    std::map<Oid, std::uint64_t> blocks;
    std::uint64_t shared_catalogs = 0;
    for (const WarmWave &wave : plan.waves)
        for (const WarmRange &range : wave.load) {
            const Oid database = files.files[range.relation].database;
            (OidIsValid(database) ? blocks[database] : shared_catalogs) += range.size();
        }
    bool with_shared = true;
    for (const auto &[database, count] : blocks) {
        start_loader(database, {count + (with_shared ? shared_catalogs : 0), with_shared});
        with_shared = false;
    }
}

} // namespace

void warm_after_start(const Map &map) {
    const auto start = Clock::now();
    pause_sampling(GetCurrentTimestamp() + lease_us);
    Files files = files_of(map, [](const HeatSlot &) { return true; });
    measure_files(files);
    const WarmPlan plan = plan_warming(files.relations, files.extents,
                                       {.shared_buffers_blocks = static_cast<std::uint64_t>(
                                            share_of_buffers * buffers::pool_size()),
                                        .page_cache_blocks = free_memory_blocks()});
    start_loaders(files, plan);

    PageCacheReader reader;
    for (const WarmWave &wave : plan.waves)
        for (const WarmRange &range : wave.fetch) {
            if (ShutdownRequestPending)
                return;
            BlockPlace place = files.files[range.relation];
            place.fork = static_cast<ForkNumber>(range.fork);
            place.block = range.first;
            reader.fetch(place, static_cast<std::uint32_t>(range.size()));
            pause_sampling(GetCurrentTimestamp() + lease_us);
        }
    const double elapsed_ms = ms_since(start);
    const auto fetched = static_cast<unsigned long long>(reader.fetched_blocks());
    call_server([=] {
        ereport(LOG,
                (errmsg("page cache warmed with %llu blocks in %.0f ms", fetched, elapsed_ms)));
    });
}

// ---- shared buffers
// --------------------------------------------------------------------------------

namespace {

// What the catalog says of one file; plain data, filled under call_server.
struct FileFacts {
    Oid relid = InvalidOid;
    bool is_index = false;
    std::uint32_t blocks[3] = {};
    char data_class[NAMEDATALEN] = "other";
};

// In a transaction. The class is the extension's, where the database has it.
void read_data_class(Oid relid, bool has_extension, FileFacts &facts) {
    if (!has_extension)
        return;
    Oid types[] = {OIDOID};
    Datum values[] = {ObjectIdGetDatum(relid)};
    SPI_connect();
    PushActiveSnapshot(GetTransactionSnapshot());
    if (SPI_execute_with_args("SELECT triage.data_class_of($1)", 1, types, values, nullptr, true,
                              1) == SPI_OK_SELECT &&
        SPI_processed == 1)
        if (char *name = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1))
            strlcpy(facts.data_class, name, sizeof(facts.data_class));
    PopActiveSnapshot();
    SPI_finish();
}

void read_facts(const BlockPlace &file, bool has_extension, FileFacts &facts) {
    facts.relid = relation_of_file(file.tablespace, file.file);
    Relation relation =
        OidIsValid(facts.relid) ? try_relation_open(facts.relid, AccessShareLock) : nullptr;
    if (!relation) {
        facts.relid = InvalidOid;
        return;
    }
    facts.is_index = relation->rd_rel->relkind == RELKIND_INDEX;
    for (int fork = MAIN_FORKNUM; fork <= VISIBILITYMAP_FORKNUM; fork++)
        if (smgrexists(RelationGetSmgr(relation), static_cast<ForkNumber>(fork)))
            facts.blocks[fork] =
                RelationGetNumberOfBlocksInFork(relation, static_cast<ForkNumber>(fork));
    relation_close(relation, AccessShareLock);
    read_data_class(facts.relid, has_extension, facts);
}

std::vector<Oid> describe(Files &files) {
    std::vector<Oid> relids;
    const bool has_extension = call_server([] {
        StartTransactionCommand();
        return OidIsValid(get_extension_oid("pg_triage", true));
    });
    for (std::size_t i = 0; i < files.files.size(); i++) {
        FileFacts facts;
        call_server([&] {
            CHECK_FOR_INTERRUPTS();
            read_facts(files.files[i], has_extension, facts);
        });
        relids.push_back(facts.relid);
        WarmRelation &relation = files.relations[i];
        relation.data_class = facts.data_class;
        relation.class_weight = warm_weight_of(relation.data_class);
        relation.is_index = facts.is_index;
        std::copy_n(facts.blocks, 3, relation.blocks.begin());
    }
    call_server([] { CommitTransactionCommand(); });
    return relids;
}

// Loads a wave's ranges of one relation; false when no buffer is free any more.
bool load_ranges(Oid relid, std::span<const WarmRange> ranges, std::uint64_t &loaded) {
    return call_server([&] {
        bool room = true;
        StartTransactionCommand();
        if (Relation relation = try_relation_open(relid, AccessShareLock)) {
            for (const WarmRange &range : ranges) {
                const auto fork = static_cast<ForkNumber>(range.fork);
                const BlockNumber end = RelationGetNumberOfBlocksInFork(relation, fork);
                for (BlockNumber block = range.first; block <= range.last && block < end; block++) {
                    CHECK_FOR_INTERRUPTS();
                    room = have_free_buffer();
                    if (!room)
                        break;
                    ReleaseBuffer(ReadBufferExtended(relation, fork, block, RBM_NORMAL, nullptr));
                    loaded++;
                }
                if (!room)
                    break;
            }
            relation_close(relation, AccessShareLock);
        }
        CommitTransactionCommand();
        return room;
    });
}

std::uint64_t load(const Files &files, const std::vector<Oid> &relids, const WarmPlan &plan) {
    PageCacheReader reader;
    std::uint64_t loaded = 0;
    for (const WarmWave &wave : plan.waves) {
        std::size_t fetched = 0;
        for (std::size_t i = 0; i < wave.load.size();) {
            const std::size_t relation = wave.load[i].relation;
            // Ahead of the loading, file by file; cheap where the page cache has it already.
            for (; fetched < wave.fetch.size() && wave.fetch[fetched].relation == relation;
                 fetched++) {
                const WarmRange &range = wave.fetch[fetched];
                BlockPlace place = files.files[relation];
                place.fork = static_cast<ForkNumber>(range.fork);
                place.block = range.first;
                reader.fetch(place, static_cast<std::uint32_t>(range.size()));
            }
            std::size_t end = i;
            while (end < wave.load.size() && wave.load[end].relation == relation)
                end++;
            pause_sampling(GetCurrentTimestamp() + lease_us);
            if (OidIsValid(relids[relation]) &&
                !load_ranges(relids[relation], std::span(wave.load).subspan(i, end - i), loaded))
                return loaded;
            i = end;
        }
    }
    return loaded;
}

void warm_database(Oid database, const Order &order) {
    const auto start = Clock::now();
    call_server([=] { BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0); });
    Files files = files_of(read_map(), [&](const HeatSlot &slot) {
        return slot.key.database == database ||
               (order.with_shared && !OidIsValid(slot.key.database));
    });
    const std::vector<Oid> relids = describe(files);
    const WarmPlan plan =
        plan_warming(files.relations, files.extents, {.shared_buffers_blocks = order.blocks});
    const std::uint64_t loaded = load(files, relids, plan);
    const auto planned = static_cast<unsigned long long>(plan.blocks(CacheLevel::SharedBuffers));
    const auto done = static_cast<unsigned long long>(loaded);
    const double elapsed_ms = ms_since(start);
    call_server([=] {
        ereport(LOG, (errmsg("shared buffers warmed with %llu of %llu blocks in %.0f ms", done,
                             planned, elapsed_ms)));
    });
}

} // namespace

} // namespace triage::heat

void pg_triage_warm_main(Datum argument) {
    triage::heat::Order order;
    memcpy(&order, MyBgworkerEntry->bgw_extra, sizeof(order));
    pqsignal(SIGTERM, die);
    BackgroundWorkerUnblockSignals();
    triage::guard_sql([&] { triage::heat::warm_database(DatumGetObjectId(argument), order); });
}
