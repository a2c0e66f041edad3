// What PostgreSQL's planner makes of an analysed statement before it chooses a path: per relation
// the conditions (subqueries pulled up, views expanded, what follows from equalities derived), join
// keys, orders and columns. Plain palloc'ed structures; everything lives in the caller's memory
// context.
#pragma once

#include "core/workload.h"
#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "nodes/params.h"
#include "nodes/parsenodes.h"
#include "nodes/pathnodes.h"
PG_HEADERS_END

namespace triage {

struct FoundClause {
    Node *clause; // as the planner has it; null for a join key derived from an equivalence class
    Node *key;   // the relation's side without relabelling; null if no index could have it as a key
    Node *other; // what the key is compared with, if anything
    Oid opno;    // with the key on the left; InvalidOid where there is none
    ClauseOperator op;
    Operand operand; // an external parameter counts as Parameter wherever it stands in `other`
    double selectivity;
    bool guessed;        // of an expression without statistics
    const char *opclass; // schema-qualified, if not the default one; else null
    List *gin_opclasses; // of char *, as `opclass`; "" for the default one
};

struct FoundSort {
    Node *key;
    bool descending, nulls_first;
};

struct FoundAccess {
    Oid relid;
    Index rti;          // varno of the relation in all the expressions
    List *clauses;      // of FoundClause, AND-ed
    List *alternatives; // of List of FoundClause: arms of an OR, each with the rest of the clauses
    List *order_by;     // of FoundSort
    List *group_by;     // of FoundSort
    bool limited;
    Bitmapset *columns_read; // attribute numbers, user columns only
    bool whole_row;
    bool is_target;
    List *columns_written; // int list
};

struct PlanAnalysis {
    List *accesses; // of FoundAccess
    CmdType command;
    Oid target;         // of INSERT, UPDATE, DELETE, MERGE
    double target_rows; // estimated, one execution
};

// Plans a copy of `query` with `parameters` (never null; unbound ones have ptype InvalidOid). Only
// ordinary and partitioned tables and materialised views of users are reported; a partition counts
// as its parent. May raise, so call it inside call_server.
PlanAnalysis analyse_plan(const Query *query, ParamListInfo parameters);

// Without the relabelling that the planner looks through when it matches an index.
Node *strip_relabel(Node *node);

// True of a relation that recommendations are about.
bool is_user_table(Oid relid);

} // namespace triage
