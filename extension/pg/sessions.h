// What all sessions of clients do at this moment, from the server's shared memory: without a
// transaction and without waiting for anybody. No text of a statement leaves this file.
#pragma once

#include "core/activity_log.h"
#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "datatype/timestamp.h"
PG_HEADERS_END

namespace triage::sessions {

struct Sight {
    int pid;
    TimestampTz started;
    Oid database, user;
    SessionState state;
    WaitClass wait;
    double transaction_age_s; // 0 outside of a transaction
    char application[NAMEDATALEN];
};

std::vector<Sight> look();

} // namespace triage::sessions
