#include "pg/warm_loader.h"

#include "pg/guard.h"
#include "pg/page_cache.h"
#include "pg/warm_files.h"

PG_HEADERS_BEGIN
#include "access/relation.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "commands/extension.h"
#include "executor/spi.h"
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

// Reads are asked for in small pieces, two of them ahead of what is loaded: enough to keep a disk
// busy, little enough for a statement's own read to get through.
constexpr std::uint32_t piece_blocks = small_chunk_blocks;
constexpr std::size_t pieces_ahead = 2;
// After so many blocks the relation's lock is let go of for a moment.
constexpr std::uint64_t blocks_locked = 2048;
constexpr TimestampTz lease_us = 10 * USECS_PER_SEC;

static_assert(sizeof(LoadOrder) <= BGW_EXTRALEN);

// ---- what is to be loaded ----

// What the catalog says of one file; plain data, filled under call_server.
struct FileFacts {
    Oid relid = InvalidOid;
    bool is_index = false;
    std::uint32_t blocks[3] = {};
    char data_class[NAMEDATALEN] = "other";
};

// In a transaction. The class is the extension's, where the database has it.
void read_data_class(Oid relid, FileFacts &facts) {
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
    if (has_extension)
        read_data_class(facts.relid, facts);
}

// The relation of each file, InvalidOid where it is gone.
std::vector<Oid> describe(WarmFiles &files) {
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

// ---- reading ahead ----

auto end_of(const WarmRange &range) {
    return std::tuple(range.relation, range.fork, range.last);
}

class ReadAhead {
  public:
    ReadAhead(const WarmFiles &files, const WarmWave &wave)
        : files_(files), pieces_(in_pieces(wave.fetch, piece_blocks)) {}

    void before(const WarmRange &loading) {
        while (passed_ < pieces_.size() && end_of(pieces_[passed_]) <= end_of(loading))
            passed_++;
        for (; asked_ < std::min(passed_ + 1 + pieces_ahead, pieces_.size()); asked_++)
            reader_.ask(files_.place_of(pieces_[asked_]),
                        static_cast<std::uint32_t>(pieces_[asked_].size()));
    }

  private:
    const WarmFiles &files_;
    const std::vector<WarmRange> pieces_;
    std::size_t passed_ = 0, asked_ = 0;
    PageCacheReader reader_;
};

// ---- loading ----

// The relation that is being loaded, open in a transaction of its own. An error ends the worker,
// and with it the transaction.
class OpenRelation {
  public:
    // False if it is gone.
    bool open(Oid relid) {
        if (relation_ && RelationGetRelid(relation_) == relid && loaded_ < blocks_locked)
            return true;
        close();
        relation_ = call_server([=] {
            StartTransactionCommand();
            Relation relation = try_relation_open(relid, AccessShareLock);
            if (!relation)
                CommitTransactionCommand();
            return relation;
        });
        return relation_ != nullptr;
    }

    void close() {
        loaded_ = 0;
        if (Relation relation = std::exchange(relation_, nullptr))
            call_server([=] {
                relation_close(relation, AccessShareLock);
                CommitTransactionCommand();
            });
    }

    // Returns how many blocks were loaded; fewer than asked for where no buffer is free any more.
    std::uint64_t load(const WarmRange &range) {
        const std::uint64_t loaded = call_server([&] {
            const auto fork = static_cast<ForkNumber>(range.fork);
            const BlockNumber end = RelationGetNumberOfBlocksInFork(relation_, fork);
            std::uint64_t count = 0;
            CHECK_FOR_INTERRUPTS();
            for (BlockNumber block = range.first; block <= range.last && block < end; block++) {
                if (!have_free_buffer())
                    break;
                ReleaseBuffer(ReadBufferExtended(relation_, fork, block, RBM_NORMAL, nullptr));
                count++;
            }
            return count;
        });
        loaded_ += loaded;
        return loaded;
    }

  private:
    Relation relation_ = nullptr;
    std::uint64_t loaded_ = 0; // since it was opened
};

std::uint64_t load(const WarmFiles &files, const std::vector<Oid> &relids, const WarmPlan &plan) {
    std::uint64_t loaded = 0;
    OpenRelation relation;
    for (const WarmWave &wave : plan.waves) {
        ReadAhead ahead(files, wave);
        for (const WarmRange &piece : in_pieces(wave.load, piece_blocks)) {
            const Oid relid = relids[piece.relation];
            if (!OidIsValid(relid) || !relation.open(relid))
                continue;
            ahead.before(piece);
            loaded += relation.load(piece);
            if (!have_free_buffer()) {
                relation.close();
                return loaded;
            }
            pause_sampling(GetCurrentTimestamp() + lease_us);
        }
    }
    relation.close();
    return loaded;
}

void warm_database(const LoadOrder &order) {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    call_server([=] { BackgroundWorkerInitializeConnectionByOid(order.database, InvalidOid, 0); });
    WarmFiles files = files_of(read_map(), order.database, order.with_shared);
    const std::vector<Oid> relids = describe(files);
    const WarmPlan plan =
        plan_warming(files.relations, files.extents, {.shared_buffers_blocks = order.blocks});
    const auto done = static_cast<unsigned long long>(load(files, relids, plan));
    const auto planned = static_cast<unsigned long long>(plan.blocks(CacheLevel::SharedBuffers));
    const double elapsed_ms =
        std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    call_server([=] {
        ereport(LOG, (errmsg("shared buffers warmed with %llu of %llu blocks in %.0f ms", done,
                             planned, elapsed_ms)));
    });
}

} // namespace

BackgroundWorkerHandle *start_loader(const LoadOrder &order) {
    BackgroundWorker worker{};
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    worker.bgw_start_time = BgWorkerStart_ConsistentState;
    worker.bgw_restart_time = BGW_NEVER_RESTART;
    strlcpy(worker.bgw_library_name, "pg_triage", BGW_MAXLEN);
    strlcpy(worker.bgw_function_name, "pg_triage_warm_main", BGW_MAXLEN);
    snprintf(worker.bgw_name, BGW_MAXLEN, "pg_triage warm-up of database %u", order.database);
    strlcpy(worker.bgw_type, "pg_triage warm-up", BGW_MAXLEN);
    memcpy(worker.bgw_extra, &order, sizeof(order));
    BackgroundWorkerHandle *handle = nullptr;
    return RegisterDynamicBackgroundWorker(&worker, &handle) ? handle : nullptr;
}

} // namespace triage::heat

void pg_triage_warm_main(Datum) {
    triage::heat::LoadOrder order;
    memcpy(&order, MyBgworkerEntry->bgw_extra, sizeof(order));
    pqsignal(SIGTERM, die);
    BackgroundWorkerUnblockSignals();
    triage::guard_sql([&] { triage::heat::warm_database(order); });
}
