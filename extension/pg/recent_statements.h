// Where this backend found the statements that it executed lately, and their plans, in the store:
// so that each execution of one pays for a comparison instead of a search. Bounded: a statement
// that comes to the same place as another takes it. Nothing here raises, waits or allocates.
#pragma once

#include <bit>

#include "pg/client_habits.h"
#include "pg/compat.h"
#include "pg/store_counting.h"

PG_HEADERS_BEGIN
#include "executor/execdesc.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
PG_HEADERS_END

// Not through the table of what other libraries may define: each execution reads them.
#pragma GCC visibility push(hidden)
namespace triage::recent_statements {

// Tells at a glance that a plan is its statement's last one. Two plans of the same costs and
// relations can only come from catalogs that changed in between.
struct PlanLook {
    std::uint64_t total_cost = 0, startup_cost = 0; // as bits
    std::uint64_t relations = 0;                    // a hash of them
    std::uint64_t catalogs = 0;                     // as of when; 0: never
};

struct alignas(128) Statement {
    std::int64_t queryid = 0; // 0: nobody's
    Oid userid = InvalidOid;
    bool wants_sample = false; // hardly_sampled(), as of last time
    store::StatementHandle in_store;
    store::PlanHandle plan; // the last one
    PlanLook look;          // of that
    client_habits::Recent habits;
};

constexpr std::size_t places = 512; // a power of two
extern Statement statements[places];

// What is looked at first.
struct Glance {
    // A piece of each one's queryid. Where all statements are new ones, this tells so without the
    // memory of the places, which is never near by where there are many backends.
    std::uint16_t tags[places] = {};
    // Counts what may change a plan without changing its costs: an index that takes another's
    // place, a new definition.
    std::uint64_t catalogs = 1;
};
extern Glance glance;

inline std::size_t place_of(std::int64_t queryid, Oid userid) noexcept {
    return (static_cast<std::uint64_t>(queryid) ^ userid) % places;
}

inline std::uint16_t tag_of(std::int64_t queryid) noexcept {
    return static_cast<std::uint16_t>(static_cast<std::uint64_t>(queryid) >> 48);
}

inline store::StatementKey key_of(const QueryDesc *query) noexcept {
    return {GetUserId(), MyDatabaseId, static_cast<std::int64_t>(query->plannedstmt->queryId)};
}

// Looks for it in the store.
Statement *find_anew(const QueryDesc *query, store::Room room, store::Loss &why_not) noexcept;

// What the current user executes; null, and `why_not`, if there is no room for it.
inline Statement *find(const QueryDesc *query, Oid userid, store::Room room,
                       store::Loss &why_not) noexcept {
    const auto queryid = static_cast<std::int64_t>(query->plannedstmt->queryId);
    const std::size_t at = place_of(queryid, userid);
    if (glance.tags[at] == tag_of(queryid)) [[likely]] {
        Statement &place = statements[at];
        if (place.queryid == queryid && place.userid == userid && is_current(place.in_store))
            [[likely]]
            return &place;
    }
    return find_anew(query, room, why_not);
}

// A single one is the one that the statement names.
inline std::uint64_t hash_of_relations(const PlannedStmt *statement) noexcept {
    const List *relations = statement->relationOids;
    if (list_length(relations) <= 1)
        return 0;
    std::uint64_t hash = 0;
    for (const ListCell *cell = relations->elements, *end = cell + relations->length; cell != end;
         cell++)
        hash = (hash ^ cell->oid_value) * 0x9E3779B97F4A7C15u;
    return hash;
}

// Whether statement.plan is the plan of this execution, too.
inline bool has_last_plan(const Statement &statement, const QueryDesc *query) noexcept {
    const PlannedStmt *planned = query->plannedstmt;
    const PlanLook &last = statement.look;
    return last.total_cost == std::bit_cast<std::uint64_t>(planned->planTree->total_cost) &&
           last.startup_cost == std::bit_cast<std::uint64_t>(planned->planTree->startup_cost) &&
           last.catalogs == glance.catalogs && last.relations == hash_of_relations(planned) &&
           is_current(statement.plan);
}

// Makes it so, from what the store has. False if there is no room for the plan in the store.
bool find_plan(Statement &statement, const QueryDesc *query, TimestampTz at) noexcept;

// Whether the statement, or its plan, has not had its first samples yet, from all backends
// together; false where nothing is sampled.
bool hardly_sampled(const Statement &statement) noexcept;

// Everything, so that each statement is looked up anew.
void forget() noexcept;

// Learns of changes of the catalogs from now on.
void install();

} // namespace triage::recent_statements
#pragma GCC visibility pop
