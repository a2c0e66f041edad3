// Which conditions of a statement may stand in the predicate of an index that is proposed, stored
// and shown: always the same for the same row, on this relation's columns alone, and with no value
// but such as the privacy rule lets out.
#pragma once

#include "pg/pg.h"

PG_HEADERS_BEGIN
#include "nodes/primnodes.h"
PG_HEADERS_END

namespace triage {

// Of a column with more values than this, a literal in a text stands for any of them, as a
// patient's or a ward's number does; of one with fewer it says which state the statement is about.
inline constexpr double most_states = 25;

// Whether it is known that the literals of a statement recur.
enum class Literals : std::uint8_t { Observed, Given };

// `clause` is a condition on the relation numbered `rti`. May raise: call it inside call_server.
bool may_stand_in_predicate(Node *clause, Oid relid, Index rti, Literals literals);

// What may be said of an expression that is to be the key of a proposed index, whose text is stored
// and shown.
enum class KeyText : std::uint8_t {
    Harmless, // nothing in it is anybody's
    Shared,   // names a key of a document: harmless if enough rows have that key
    Private
};
KeyText judge_key_text(Node *expression, Oid relid); // may raise

// True if rows are told apart somewhere in an index's expression or predicate by a value that the
// privacy rule does not let out. What is only computed with, as the 'english' of
// to_tsvector('english', note), is the same for every row and tells of none; 0, 1 and the empty
// string say nothing either. May raise.
bool names_private_value(Node *expression, Oid relid);

} // namespace triage
