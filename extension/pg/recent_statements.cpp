#include "pg/recent_statements.h"

#include "pg/guc.h"
#include "pg/plan_walk.h"

PG_HEADERS_BEGIN
#include "utils/inval.h"
PG_HEADERS_END

namespace triage::recent_statements {

Statement statements[places];
PG_TRIAGE_WRITTEN alignas(4096) Glance glance; // a page, so that what is only read is on another

namespace {

// A session plans the first five executions of a prepared statement with their values, and may take
// a generic plan from the sixth on (plancache.c), often of the same shape: it is to be seen, too.
constexpr std::uint64_t statement_first_samples = 8, plan_first_samples = 2;

// Not inline: the room for a whole shape is for plans that are new here.
[[gnu::noinline]] store::PlanHandle find_shape(const QueryDesc *query) noexcept {
    PlanShape shape;
    shape_of(query->plannedstmt, shape);
    return store::plan(key_of(query), shape);
}

void note_catalog_change(Datum, Oid) {
    glance.catalogs++;
}

} // namespace

Statement *find_anew(const QueryDesc *query, store::Room room, store::Loss &why_not) noexcept {
    const store::StatementKey key = key_of(query);
    why_not = store::Loss::Statement;
    if (!store::available())
        return nullptr;
    const store::StatementHandle found = store::statement(key, room, why_not);
    if (!found)
        return nullptr;
    const std::size_t at = place_of(key.queryid, key.userid);
    glance.tags[at] = tag_of(key.queryid);
    Statement &place = statements[at];
    place = Statement{};
    place.queryid = key.queryid;
    place.userid = key.userid;
    place.in_store = found;
    place.wants_sample = hardly_sampled(place);
    return &place;
}

bool find_plan(Statement &statement, const QueryDesc *query, TimestampTz at) noexcept {
    const Plan *plan = query->plannedstmt->planTree;
    const PlanLook look{std::bit_cast<std::uint64_t>(plan->total_cost),
                        std::bit_cast<std::uint64_t>(plan->startup_cost),
                        hash_of_relations(query->plannedstmt), glance.catalogs};
    if (statement.plan && is_current(statement.plan) &&
        statement.plan.slot->planid == plan_id_of(query->plannedstmt)) {
        statement.look = look;
        return true;
    }
    statement.plan = find_shape(query);
    if (!statement.plan) {
        statement.look = {};
        return false;
    }
    statement.look = look;
    statement.wants_sample = true; // until what it was sampled is looked at
    store::take_up_plan(statement.in_store, statement.plan, at);
    return true;
}

bool hardly_sampled(const Statement &statement) noexcept {
    return guc::sample_rate > 0 &&
           (times_sampled(statement.in_store) < statement_first_samples ||
            (statement.plan && times_sampled(statement.plan) < plan_first_samples));
}

void forget() noexcept {
    for (Statement &place : statements)
        place = Statement{};
}

void install() {
    CacheRegisterRelcacheCallback(note_catalog_change, 0);
}

} // namespace triage::recent_statements
