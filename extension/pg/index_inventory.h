// All indexes of the database's own tables, with what is known of each: for advice on what to drop
// or to build anew.
#pragma once

#include "core/drop_advice.h"
#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "utils/timestamp.h"
PG_HEADERS_END

#include <string>
#include <vector>

namespace triage {

// What core's advice does not need, but its reader does.
struct InventoryItem {
    std::string name; // qualified, quoted where needed
    bool partitioned = false;
    bool has_expression = false;
};

struct IndexInventory {
    std::vector<IndexFacts> indexes;  // partitions' ones too
    std::vector<InventoryItem> items; // one for each of `indexes`
    TimestampTz counted_since = 0;
    bool counted_long_enough = false;
    bool others_read = false; // there are nodes whose scans are not counted here
};

// `window`: an interval as text. Catalogs and counters are read with the caller's rights, what is
// in the indexes' definitions with their owners'. An index that somebody has locked for himself is
// left out. Throws SqlError, ServerError.
IndexInventory take_inventory(const std::string &window);

} // namespace triage
