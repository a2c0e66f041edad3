// What the SQL functions over the store have in common.
#pragma once

#include "pg/guard.h"
#include "pg/row_writer.h"
#include "pg/store.h"

namespace triage {

// Throws the error that says how to get a store, if there is none.
void require_store();

// The name of a relation of this database as it must be written, or its OID if it is gone.
std::string relation_name(Oid relation);

template <class Write> Datum return_statistics(FunctionCallInfo fcinfo, Write write) {
    return guard_sql([&] {
        require_store();
        RowWriter rows(fcinfo);
        write(rows);
        return Datum{0};
    });
}

} // namespace triage
