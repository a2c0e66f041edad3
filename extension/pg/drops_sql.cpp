// SQL function triage.recommend_drops: advice on existing indexes, in words and as commands.
#include "pg/index_inventory.h"
#include "pg/row_writer.h"

PG_HEADERS_BEGIN
#include "utils/builtins.h"
PG_FUNCTION_INFO_V1(triage_recommend_drops);
PG_HEADERS_END

#include <cmath>

namespace triage {
namespace {

const char *kind_of(DropReason reason) {
    switch (reason) {
    case DropReason::Invalid:
        return "invalid";
    case DropReason::Duplicate:
        return "duplicate";
    case DropReason::Redundant:
        return "redundant";
    case DropReason::Unused:
        return "unused";
    case DropReason::Bloated:
        break;
    }
    return "bloated";
}

class Report {
  public:
    explicit Report(const IndexInventory &inventory) : inventory_(inventory) {}

    void write(RowWriter &rows, const DropAdvice &advice) const {
        const IndexFacts &index = *advice.index;
        rows.add_oid(index.id);
        rows.add_oid(index.relation);
        rows.add_text(kind_of(advice.reason));
        rows.add_int8(static_cast<std::int64_t>(index.bytes));
        rows.add_int8(static_cast<std::int64_t>(saved_bytes(advice)));
        if (advice.served_by)
            rows.add_oid(advice.served_by->id);
        else
            rows.add_null();
        rows.add_int8(index.scans);
        rows.add_timestamptz(inventory_.counted_since);
        if (is_to_be_checked_elsewhere(advice))
            rows.add_null();
        else
            rows.add_text(command(advice));
        rows.add_text(reason(advice));
        rows.end_row();
    }

  private:
    const InventoryItem &item(const IndexFacts &index) const {
        return inventory_.items[static_cast<std::size_t>(&index - inventory_.indexes.data())];
    }

    static double saved_bytes(const DropAdvice &advice) {
        const IndexFacts &index = *advice.index;
        if (!advice.rebuild)
            return index.bytes;
        return advice.reason == DropReason::Bloated ? index.bytes - index.expected_bytes : 0;
    }

    // Only here is it known that nobody used it.
    bool is_to_be_checked_elsewhere(const DropAdvice &advice) const {
        return advice.reason == DropReason::Unused && inventory_.others_read;
    }

    // A partitioned index cannot be dropped concurrently.
    std::string command(const DropAdvice &advice) const {
        const InventoryItem &about = item(*advice.index);
        if (advice.rebuild)
            return "REINDEX INDEX CONCURRENTLY " + about.name;
        return (about.partitioned ? "DROP INDEX " : "DROP INDEX CONCURRENTLY ") + about.name;
    }

    std::string reason(const DropAdvice &advice) const {
        const IndexFacts &index = *advice.index;
        std::string text;
        switch (advice.reason) {
        case DropReason::Invalid:
            text = "It is invalid: no query uses it, but writes maintain it.";
            if (advice.rebuild)
                text += " It must not be dropped, as it " + duty(index) + ".";
            break;
        case DropReason::Duplicate:
            text = item(*advice.served_by).name + " is the same but for its name or its promises.";
            break;
        case DropReason::Redundant:
            text = "All that it does " + item(*advice.served_by).name + " can do as well.";
            break;
        case DropReason::Unused:
            text =
                "No query has used it since the statistics began. PostgreSQL does not record when "
                "an index was built: a young one has had less time.";
            if (item(index).has_expression)
                text += " Without it, ANALYZE keeps no statistics of its expression.";
            if (inventory_.others_read)
                text += " Other nodes count for themselves: see whether they use it, too.";
            break;
        case DropReason::Bloated:
            text = "It is about " + times(index.bytes / index.expected_bytes) +
                   " times as large as it would be if it were built anew.";
            break;
        }
        return text;
    }

    static std::string duty(const IndexFacts &index) {
        return index.constraint         ? "belongs to a constraint"
               : index.replica_identity ? "is a replica identity"
                                        : "is what the table is clustered on";
    }

    static std::string times(double factor) {
        char text[32];
        snprintf(text, sizeof(text), factor < 9.95 ? "%.1f" : "%.0f", factor);
        return text;
    }

    const IndexInventory &inventory_;
};

void recommend_drops(FunctionCallInfo fcinfo) {
    RowWriter rows(fcinfo);
    if (PG_ARGISNULL(0))
        throw SqlError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "unused_for must not be null");
    const std::string window = call_server([fcinfo]() -> const char * {
        return DatumGetCString(DirectFunctionCall1(interval_out, PG_GETARG_DATUM(0)));
    });
    const IndexInventory inventory = take_inventory(window);
    const Report report(inventory);
    for (const DropAdvice &advice :
         advise_on_drops(inventory.indexes, inventory.counted_long_enough))
        report.write(rows, advice);
}

} // namespace
} // namespace triage

Datum triage_recommend_drops(PG_FUNCTION_ARGS) {
    triage::guard_sql([&] { triage::recommend_drops(fcinfo); });
    PG_RETURN_NULL();
}
