// A background worker that fills free shared buffers with the hottest blocks of one database,
// reading ahead of itself into the page cache. It stops when no buffer is free any more: from then
// on it would take from running statements what they have just read.
#pragma once

#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "postmaster/bgworker.h"
PG_HEADERS_END

namespace triage::heat {

struct LoadOrder {
    Oid database = InvalidOid;
    std::uint64_t blocks = 0; // it may load
    bool with_shared = false; // the catalogs that all databases share as well
};

// Registers the worker, which starts once the server is consistent; null if all slots of workers are
// taken. May raise.
BackgroundWorkerHandle *start_loader(const LoadOrder &order);

} // namespace triage::heat
