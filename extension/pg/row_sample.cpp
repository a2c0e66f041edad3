#include "pg/row_sample.h"

#include "pg/compat.h"
#include "pg/expression_statistics.h"
#include "pg/guard.h"
#include "pg/subtransaction.h"

PG_HEADERS_BEGIN
#include "access/gin.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/itup.h"
#include "access/relation.h"
#include "access/transam.h"
#include "access/tupconvert.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_collation_d.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type_d.h"
#include "common/hashfn.h"
#include "common/pg_prng.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "storage/bufmgr.h"
#include "storage/itemptr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/sampling.h"
#include "utils/snapmgr.h"
PG_HEADERS_END

static_assert(INDEX_MAX_KEYS <= 32, "one bit a column");

namespace triage {
namespace {

// Wide rows make a smaller sample.
constexpr Size most_bytes = 32 * 1024 * 1024;

// ---- Drawing rows -------------------------------------------------------------------------------

struct Drawing {
    HeapTuple *rows;
    int count, room;
    Size bytes;
    pg_prng_state random;

    bool full() const { return count >= room || bytes >= most_bytes; }

    void keep(HeapTuple row) {
        rows[count++] = row;
        bytes += HEAPTUPLESIZE + row->t_len;
    }
};

// Shares of a page's rows are drawn, on average `wanted` of them.
void draw_from_page(::Relation relation, BlockNumber block, double wanted, Snapshot snapshot,
                    BufferAccessStrategy strategy, TupleConversionMap *map, Drawing *drawing) {
    Buffer buffer = ReadBufferExtended(relation, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
    LockBuffer(buffer, BUFFER_LOCK_SHARE);
    Page page = BufferGetPage(buffer);
    OffsetNumber candidates[MaxHeapTuplesPerPage];
    int count = 0;
    for (OffsetNumber offset = FirstOffsetNumber; offset <= PageGetMaxOffsetNumber(page); offset++)
        if (ItemIdIsNormal(PageGetItemId(page, offset)))
            candidates[count++] = offset;
    double whole = std::floor(wanted);
    int draw = static_cast<int>(whole) + (pg_prng_double(&drawing->random) < wanted - whole);
    for (int i = 0; i < std::min(draw, count) && !drawing->full(); i++) {
        auto chosen = static_cast<int>(
            pg_prng_uint64_range(&drawing->random, i, static_cast<uint64>(count) - 1));
        std::swap(candidates[i], candidates[chosen]);
        ItemId item = PageGetItemId(page, candidates[i]);
        HeapTupleData row{};
        row.t_tableOid = RelationGetRelid(relation);
        row.t_data = reinterpret_cast<HeapTupleHeader>(PageGetItem(page, item));
        row.t_len = ItemIdGetLength(item);
        ItemPointerSet(&row.t_self, block, candidates[i]);
        if (HeapTupleSatisfiesVisibility(&row, snapshot, buffer))
            drawing->keep(map ? execute_attr_map_tuple(&row, map) : heap_copytuple(&row));
    }
    UnlockReleaseBuffer(buffer);
}

// Through a ring of buffers, so that sampling does not push the cache out.
void draw_from_table(::Relation relation, double wanted, TupleConversionMap *map,
                     Drawing *drawing) {
    BlockNumber pages = RelationGetNumberOfBlocks(relation);
    if (pages == 0 || wanted <= 0)
        return;
    double tuples = std::max(static_cast<double>(relation->rd_rel->reltuples), 0.0);
    auto drawn_pages = static_cast<int>(std::min<double>(std::ceil(wanted), pages));
    // A table that is hardly larger than the sample is read as a whole.
    double a_page = tuples > 0 && tuples <= wanted ? MaxHeapTuplesPerPage : wanted / drawn_pages;
    BlockSamplerData sampler;
    BlockSampler_Init(&sampler, pages, drawn_pages, pg_prng_uint32(&drawing->random));
    BufferAccessStrategy strategy = GetAccessStrategy(BAS_BULKREAD);
    Snapshot snapshot = GetActiveSnapshot();
    while (BlockSampler_HasMore(&sampler) && !drawing->full()) {
        CHECK_FOR_INTERRUPTS();
        draw_from_page(relation, BlockSampler_Next(&sampler), a_page, snapshot, strategy, map,
                       drawing);
    }
    FreeAccessStrategy(strategy);
}

bool has_rows_of_ours(::Relation relation) {
    return relation->rd_rel->relam == HEAP_TABLE_AM_OID && !RELATION_IS_OTHER_TEMP(relation) &&
           (relation->rd_rel->relkind == RELKIND_RELATION ||
            relation->rd_rel->relkind == RELKIND_MATVIEW);
}

// Rows of partitions, in the form of the partitioned table's.
void draw_from_partitions(::Relation parent, int wanted, Drawing *drawing) {
    List *children = find_all_inheritors(RelationGetRelid(parent), AccessShareLock, nullptr);
    double pages = 0;
    ListCell *cell;
    foreach (cell, children) {
        ::Relation child = relation_open(lfirst_oid(cell), NoLock);
        if (has_rows_of_ours(child))
            pages += RelationGetNumberOfBlocks(child);
        relation_close(child, NoLock);
    }
    foreach (cell, children) {
        ::Relation child = relation_open(lfirst_oid(cell), NoLock);
        if (has_rows_of_ours(child)) {
            TupleConversionMap *map =
                convert_tuples_by_name(RelationGetDescr(child), RelationGetDescr(parent));
            double share = RelationGetNumberOfBlocks(child) / std::max(pages, 1.0);
            draw_from_table(child, std::ceil(wanted * share), map, drawing);
        }
        relation_close(child, NoLock);
    }
}

Drawing draw(Oid relid, int wanted) {
    Drawing drawing{};
    // Pages are drawn with fractions of a row: some more may come than are wanted.
    drawing.room = 2 * wanted;
    drawing.rows = static_cast<HeapTuple *>(palloc(sizeof(HeapTuple) * drawing.room));
    // Asked twice, the answer is the same.
    pg_prng_seed(&drawing.random, 1);
    ::Relation relation = relation_open(relid, AccessShareLock);
    if (relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
        draw_from_partitions(relation, wanted, &drawing);
    else if (has_rows_of_ours(relation))
        draw_from_table(relation, wanted, nullptr, &drawing);
    relation_close(relation, NoLock);
    return drawing;
}

// ---- Making entries -----------------------------------------------------------------------------

bool is_foreign_function(Oid function, void *) {
    return function >= FirstGenbkiObjectId;
}

// Only what came with the server runs: whoever asks need not be the one who trusts a function.
bool runs_foreign_code(Node *node, void *context) {
    if (node == nullptr)
        return false;
    if (check_functions_in_node(node, is_foreign_function, context))
        return true;
    return walk_expression(node, runs_foreign_code, context);
}

// Null if an entry has another form than its columns.
TupleDesc entry_descriptor(const HypotheticalIndex *index) {
    TupleDesc descriptor = CreateTemplateTupleDesc(index->column_count);
    ListCell *cell;
    AttrNumber place = 1;
    foreach (cell, index->target_list) {
        auto *expression = reinterpret_cast<Node *>(lfirst_node(TargetEntry, cell)->expr);
        Oid type = exprType(expression);
        if (type == NAMEOID) // stored as cstring
            return nullptr;
        TupleDescInitEntry(descriptor, place++, nullptr, type, exprTypmod(expression), 0);
    }
    return descriptor;
}

// The sampled rows as the index's expressions see them.
struct RowReader {
    ::Relation relation;
    EState *state;
    TupleTableSlot *slot;
    ExprContext *context;
    ExprState *predicate;
};

RowReader begin_reading(const HypotheticalIndex *index, Oid relid) {
    RowReader reader{.relation = relation_open(relid, AccessShareLock),
                     .state = CreateExecutorState()};
    reader.slot = MakeSingleTupleTableSlot(RelationGetDescr(reader.relation), &TTSOpsHeapTuple);
    reader.context = GetPerTupleExprContext(reader.state);
    reader.context->ecxt_scantuple = reader.slot;
    reader.predicate = ExecPrepareQual(index->predicate, reader.state);
    return reader;
}

// Makes the row the one that expressions see; true if it satisfies the predicate.
bool read_row(RowReader &reader, HeapTuple row) {
    CHECK_FOR_INTERRUPTS();
    ResetExprContext(reader.context);
    ExecStoreHeapTuple(row, reader.slot, false);
    return ExecQual(reader.predicate, reader.context);
}

void end_reading(RowReader &reader) {
    ExecDropSingleTupleTableSlot(reader.slot);
    FreeExecutorState(reader.state);
    relation_close(reader.relation, NoLock);
}

struct CollectedEntries {
    SampledKey *keys;
    int count;
};

// The columns' values make an entry, without the row's place, which is not filled in.
SampledKey key_of_entry(IndexTuple entry, std::uint32_t null_columns) {
    const auto *bytes = reinterpret_cast<const unsigned char *>(&entry->t_info);
    const auto *end = reinterpret_cast<const unsigned char *>(entry) + IndexTupleSize(entry);
    return {hash_bytes_extended(bytes, static_cast<int>(end - bytes), 0),
            static_cast<int>(MAXALIGN(IndexTupleSize(entry))), null_columns};
}

void make_entries(const HypotheticalIndex *index, TupleDesc descriptor, Oid relid,
                  const HeapTuple *rows, std::size_t row_count, CollectedEntries *result) {
    RowReader reader = begin_reading(index, relid);
    List *expressions = NIL;
    ListCell *cell;
    foreach (cell, index->target_list)
        expressions = lappend(expressions,
                              ExecPrepareExpr(lfirst_node(TargetEntry, cell)->expr, reader.state));

    Datum values[INDEX_MAX_KEYS];
    bool nulls[INDEX_MAX_KEYS];
    for (std::size_t row = 0; row < row_count; row++) {
        if (!read_row(reader, rows[row]))
            continue;
        MemoryContext caller = MemoryContextSwitchTo(reader.context->ecxt_per_tuple_memory);
        int place = 0;
        std::uint32_t null_columns = 0; // one bit a column
        foreach (cell, expressions) {
            values[place] =
                ExecEvalExpr(static_cast<ExprState *>(lfirst(cell)), reader.context, &nulls[place]);
            null_columns |= static_cast<std::uint32_t>(nulls[place]) << place;
            place++;
        }
        IndexTuple entry = index_form_tuple(descriptor, values, nulls);
        MemoryContextSwitchTo(caller);
        result->keys[result->count++] = key_of_entry(entry, null_columns);
    }
    end_reading(reader);
}

// ---- Making keys of a GIN index -----------------------------------------------------------------

// Enough to tell how many keys rows have in common.
constexpr int most_searched_keys = 200000;

struct CollectedKeys {
    SampledKey *keys;
    int count, rows, looked_at;
};

// What one index column needs to take a value apart.
struct KeyExtractor {
    ExprState *expression;
    FmgrInfo extract;
    Oid collation;
    int16 length;
    bool by_value;
    char alignment;
};

KeyExtractor extractor_of(const HypotheticalIndex *index, int place, EState *state) {
    KeyExtractor extractor{};
    auto *target = static_cast<TargetEntry *>(list_nth(index->target_list, place));
    extractor.expression = ExecPrepareExpr(target->expr, state);
    Oid type = index->input_types[place];
    fmgr_info(get_opfamily_proc(index->opfamilies[place], type, type, GIN_EXTRACTVALUE_PROC),
              &extractor.extract);
    extractor.collation =
        OidIsValid(index->collations[place]) ? index->collations[place] : DEFAULT_COLLATION_OID;
    get_typlenbyvalalign(index->key_types[place], &extractor.length, &extractor.by_value,
                         &extractor.alignment);
    return extractor;
}

SampledKey placeholder() { // of NULL, and of a value without keys
    return {0, static_cast<int>(MAXALIGN(sizeof(IndexTupleData) + 1)), 0};
}

SampledKey searched_key(const KeyExtractor &extractor, Datum key) {
    if (extractor.by_value) {
        return {hash_bytes_extended(reinterpret_cast<const unsigned char *>(&key), sizeof key, 0),
                static_cast<int>(
                    MAXALIGN(sizeof(IndexTupleData) + static_cast<Size>(extractor.length))),
                0};
    }
    if (extractor.length == -1)
        key = PointerGetDatum(PG_DETOAST_DATUM_PACKED(key));
    const auto *bytes = reinterpret_cast<const unsigned char *>(DatumGetPointer(key));
    Size length = static_cast<Size>(extractor.length), stored = length;
    if (extractor.length == -1) {
        length = VARSIZE_ANY_EXHDR(bytes);
        bytes = reinterpret_cast<const unsigned char *>(VARDATA_ANY(bytes));
        stored = length + (length < VARATT_SHORT_MAX ? VARHDRSZ_SHORT : VARHDRSZ);
    } else if (extractor.length == -2) {
        stored = length = strlen(reinterpret_cast<const char *>(bytes)) + 1;
    }
    return {hash_bytes_extended(bytes, static_cast<int>(length), 0),
            static_cast<int>(MAXALIGN(sizeof(IndexTupleData) + stored)), 0};
}

// One of each of a value's keys.
void add_keys_of_value(KeyExtractor *extractor, ExprContext *context, CollectedKeys *result) {
    bool is_null;
    Datum value = ExecEvalExpr(extractor->expression, context, &is_null);
    int32 count = 0;
    bool *nulls = nullptr;
    Datum *keys = nullptr;
    if (!is_null)
        keys = reinterpret_cast<Datum *>(
            DatumGetPointer(FunctionCall3Coll(&extractor->extract, extractor->collation, value,
                                              PointerGetDatum(&count), PointerGetDatum(&nulls))));
    SampledKey *first = result->keys + result->count;
    int room = std::min<int>(count, most_searched_keys - result->count);
    for (int i = 0; keys != nullptr && i < room; i++)
        first[i] = nulls && nulls[i] ? placeholder() : searched_key(*extractor, keys[i]);
    if (keys == nullptr || room <= 0) {
        if (result->count < most_searched_keys)
            result->keys[result->count++] = placeholder();
        return;
    }
    std::sort(first, first + room,
              [](const SampledKey &a, const SampledKey &b) { return a.image < b.image; });
    SampledKey *end =
        std::unique(first, first + room,
                    [](const SampledKey &a, const SampledKey &b) { return a.image == b.image; });
    result->count += static_cast<int>(end - first);
}

void make_searched_keys(const HypotheticalIndex *index, Oid relid, const HeapTuple *rows,
                        std::size_t row_count, CollectedKeys *result) {
    RowReader reader = begin_reading(index, relid);
    auto *extractors = static_cast<KeyExtractor *>(palloc(sizeof(KeyExtractor) * index->key_count));
    for (int i = 0; i < index->key_count; i++)
        extractors[i] = extractor_of(index, i, reader.state);
    for (std::size_t row = 0; row < row_count && result->count < most_searched_keys; row++) {
        result->looked_at++;
        if (!read_row(reader, rows[row]))
            continue;
        result->rows++;
        MemoryContext caller = MemoryContextSwitchTo(reader.context->ecxt_per_tuple_memory);
        for (int i = 0; i < index->key_count; i++)
            add_keys_of_value(&extractors[i], reader.context, result);
        MemoryContextSwitchTo(caller);
    }
    end_reading(reader);
}

// To make the index's entries.
bool needs_foreign_code(const HypotheticalIndex *index) {
    return runs_foreign_code(reinterpret_cast<Node *>(index->target_list), nullptr) ||
           runs_foreign_code(reinterpret_cast<Node *>(index->predicate), nullptr);
}

} // namespace

RowSample::RowSample(Oid relid, int rows) : relid_(relid) {
    Drawing drawing = context_.call_server([&] { return draw(relid, rows); });
    rows_.assign(drawing.rows, drawing.rows + drawing.count);
    std::stable_sort(rows_.begin(), rows_.end(), [](HeapTuple a, HeapTuple b) {
        return ItemPointerCompare(&a->t_self, &b->t_self) < 0;
    });
}

RowSample::Entries RowSample::entries_of(const HypotheticalIndex *index) const {
    if (rows_.empty())
        return {};
    ScratchContext scratch;
    CollectedEntries collected{};
    bool made = scratch.call_server([&] {
        if (needs_foreign_code(index))
            return false;
        TupleDesc descriptor = entry_descriptor(index);
        if (descriptor == nullptr)
            return false;
        collected.keys = static_cast<SampledKey *>(palloc(sizeof(SampledKey) * rows_.size()));
        // Its message would show a value.
        ErrorData *error = attempt([&] {
            make_entries(index, descriptor, relid_, rows_.data(), rows_.size(), &collected);
        });
        return error == nullptr;
    });
    if (!made)
        return {};
    return {.keys = {collected.keys, collected.keys + collected.count},
            .sampled = static_cast<double>(rows_.size())};
}

double RowSample::rows_with_all_columns(const HypotheticalIndex *index) const {
    const Entries entries = entries_of(index);
    return static_cast<double>(std::count_if(entries.keys.begin(), entries.keys.end(),
                                             [](const SampledKey &key) { return key.nulls == 0; }));
}

HeapTuple RowSample::statistics_of(const HypotheticalIndex *index, double table_rows) const {
    if (rows_.empty())
        return nullptr;
    MemoryContext lasting = CurrentMemoryContext;
    ScratchContext scratch;
    return scratch.call_server([&]() -> HeapTuple {
        if (runs_foreign_code(reinterpret_cast<Node *>(index->target_list), nullptr))
            return nullptr;
        HeapTuple made = nullptr;
        auto *expression = static_cast<Node *>(linitial(index->expressions));
        // Its message would show a value.
        ErrorData *error = attempt([&] {
            made = make_statistics(expression, relid_, rows_.data(), static_cast<int>(rows_.size()),
                                   table_rows);
        });
        if (error || made == nullptr)
            return nullptr;
        MemoryContext caller = MemoryContextSwitchTo(lasting);
        HeapTuple kept = heap_copytuple(made);
        MemoryContextSwitchTo(caller);
        return kept;
    });
}

// An operator class is its superuser's; what the expressions run is not.
RowSample::SearchedKeys RowSample::searched_keys_of(const HypotheticalIndex *index) const {
    if (rows_.empty())
        return {};
    ScratchContext scratch;
    CollectedKeys collected{};
    bool made = scratch.call_server([&] {
        if (needs_foreign_code(index))
            return false;
        collected.keys = static_cast<SampledKey *>(
            palloc(sizeof(SampledKey) * static_cast<Size>(most_searched_keys)));
        // Its message would show a value.
        ErrorData *error = attempt(
            [&] { make_searched_keys(index, relid_, rows_.data(), rows_.size(), &collected); });
        return error == nullptr;
    });
    if (!made)
        return {};
    return {.keys = {collected.keys, collected.keys + collected.count},
            .rows = static_cast<double>(collected.rows),
            .sampled = static_cast<double>(collected.looked_at)};
}

} // namespace triage
