// CREATE INDEX CONCURRENTLY and DROP INDEX CONCURRENTLY as a background worker runs them: as
// top-level commands that begin and commit transactions of their own.
#pragma once

#include "pg/worker_transaction.h"

namespace triage {

// A table whose indexes a worker is about to change.
struct Table {
    Oid oid = InvalidOid;
    std::string schema, name; // as they are now; not quoted
    Oid owner = InvalidOid;
    bool partitioned = false;
};

// Waits no longer than this for any lock from now on; call outside a transaction.
void set_lock_timeout(int milliseconds);

// A lock that keeps other builders and DDL away from the table, lets readers and writers pass, and
// outlasts transactions (an error ends it early). One at a time.
class TableLock {
  public:
    // Throws WorkerError: if the table is gone, or if the lock cannot be had in time.
    explicit TableLock(Oid relation);
    ~TableLock();
    TableLock(const TableLock &) = delete;
    TableLock &operator=(const TableLock &) = delete;

    const Table &table() const { return table_; }

  private:
    Table table_;
};

// What there is under an index's name in the schema of its table.
struct FoundIndex {
    Oid oid = InvalidOid; // InvalidOid: nothing, or something that is no index of this table
    bool valid = false;
};
FoundIndex find_index(Oid relation, const std::string &schema, const std::string &name);
FoundIndex find_index(Oid relation, Oid index);

// Runs the CREATE INDEX statement `ddl`, on this table and with this name whatever it says there,
// as `role` (InvalidOid: as the superuser that the worker is). The table must be locked.
void create_index_concurrently(const std::string &ddl, const Table &table,
                               const std::string &index_name, Oid role);

// Puts the index of the CREATE INDEX statement `ddl` on this partitioned table alone: it is not valid
// until every partition's index is attached to it. Inside worker_transaction(); throws ServerError.
void create_index_only(const std::string &ddl, Oid table, const std::string &index_name);

// The index must be of the table, which must be locked. One of a partitioned table goes with those
// of all partitions at once: that cannot be done concurrently, and has to wait for their users.
void drop_index_of(const Table &table, Oid index);

} // namespace triage
