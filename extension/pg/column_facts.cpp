#include "pg/column_facts.h"

#include "pg/compat.h"
#include "pg/faults.h"
#include "pg/labels.h"
#include "pg/store.h"

PG_HEADERS_BEGIN
#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_index.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "optimizer/optimizer.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
PG_HEADERS_END

namespace triage::column_facts {

using datum_values::TypeClass;

namespace {

// A column's statistics beyond these are not remembered; what is left out only makes estimates
// coarser.
constexpr int most_common_kept = 256;
constexpr int most_bounds_kept = 257;

struct ColumnEntry {
    Oid relation = InvalidOid;
    AttributeNumber attribute = 0;
    bool valid = false;
    std::uint32_t label_epoch = 0;
    std::uint32_t used = 0;
    MemoryContext context = nullptr; // the profile's arrays
    Column column;
};

struct OperatorEntry {
    Oid opno = InvalidOid;
    bool valid = false;
    Operator facts;
};

constexpr int column_sets = 32, columns_a_set = 4;
constexpr int operator_entries = 256;

ColumnEntry columns[column_sets][columns_a_set];
OperatorEntry operators[operator_entries];
std::uint32_t use_clock = 0;
std::uint64_t forgotten =
    0; // times that something was forgotten: loading takes longer than a moment
Oid own_schema = InvalidOid;
bool own_schema_known = false;
bool callbacks_registered = false;

ColumnEntry *set_of(Oid relation, AttributeNumber attribute) {
    const std::uint32_t hash =
        (relation * 31 + static_cast<std::uint32_t>(attribute)) * 0x9E3779B1u;
    return columns[hash >> 27];
}
static_assert(column_sets == 32, "set_of takes the five highest bits");

OperatorEntry &entry_of(Oid opno) {
    return operators[opno * 0x9E3779B1u >> 24];
}
static_assert(operator_entries == 256, "entry_of takes the eight highest bits");

void forget_relation(Datum, Oid relation) {
    forgotten++;
    for (auto &set : columns)
        for (ColumnEntry &entry : set)
            if (!OidIsValid(relation) || entry.relation == relation)
                entry.valid = false;
}

void forget_columns(Datum, int, uint32) {
    forget_relation(0, InvalidOid);
}

void forget_operators(Datum, int, uint32) {
    forgotten++;
    for (OperatorEntry &entry : operators)
        entry.valid = false;
}

void forget_own_schema(Datum, int, uint32) {
    forgotten++;
    own_schema_known = false;
}

void register_callbacks() {
    if (callbacks_registered)
        return;
    callbacks_registered = true;
    CacheRegisterRelcacheCallback(forget_relation, 0);
    CacheRegisterSyscacheCallback(STATRELATTINH, forget_columns, 0);
    CacheRegisterSyscacheCallback(AMOPOPID, forget_operators, 0);
    CacheRegisterSyscacheCallback(OPEROID, forget_operators, 0);
    CacheRegisterSyscacheCallback(NAMESPACENAME, forget_own_schema, 0);
}

// Types whose values the privacy rule may let out: they print the same for everybody and are
// neither dates nor measurements nor documents.
bool is_safe(TypeClass type_class) {
    switch (type_class) {
    case TypeClass::Boolean:
    case TypeClass::SingleChar:
    case TypeClass::Int2:
    case TypeClass::Int4:
    case TypeClass::Int8:
    case TypeClass::Enum:
    case TypeClass::Text:
    case TypeClass::PaddedText:
        return true;
    default:
        return false;
    }
}

template <class Item> std::span<Item> new_array(MemoryContext context, int count) {
    auto *items = static_cast<Item *>(
        MemoryContextAlloc(context, sizeof(Item) * static_cast<std::size_t>(std::max(count, 1))));
    return {items, static_cast<std::size_t>(count)};
}

// The most common values, each with how it prints if it may ever be shown.
void load_common(Column &column, HeapTuple statistics, MemoryContext context) {
    AttStatsSlot slot;
    if (!get_attstatsslot(&slot, statistics, STATISTIC_KIND_MCV, InvalidOid,
                          ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS))
        return;
    for (int i = 0; i < slot.nnumbers; i++)
        column.profile.common_total += slot.numbers[i];
    const int count = std::min({slot.nvalues, slot.nnumbers, most_common_kept});
    Oid output;
    bool is_varlena;
    getTypeOutputInfo(column.type.oid, &output, &is_varlena);
    auto common = new_array<CommonValue>(context, count);
    for (int i = 0; i < count; i++) {
        CommonValue &value = common[static_cast<std::size_t>(i)];
        value = CommonValue{};
        value.value = datum_values::loaded_value(column.type.type_class, slot.values[i], context);
        value.frequency = slot.numbers[i];
        if (!may_show_values(column.secrecy))
            continue;
        const char *printed = OidOutputFunctionCall(output, slot.values[i]);
        if (strlen(printed) <= longest_kept_value)
            value.printed = MemoryContextStrdup(context, printed);
    }
    column.profile.common = common;
    free_attstatsslot(&slot);
}

void load_histogram(Column &column, HeapTuple statistics, MemoryContext context) {
    AttStatsSlot slot;
    if (!get_attstatsslot(&slot, statistics, STATISTIC_KIND_HISTOGRAM, InvalidOid,
                          ATTSTATSSLOT_VALUES))
        return;
    // A very fine histogram is thinned out evenly, both ends kept.
    const int count = std::min(slot.nvalues, most_bounds_kept);
    auto bounds = new_array<ColumnValue>(context, count);
    for (int i = 0; i < count; i++) {
        const int from =
            count > 1
                ? static_cast<int>(static_cast<std::int64_t>(i) * (slot.nvalues - 1) / (count - 1))
                : 0;
        bounds[static_cast<std::size_t>(i)] =
            datum_values::loaded_value(column.type.type_class, slot.values[from], context);
    }
    column.profile.histogram = bounds;
    free_attstatsslot(&slot);
}

bool indexed_as_key(HeapTuple index, AttributeNumber attribute) {
    auto *form = reinterpret_cast<Form_pg_index>(GETSTRUCT(index));
    if (!form->indisunique && !form->indisexclusion)
        return false;
    for (int i = 0; i < form->indnkeyatts; i++)
        if (form->indkey.values[i] == attribute)
            return true;
    bool is_null;
    Datum expressions = SysCacheGetAttr(INDEXRELID, index, Anum_pg_index_indexprs, &is_null);
    if (is_null)
        return false;
    Bitmapset *used = nullptr;
    pull_varattnos(static_cast<Node *>(stringToNode(TextDatumGetCString(expressions))), 1, &used);
    return bms_is_member(attribute - FirstLowInvalidHeapAttributeNumber, used);
}

// Whether the column is part of a key that tells rows apart, or refers to one.
bool is_key(::Relation relation, AttributeNumber attribute) {
    ListCell *cell;
    foreach (cell, RelationGetFKeyList(relation)) {
        auto *key = static_cast<ForeignKeyCacheInfo *>(lfirst(cell));
        for (int i = 0; i < key->nkeys; i++)
            if (key->conkey[i] == attribute)
                return true;
    }
    foreach (cell, RelationGetIndexList(relation)) {
        HeapTuple index = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(cell)));
        if (!HeapTupleIsValid(index))
            continue;
        const bool is_part = indexed_as_key(index, attribute);
        ReleaseSysCache(index);
        if (is_part)
            return true;
    }
    return false;
}

// How the order and equality of the column's type relate to those of its value kind.
void choose_comparison(Column &column, Oid collation) {
    column.profile.kind = datum_values::kind_of(column.type.type_class);
    switch (column.profile.kind) {
    case ValueKind::Integer:
        column.profile.ordered = column.type.type_class != TypeClass::Enum;
        break;
    case ValueKind::Real:
        column.profile.ordered = true;
        break;
    case ValueKind::Bytes:
        if (!OidIsValid(collation)) {
            column.profile.ordered = true; // uuid
        } else if (!get_collation_isdeterministic(collation)) {
            column.profile.kind = ValueKind::Opaque;
            column.type.type_class = TypeClass::Opaque;
        } else {
            column.profile.ordered =
                column.type.type_class != TypeClass::PaddedText && collation_is_c(collation);
        }
        break;
    case ValueKind::Opaque:
        break;
    }
}

// A partitioned table has statistics only over its partitions.
HeapTuple statistics_of(Oid relation, AttributeNumber attribute) {
    HeapTuple own = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relation),
                                    Int16GetDatum(attribute), BoolGetDatum(false));
    if (HeapTupleIsValid(own))
        return own;
    return SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relation), Int16GetDatum(attribute),
                           BoolGetDatum(true));
}

void load_statistics(Column &column, Oid relation, AttributeNumber attribute,
                     MemoryContext context) {
    HeapTuple tuple = statistics_of(relation, attribute);
    if (!HeapTupleIsValid(tuple))
        return;
    auto *statistics = reinterpret_cast<Form_pg_statistic>(GETSTRUCT(tuple));
    ColumnProfile &profile = column.profile;
    profile.analyzed = true;
    profile.null_fraction = statistics->stanullfrac;
    column.secrecy.distinct = statistics->stadistinct;
    profile.distinct = statistics->stadistinct >= 0
                           ? static_cast<double>(statistics->stadistinct)
                           : -static_cast<double>(statistics->stadistinct) * profile.rows;
    if (column.type.type_class != TypeClass::Opaque) {
        load_common(column, tuple, context);
        load_histogram(column, tuple, context);
    }
    faults::raise_at(faults::Point::statistics_error);
    ReleaseSysCache(tuple);
}

void read_column(Column &column, Oid relid, AttributeNumber attribute, MemoryContext context) {
    ::Relation relation = relation_open(relid, AccessShareLock);
    faults::raise_at(faults::Point::column_error);
    const auto *form = TupleDescAttr(RelationGetDescr(relation), attribute - 1);
    column.type.oid = getBaseType(form->atttypid);
    column.type.type_class = datum_values::class_of_type(column.type.oid);
    if (column.type.type_class == TypeClass::Opaque && type_is_enum(column.type.oid))
        column.type.type_class = TypeClass::Enum;
    choose_comparison(column, form->attcollation);

    column.secrecy.safe_type = is_safe(column.type.type_class);
    column.secrecy.names_identifier = names_identifier(NameStr(form->attname));
    column.secrecy.label = labels::column_label(relid, attribute);
    column.secrecy.is_key = is_key(relation, attribute);
    column.profile.rows = std::max(static_cast<double>(relation->rd_rel->reltuples), 0.0);
    load_statistics(column, relid, attribute, context);
    relation_close(relation, AccessShareLock);
}

void describe_comparison(Operator &facts, int strategy) {
    switch (strategy) {
    case 0:
        return;
    case BTEqualStrategyNumber:
        facts.op = ClauseOperator::Equal;
        return;
    case BTLessStrategyNumber:
        facts.comparison = Comparison::Less;
        break;
    case BTLessEqualStrategyNumber:
        facts.comparison = Comparison::LessEqual;
        break;
    case BTGreaterEqualStrategyNumber:
        facts.comparison = Comparison::GreaterEqual;
        break;
    case BTGreaterStrategyNumber:
        facts.comparison = Comparison::Greater;
        break;
    default:
        facts.op = ClauseOperator::NotEqual;
        return;
    }
    facts.op = ClauseOperator::Range;
}

ColumnEntry &entry_to_fill(Oid relation, AttributeNumber attribute) {
    ColumnEntry *set = set_of(relation, attribute);
    ColumnEntry *oldest = &set[0];
    for (int i = 0; i < columns_a_set; i++) {
        if (set[i].relation == relation && set[i].attribute == attribute)
            return set[i];
        if (!oldest->valid)
            continue;
        if (!set[i].valid || use_clock - set[i].used > use_clock - oldest->used)
            oldest = &set[i];
    }
    return *oldest;
}

} // namespace

const Column *find_column(Oid relation, AttributeNumber attribute) noexcept {
    if (faults::hits(faults::Point::column_error) || faults::hits(faults::Point::statistics_error))
        return nullptr;
    ColumnEntry *set = set_of(relation, attribute);
    for (int i = 0; i < columns_a_set; i++) {
        ColumnEntry &entry = set[i];
        if (entry.valid && entry.relation == relation && entry.attribute == attribute) {
            if (entry.label_epoch != store::label_epoch())
                return nullptr;
            entry.used = ++use_clock;
            return &entry.column;
        }
    }
    return nullptr;
}

const Operator *find_operator(Oid opno) noexcept {
    if (faults::hits(faults::Point::operator_error))
        return nullptr;
    const OperatorEntry &entry = entry_of(opno);
    return entry.valid && entry.opno == opno ? &entry.facts : nullptr;
}

std::optional<Oid> find_own_schema() noexcept {
    if (faults::hits(faults::Point::schema_error) || faults::hits(faults::Point::cancel))
        return std::nullopt;
    return own_schema_known ? std::optional<Oid>(own_schema) : std::nullopt;
}

void load_own_schema() {
    register_callbacks();
    const std::uint64_t forgotten_before = forgotten;
    own_schema = get_namespace_oid("triage", true);
    own_schema_known = forgotten == forgotten_before;
}

void load_column(Oid relation, AttributeNumber attribute) {
    register_callbacks();
    ColumnEntry &entry = entry_to_fill(relation, attribute);
    entry.valid = false;
    entry.relation = relation;
    entry.attribute = attribute;
    entry.used = ++use_clock;
    if (entry.context)
        MemoryContextReset(entry.context);
    else
        entry.context = AllocSetContextCreate(CacheMemoryContext, "pg_triage column facts",
                                              ALLOCSET_START_SMALL_SIZES);
    // Before the catalogs: what changes while they are read makes what was read old.
    const std::uint64_t forgotten_before = forgotten;
    entry.label_epoch = store::label_epoch();
    entry.column = Column{};
    read_column(entry.column, relation, attribute, entry.context);
    entry.valid = forgotten == forgotten_before;
}

const Column *get_column(Oid relation, AttributeNumber attribute) {
    constexpr int most_readings = 100;
    for (int reading = 0; reading < most_readings; reading++) {
        if (const Column *column = find_column(relation, attribute))
            return column;
        CHECK_FOR_INTERRUPTS();
        load_column(relation, attribute);
    }
    return nullptr;
}

void load_operator(Oid opno) {
    register_callbacks();
    const std::uint64_t forgotten_before = forgotten;
    Operator facts;
    facts.commutator = get_commutator(opno);
    faults::raise_at(faults::Point::operator_error);
    const RegProcedure function = get_opcode(opno);
    switch (function) {
    case F_TEXTLIKE:
    case F_BPCHARLIKE:
    case F_NAMELIKE:
        facts.op = ClauseOperator::Prefix;
        facts.pattern = true;
        break;
    case F_STARTS_WITH:
        facts.op = ClauseOperator::Prefix;
        break;
    default:
        describe_comparison(facts, comparison_strategy(opno));
        break;
    }
    entry_of(opno) = {opno, forgotten == forgotten_before, facts};
}

} // namespace triage::column_facts
