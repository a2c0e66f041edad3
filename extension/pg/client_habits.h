// How clients ask (core/application_advice.h), noticed by the sampler's hooks: a few words of
// memory a statement in each backend, counters in the statement's slot. Nothing here raises, waits
// or allocates.
#pragma once

#include "core/application_advice.h"
#include "pg/compat.h"
#include "pg/store.h"

PG_HEADERS_BEGIN
#include "executor/execdesc.h"
#include "tcop/pquery.h"
PG_HEADERS_END

namespace triage::client_habits {

// Who gets a statement's rows.
enum class Reader : std::uint8_t { Server, Client, ClientInPortions };

// What a backend remembers of a statement.
struct Recent {
    Reader reader = Reader::Server;
    LocalTransactionId transaction = InvalidLocalTransactionId; // in which it ran last
    std::uint32_t times = 0;                                    // in that
    PollClock empty;                                            // when it returned nothing
};

// While a statement starts: a client's is that of the portal that is being started or run. A
// function's cursors have portals, too, but under names that the server made up (or, where the
// function's author named one, are taken for a client's).
inline Reader reader_of(const QueryDesc *query) noexcept {
    const Portal portal = ActivePortal;
    if (portal == nullptr || portal->stmts == NIL ||
        linitial(portal->stmts) != static_cast<const void *>(query->plannedstmt))
        return Reader::Server;
    if (!portal->visible || portal->name[0] == '\0')
        return Reader::Client;
    return portal->name[0] == '<' ? Reader::Server : Reader::ClientInPortions;
}

// Out of line: hardly ever.
void note_repetition(store::StatementHandle statement, std::uint32_t times) noexcept;

inline void note_start(Recent &recent, const QueryDesc *query,
                       store::StatementHandle statement) noexcept {
    recent.reader = reader_of(query);
    if (recent.reader == Reader::Server)
        return;
    const LocalTransactionId transaction = local_transaction();
    if (recent.transaction != transaction) {
        recent.transaction = transaction;
        recent.times = 1;
    } else if (++recent.times >= Repetition::least) {
        note_repetition(statement, recent.times);
    }
}

// Of an execution that returned and changed nothing.
void note_empty(Recent &recent, store::StatementHandle statement) noexcept;

// Of a sampled execution that is over but not cleaned up; its nodes count their rows.
void note_sample(Reader reader, store::StatementHandle statement, const QueryDesc *query) noexcept;

} // namespace triage::client_habits
