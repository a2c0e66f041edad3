// SQL functions over the buffer pool and the heat map: triage.hot_blocks, resident_blocks, heat,
// miss_ratio_curve, pause_heat.
#include "core/heat_map.h"
#include "pg/buffers.h"
#include "pg/guard.h"
#include "pg/guc.h"
#include "pg/heat_store.h"

PG_HEADERS_BEGIN
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/relpath.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/timestamp.h"
PG_FUNCTION_INFO_V1(pg_triage_hot_blocks);
PG_FUNCTION_INFO_V1(pg_triage_resident_blocks);
PG_FUNCTION_INFO_V1(pg_triage_heat);
PG_FUNCTION_INFO_V1(pg_triage_miss_ratio_curve);
PG_FUNCTION_INFO_V1(pg_triage_pause_heat);
PG_HEADERS_END

namespace triage {

namespace {

constexpr int highest_usage = ReuseTracker::highest_usage;

void check_interrupts() {
    call_server([] { CHECK_FOR_INTERRUPTS(); });
}

[[noreturn]] void raise_not_preloaded() {
    throw SqlError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   "the heat map needs pg_triage to be preloaded", {},
                   "Add pg_triage to shared_preload_libraries and restart the server.");
}

// ---- files and relations
// ---------------------------------------------------------------------------

bool is_here(Oid database) {
    return database == MyDatabaseId || !OidIsValid(database);
}

// Files of this database (and of what all share) by the relation that owns them; remembers.
class RelationOfFile {
  public:
    Oid operator()(Oid tablespace, std::uint32_t file) {
        const auto [found, is_new] = known_.try_emplace({tablespace, file}, InvalidOid);
        if (is_new)
            found->second = call_server([=] { return relation_of_file(tablespace, file); });
        return found->second;
    }

  private:
    std::map<std::pair<Oid, std::uint32_t>, Oid> known_;
};

// Blocks of this database in the pool, in the order of the disk.
std::vector<buffers::Sight> look_at_pool() {
    std::vector<buffers::Sight> sights;
    for (int buffer = 0; buffer < buffers::pool_size(); buffer++) {
        if (buffer % 65536 == 0)
            check_interrupts();
        const auto sight = buffers::look_at(buffer);
        if (sight && is_here(sight->place.database))
            sights.push_back(*sight);
    }
    const auto order = [](const buffers::Sight &sight) {
        const BlockPlace &place = sight.place;
        return std::tuple(place.tablespace, place.file, place.fork, place.block);
    };
    std::sort(sights.begin(), sights.end(),
              [&](const auto &left, const auto &right) { return order(left) < order(right); });
    return sights;
}

// ---- rows
// ------------------------------------------------------------------------------------------

// Fills the function's result with one row for each of `rows`; `fill` makes palloc'ed Datums.
template <class Row, class Fill>
void return_rows(FunctionCallInfo fcinfo, const std::vector<Row> &rows, Fill &&fill) {
    call_server([&] {
        InitMaterializedSRF(fcinfo, 0);
        auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
        MemoryContext row_context =
            AllocSetContextCreate(CurrentMemoryContext, "pg_triage row", ALLOCSET_DEFAULT_SIZES);
        for (const Row &row : rows) {
            CHECK_FOR_INTERRUPTS();
            Datum values[8] = {};
            bool nulls[8] = {};
            MemoryContext previous = MemoryContextSwitchTo(row_context);
            fill(row, values, nulls);
            tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
            MemoryContextSwitchTo(previous);
            MemoryContextReset(row_context);
        }
        MemoryContextDelete(row_context);
    });
}

Datum fork_name(std::uint32_t fork) {
    return CStringGetTextDatum(forkNames[fork]);
}

// ---- what is in the pool
// ---------------------------------------------------------------------------

struct Range {
    Oid relid;
    std::uint32_t fork;
    BlockNumber first, last;
    int usage;
};

std::vector<Range> ranges_in_pool() {
    std::vector<Range> ranges;
    RelationOfFile relation_of;
    for (const buffers::Sight &sight : look_at_pool()) {
        const Oid relid = relation_of(sight.place.tablespace, sight.place.file);
        const auto fork = static_cast<std::uint32_t>(sight.place.fork);
        if (!OidIsValid(relid))
            continue;
        if (!ranges.empty() && ranges.back().relid == relid && ranges.back().fork == fork &&
            ranges.back().usage == sight.usage && ranges.back().last + 1 == sight.place.block)
            ranges.back().last++;
        else
            ranges.push_back({relid, fork, sight.place.block, sight.place.block, sight.usage});
    }
    return ranges;
}

struct Resident {
    Oid relid;
    std::uint32_t fork;
    std::int64_t blocks = 0, dirty = 0;
    std::array<std::int64_t, highest_usage + 1> usage{};
};

std::vector<Resident> residents() {
    std::vector<Resident> rows;
    RelationOfFile relation_of;
    for (const buffers::Sight &sight : look_at_pool()) {
        const Oid relid = relation_of(sight.place.tablespace, sight.place.file);
        const auto fork = static_cast<std::uint32_t>(sight.place.fork);
        if (!OidIsValid(relid))
            continue;
        if (rows.empty() || rows.back().relid != relid || rows.back().fork != fork)
            rows.push_back({relid, fork});
        rows.back().blocks++;
        rows.back().dirty += sight.dirty;
        rows.back().usage[static_cast<std::size_t>(std::min(sight.usage, highest_usage))]++;
    }
    return rows;
}

Datum array_of_counts(const std::array<std::int64_t, highest_usage + 1> &counts) {
    Datum elements[highest_usage + 1];
    for (std::size_t i = 0; i < counts.size(); i++)
        elements[i] = Int64GetDatum(counts[i]);
    return PointerGetDatum(construct_array(elements, highest_usage + 1, INT8OID, sizeof(int64),
                                           FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

// ---- the heat map
// ----------------------------------------------------------------------------------

struct HeatRow {
    Oid relid;
    HeatSlot slot;
    double heat;
};

std::vector<HeatRow> heat_rows(std::optional<int> hour) {
    std::vector<HeatRow> rows;
    RelationOfFile relation_of;
    for (const HeatSlot &slot : heat::read_map().slots) {
        if (!is_here(slot.key.database))
            continue;
        const Oid relid = relation_of(slot.key.tablespace, slot.key.file);
        if (OidIsValid(relid))
            rows.push_back({relid, slot, hour ? slot.heat_at(*hour) : slot.heat});
    }
    return rows;
}

// ---- the miss-ratio curve
// --------------------------------------------------------------------------

struct CurveRow {
    std::int64_t bytes;
    HitRatio hit;
};

std::vector<std::int64_t> sizes_asked(FunctionCallInfo fcinfo) {
    const std::int64_t now = std::int64_t{buffers::pool_size()} * BLCKSZ;
    if (PG_ARGISNULL(0))
        return {now / 8,     now / 4, now / 2, now * 3 / 4, now,
                now * 3 / 2, now * 2, now * 4, now * 8};
    struct Elements {
        Datum *values;
        bool *nulls;
        int count;
    };
    const auto elements = call_server([=] {
        Elements result;
        deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
                          TYPALIGN_DOUBLE, &result.values, &result.nulls, &result.count);
        return result;
    });
    std::vector<std::int64_t> sizes;
    for (int i = 0; i < elements.count; i++) {
        if (elements.nulls[i] || DatumGetInt64(elements.values[i]) <= 0)
            throw SqlError(ERRCODE_INVALID_PARAMETER_VALUE, "sizes must be positive");
        sizes.push_back(DatumGetInt64(elements.values[i]));
    }
    return sizes;
}

} // namespace

} // namespace triage

using namespace triage;

Datum pg_triage_hot_blocks(PG_FUNCTION_ARGS) {
    guard_sql([&] {
        return_rows(fcinfo, ranges_in_pool(), [](const Range &row, Datum *values, bool *) {
            values[0] = ObjectIdGetDatum(row.relid);
            values[1] = fork_name(row.fork);
            values[2] = Int64GetDatum(row.first);
            values[3] = Int64GetDatum(row.last);
            values[4] = Int32GetDatum(row.usage);
        });
    });
    return Datum(0);
}

Datum pg_triage_resident_blocks(PG_FUNCTION_ARGS) {
    guard_sql([&] {
        return_rows(fcinfo, residents(), [](const Resident &row, Datum *values, bool *) {
            values[0] = ObjectIdGetDatum(row.relid);
            values[1] = fork_name(row.fork);
            values[2] = Int64GetDatum(row.blocks);
            values[3] = Int64GetDatum(row.dirty);
            values[4] = array_of_counts(row.usage);
        });
    });
    return Datum(0);
}

Datum pg_triage_heat(PG_FUNCTION_ARGS) {
    guard_sql([&] {
        if (!heat::available())
            raise_not_preloaded();
        std::optional<int> hour;
        if (!PG_ARGISNULL(0)) {
            hour = PG_GETARG_INT32(0);
            if (*hour < 0 || *hour >= hours_per_week)
                throw SqlError(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "hour of week is out of range",
                               {}, "Hours are 0 (Monday, 00:00) to 167 (Sunday, 23:00).");
        }
        return_rows(fcinfo, heat_rows(hour), [](const HeatRow &row, Datum *values, bool *) {
            values[0] = ObjectIdGetDatum(row.relid);
            values[1] = fork_name(row.slot.key.fork);
            values[2] = Int64GetDatum(row.slot.key.extent);
            values[3] = Int64GetDatum(static_cast<std::int64_t>(row.slot.blocks()));
            values[4] = Int64GetDatum(static_cast<std::int64_t>(row.slot.hot_blocks()));
            values[5] = Int64GetDatum(static_cast<std::int64_t>(row.slot.upper));
            values[6] = Float8GetDatum(row.heat);
        });
    });
    return Datum(0);
}

Datum pg_triage_miss_ratio_curve(PG_FUNCTION_ARGS) {
    guard_sql([&] {
        if (!heat::available())
            raise_not_preloaded();
        const heat::Reuse reuse = heat::read_reuse();
        const MissRatioCurve curve(reuse.histograms, reuse.figures);
        std::vector<CurveRow> rows;
        for (const std::int64_t bytes : sizes_asked(fcinfo))
            rows.push_back({bytes, curve.at(static_cast<double>(bytes) / BLCKSZ)});
        return_rows(fcinfo, rows, [&](const CurveRow &row, Datum *values, bool *nulls) {
            values[0] = Int64GetDatum(row.bytes);
            values[1] = Float8GetDatum(row.hit.ratio);
            values[2] = Float8GetDatum(row.hit.error);
            nulls[1] = nulls[2] = reuse.figures.accesses_per_s <= 0;
            values[3] = BoolGetDatum(row.hit.observed);
            values[4] = Float8GetDatum(reuse.histograms.observed_s);
            values[5] = Int64GetDatum(static_cast<std::int64_t>(reuse.histograms.watched));
            values[6] = Float8GetDatum(reuse.figures.accesses_per_s);
            values[7] = Float8GetDatum(curve.lru_factor());
        });
    });
    return Datum(0);
}

Datum pg_triage_pause_heat(PG_FUNCTION_ARGS) {
    guard_sql([&] {
        if (!heat::available())
            raise_not_preloaded();
        const int seconds = PG_GETARG_INT32(0);
        if (seconds < 0 || seconds > 600)
            throw SqlError(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
                           "the heat map can be paused for 0 to 600 seconds", {},
                           "Call again before the time is over.");
        heat::pause_sampling(GetCurrentTimestamp() + TimestampTz{seconds} * USECS_PER_SEC);
    });
    PG_RETURN_VOID();
}
