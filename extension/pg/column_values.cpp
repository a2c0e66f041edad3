#include "pg/column_values.h"

#include "pg/subtransaction.h"

#include <cmath>

PG_HEADERS_BEGIN
#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type_d.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "parser/parse_coerce.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"
PG_HEADERS_END

namespace triage {
namespace {

// The planner's own guess for one bound, and what a search by prefix is taken to find.
constexpr double default_bound = 1.0 / 3;
constexpr double default_prefix = 0.01;
constexpr int shortest_prefix = 3;

struct Statistics {
    HeapTuple tuple;
    double rows, null_fraction, distinct;
    AttStatsSlot common, histogram; // without values where there are none
    double common_total;
};

bool read_statistics(Oid relid, AttributeNumber attno, Statistics *s) {
    *s = {};
    if (attno <= 0)
        return false;
    // Of a parent: its own rows and those of all its children.
    for (bool inherited : {true, false}) {
        s->tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid), Int16GetDatum(attno),
                                   BoolGetDatum(inherited));
        if (HeapTupleIsValid(s->tuple))
            break;
    }
    if (!HeapTupleIsValid(s->tuple))
        return false;
    auto *form = reinterpret_cast<Form_pg_statistic>(GETSTRUCT(s->tuple));
    s->null_fraction = form->stanullfrac;
    s->distinct = form->stadistinct;
    get_attstatsslot(&s->common, s->tuple, STATISTIC_KIND_MCV, InvalidOid,
                     ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS);
    get_attstatsslot(&s->histogram, s->tuple, STATISTIC_KIND_HISTOGRAM, InvalidOid,
                     ATTSTATSSLOT_VALUES);
    for (int i = 0; i < s->common.nnumbers; i++)
        s->common_total += s->common.numbers[i];
    HeapTuple relation = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
    if (HeapTupleIsValid(relation)) {
        s->rows = reinterpret_cast<Form_pg_class>(GETSTRUCT(relation))->reltuples;
        ReleaseSysCache(relation);
    }
    if (s->distinct < 0)
        s->distinct = std::max(-s->distinct * std::max(s->rows, 1.0), 1.0);
    return s->common.nvalues > 0 || s->histogram.nvalues > 0;
}

// The slots hold copies of their own, so the values taken from them stay.
void release(Statistics *s) {
    if (HeapTupleIsValid(s->tuple))
        ReleaseSysCache(s->tuple);
}

Oid type_of(const Statistics &s) {
    return s.histogram.nvalues > 0 ? s.histogram.valuetype : s.common.valuetype;
}

double share_of_uncommon(const Statistics &s) {
    double values = std::max(s.distinct - s.common.nvalues, 1.0);
    return std::max((1 - s.null_fraction - s.common_total) / values, 1e-12);
}

double distance(double a, double b) {
    return std::fabs(std::log(a / b));
}

int nearest_common(const Statistics &s, double wanted) {
    int best = -1;
    for (int i = 0; i < s.common.nvalues && i < s.common.nnumbers; i++)
        if (best < 0 ||
            distance(s.common.numbers[i], wanted) < distance(s.common.numbers[best], wanted))
            best = i;
    return best;
}

// ---- Order --------------------------------------------------------------------------------------

int compare(TypeCacheEntry *type, Oid collation, Datum a, Datum b) {
    return DatumGetInt32(FunctionCall2Coll(&type->cmp_proc_finfo, collation, a, b));
}

// Values of the types on which a histogram can be interpolated, as numbers.
bool to_number(Oid type, Datum value, double *number) {
    switch (type) {
    case INT2OID:
        *number = DatumGetInt16(value);
        return true;
    case INT4OID:
        *number = DatumGetInt32(value);
        return true;
    case INT8OID:
        *number = static_cast<double>(DatumGetInt64(value));
        return true;
    case FLOAT4OID:
        *number = DatumGetFloat4(value);
        return std::isfinite(*number);
    case FLOAT8OID:
        *number = DatumGetFloat8(value);
        return std::isfinite(*number);
    case DATEOID:
        *number = DatumGetDateADT(value);
        return !DATE_NOT_FINITE(DatumGetDateADT(value));
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
        *number = static_cast<double>(DatumGetTimestamp(value));
        return !TIMESTAMP_NOT_FINITE(DatumGetTimestamp(value));
    default:
        return false;
    }
}

Datum from_number(Oid type, double number) {
    switch (type) {
    case INT2OID:
        return Int16GetDatum(static_cast<int16>(number));
    case INT4OID:
        return Int32GetDatum(static_cast<int32>(number));
    case INT8OID:
        return Int64GetDatum(static_cast<int64>(number));
    case FLOAT4OID:
        return Float4GetDatum(static_cast<float4>(number));
    case FLOAT8OID:
        return Float8GetDatum(number);
    case DATEOID:
        return DateADTGetDatum(static_cast<DateADT>(number));
    default:
        return TimestampGetDatum(static_cast<Timestamp>(number));
    }
}

Datum between(Oid type, Datum low, Datum high, double fraction) {
    double a, b;
    if (to_number(type, low, &a) && to_number(type, high, &b))
        return from_number(type, a + (b - a) * fraction);
    return fraction < 0.5 ? low : high;
}

// The value below which lie `wanted` of all rows, from the histogram and the common values below
// each of its bounds.
Datum quantile_of_histogram(const Statistics &s, TypeCacheEntry *type, double wanted) {
    const AttStatsSlot &h = s.histogram;
    auto *common_below = static_cast<double *>(palloc0(sizeof(double) * h.nvalues));
    for (int i = 0; i < s.common.nvalues && i < s.common.nnumbers; i++) {
        int low = 0, high = h.nvalues; // the first bound above the common value
        while (low < high) {
            int middle = (low + high) / 2;
            if (compare(type, h.stacoll, h.values[middle], s.common.values[i]) > 0)
                high = middle;
            else
                low = middle + 1;
        }
        if (low < h.nvalues)
            common_below[low] += s.common.numbers[i];
    }
    double in_histogram = std::max(1 - s.null_fraction - s.common_total, 0.0);
    double common = 0, previous = 0;
    for (int i = 0; i < h.nvalues; i++) {
        common += common_below[i];
        double below = common + in_histogram * i / (h.nvalues - 1);
        if (below >= wanted) {
            if (i == 0 || below <= previous)
                return h.values[i];
            return between(h.valuetype, h.values[i - 1], h.values[i],
                           (wanted - previous) / (below - previous));
        }
        previous = below;
    }
    return h.values[h.nvalues - 1];
}

Datum quantile_of_common(const Statistics &s, TypeCacheEntry *type, double wanted) {
    int best = 0;
    double best_error = 2;
    for (int i = 0; i < s.common.nvalues; i++) {
        double below = 0;
        for (int j = 0; j < s.common.nvalues && j < s.common.nnumbers; j++)
            if (compare(type, s.common.stacoll, s.common.values[j], s.common.values[i]) < 0)
                below += s.common.numbers[j];
        if (std::fabs(below - wanted) < best_error) {
            best_error = std::fabs(below - wanted);
            best = i;
        }
    }
    return s.common.values[best];
}

// ---- Text ---------------------------------------------------------------------------------------

// Bytes at the start of `example` that few enough of the histogram's values share.
int prefix_length(const Statistics &s, const char *example, double wanted) {
    int bytes = static_cast<int>(strlen(example));
    for (int characters = shortest_prefix;; characters++) {
        int length = pg_mbcharcliplen(example, bytes, characters);
        if (length >= bytes)
            return bytes;
        int sharing = 0;
        for (int i = 0; i < s.histogram.nvalues; i++) {
            char *value = TextDatumGetCString(s.histogram.values[i]);
            sharing += strncmp(value, example, length) == 0;
            pfree(value);
        }
        if (sharing <= std::max(wanted * s.histogram.nvalues, 1.0))
            return length;
    }
}

} // namespace

bool value_equal_to(Oid relid, AttributeNumber attno, double selectivity, int nth, Datum *value,
                    Oid *type, bool *common) {
    Statistics s;
    bool known = read_statistics(relid, attno, &s);
    if (known) {
        *type = type_of(s);
        double uncommon = share_of_uncommon(s);
        double wanted = selectivity > 0 ? selectivity
                        : s.histogram.nvalues > 0
                            ? uncommon
                            : std::max((1 - s.null_fraction) / s.distinct, 1e-12);
        int nearest = nearest_common(s, wanted);
        *common = nearest >= 0 &&
                  (s.histogram.nvalues == 0 ||
                   distance(s.common.numbers[nearest], wanted) < distance(uncommon, wanted));
        *value =
            *common ? s.common.values[(nearest + nth) % s.common.nvalues]
                    : s.histogram.values[(s.histogram.nvalues / 2 + 7 * nth) % s.histogram.nvalues];
    }
    release(&s);
    return known;
}

bool value_bounding(Oid relid, AttributeNumber attno, bool below, double selectivity, Datum *value,
                    Oid *type) {
    Statistics s;
    bool known = read_statistics(relid, attno, &s);
    if (known) {
        *type = type_of(s);
        TypeCacheEntry *order = lookup_type_cache(*type, TYPECACHE_CMP_PROC_FINFO);
        known = OidIsValid(order->cmp_proc_finfo.fn_oid);
        if (known) {
            double wanted = selectivity >= 0 ? selectivity : default_bound;
            if (!below)
                wanted = 1 - s.null_fraction - wanted;
            *value = s.histogram.nvalues > 1 ? quantile_of_histogram(s, order, wanted)
                                             : quantile_of_common(s, order, wanted);
        }
    }
    release(&s);
    return known;
}

bool value_matching(Oid relid, AttributeNumber attno, bool prefix, double selectivity,
                    Datum *value) {
    Statistics s;
    bool known = read_statistics(relid, attno, &s);
    if (known && type_of(s) != TEXTOID && type_of(s) != VARCHAROID && type_of(s) != BPCHAROID)
        known = false;
    const char *example = "abc";
    int length = 3;
    if (known) {
        example = TextDatumGetCString(s.histogram.nvalues > 0
                                          ? s.histogram.values[s.histogram.nvalues / 2]
                                          : s.common.values[0]);
        length = prefix_length(s, example, selectivity > 0 ? selectivity : default_prefix);
    }
    release(&s);
    StringInfoData pattern;
    initStringInfo(&pattern);
    if (!prefix)
        appendStringInfoChar(&pattern, '%');
    for (int i = 0; i < length; i++) {
        if (strchr("%_\\", example[i]))
            appendStringInfoChar(&pattern, '\\');
        appendStringInfoChar(&pattern, example[i]);
    }
    appendStringInfoChar(&pattern, '%');
    *value = CStringGetTextDatum(pattern.data);
    return true;
}

double distinct_values(Oid relid, AttributeNumber attno) {
    Statistics s;
    double distinct = read_statistics(relid, attno, &s) ? s.distinct : 0;
    release(&s);
    return distinct;
}

bool convert_value(Datum value, Oid from, Oid to, Datum *result) {
    to = getBaseType(to);
    if (IsBinaryCoercible(from, to)) {
        *result = value;
        return true;
    }
    return attempt([&] {
               Oid output, input, io_parameter;
               bool is_varlena;
               getTypeOutputInfo(from, &output, &is_varlena);
               getTypeInputInfo(to, &input, &io_parameter);
               *result = OidInputFunctionCall(input, OidOutputFunctionCall(output, value),
                                              io_parameter, -1);
           }) == nullptr;
}

} // namespace triage
