// SQL functions over the buffer pool and the heat map: triage.hot_blocks, resident_blocks, heat,
// miss_ratio_curve, latency_histogram, pause_heat.
#include "core/heat_map.h"
#include "pg/buffers.h"
#include "pg/guard.h"
#include "pg/guc.h"
#include "pg/heat_store.h"
#include "pg/row_writer.h"
#include "pg/store.h"

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
PG_FUNCTION_INFO_V1(pg_triage_latency_histogram);
PG_FUNCTION_INFO_V1(pg_triage_pause_heat);
PG_HEADERS_END

namespace triage {

namespace {

constexpr int highest_usage = ReuseTracker::highest_usage;

void check_interrupts() {
    call_server([] { CHECK_FOR_INTERRUPTS(); });
}

[[noreturn]] void raise_not_preloaded() {
    throw SqlError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "this needs pg_triage to be preloaded",
                   {}, "Add pg_triage to shared_preload_libraries and restart the server.");
}

// ---- files and relations ----

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

// ---- what is in the pool ----

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
    std::vector<std::int64_t> usage = std::vector<std::int64_t>(highest_usage + 1);
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

// ---- the miss-ratio curve ----

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
        RowWriter rows(fcinfo);
        for (const Range &range : ranges_in_pool()) {
            rows.add_oid(range.relid);
            rows.add_text(forkNames[range.fork]);
            rows.add_int8(range.first);
            rows.add_int8(range.last);
            rows.add_int8(range.usage);
            rows.end_row();
        }
    });
    return Datum(0);
}

Datum pg_triage_resident_blocks(PG_FUNCTION_ARGS) {
    guard_sql([&] {
        RowWriter rows(fcinfo);
        for (const Resident &resident : residents()) {
            rows.add_oid(resident.relid);
            rows.add_text(forkNames[resident.fork]);
            rows.add_int8(resident.blocks);
            rows.add_int8(resident.dirty);
            rows.add_int8_array(resident.usage);
            rows.end_row();
        }
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
        RowWriter rows(fcinfo);
        RelationOfFile relation_of;
        for (const HeatSlot &slot : heat::read_map().slots) {
            const Oid relid = is_here(slot.key.database)
                                  ? relation_of(slot.key.tablespace, slot.key.file)
                                  : InvalidOid;
            if (!OidIsValid(relid))
                continue;
            rows.add_oid(relid);
            rows.add_text(forkNames[slot.key.fork]);
            rows.add_int8(slot.key.extent);
            rows.add_int8(static_cast<std::int64_t>(slot.blocks()));
            rows.add_int8(static_cast<std::int64_t>(slot.hot_blocks()));
            rows.add_int8(static_cast<std::int64_t>(slot.upper));
            rows.add_float8(hour ? slot.heat_at(*hour) : slot.heat);
            rows.end_row();
        }
    });
    return Datum(0);
}

Datum pg_triage_miss_ratio_curve(PG_FUNCTION_ARGS) {
    guard_sql([&] {
        if (!heat::available())
            raise_not_preloaded();
        const heat::Reuse reuse = heat::read_reuse();
        const MissRatioCurve curve(reuse.histograms, reuse.figures);
        const std::vector<std::int64_t> sizes = sizes_asked(fcinfo);
        RowWriter rows(fcinfo);
        for (const std::int64_t bytes : sizes) {
            const HitRatio hit = curve.at(static_cast<double>(bytes) / BLCKSZ);
            rows.add_int8(bytes);
            if (reuse.figures.accesses_per_s > 0) {
                rows.add_float8(hit.ratio);
                rows.add_float8(hit.error);
            } else {
                rows.add_null();
                rows.add_null();
            }
            rows.add_bool(hit.observed);
            rows.add_bool(hit.lower_bound);
            rows.add_float8(reuse.histograms.observed_s);
            rows.add_int8(static_cast<std::int64_t>(reuse.histograms.watched));
            rows.add_float8(reuse.figures.accesses_per_s);
            rows.add_float8(curve.lru_factor());
            rows.end_row();
        }
    });
    return Datum(0);
}

// Of all databases: a warm-up slows down every one of them.
Datum pg_triage_latency_histogram(PG_FUNCTION_ARGS) {
    guard_sql([&] {
        if (!store::available())
            raise_not_preloaded();
        LatencyHistogram sum;
        for (const store::StatementStats &statement : store::read_statements(InvalidOid))
            sum += statement.latency;
        RowWriter rows(fcinfo);
        for (int bucket = 0; bucket < LatencyBuckets::count; bucket++) {
            if (sum.counts[static_cast<std::size_t>(bucket)] == 0)
                continue;
            rows.add_int8(bucket);
            rows.add_float8(LatencyBuckets::lower_ms(bucket));
            rows.add_float8(LatencyBuckets::upper_ms(bucket));
            rows.add_int8(static_cast<std::int64_t>(sum.counts[static_cast<std::size_t>(bucket)]));
            rows.end_row();
        }
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
