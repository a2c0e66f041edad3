// The parts of a CREATE INDEX statement that a migration needs: its name and what stands around it.
#pragma once

#include <optional>
#include <string>

namespace triage::advisor {

struct IndexDdl {
    std::string name; // as written, quoted if need be, without schema
    std::string head; // "CREATE INDEX CONCURRENTLY" or "CREATE UNIQUE INDEX CONCURRENTLY"
    std::string tail; // from "ON" to the end, without semicolon

    std::string create_if_not_exists() const {
        return head + " IF NOT EXISTS " + name + " " + tail;
    }
};

// None for anything but CREATE [UNIQUE] INDEX CONCURRENTLY [IF NOT EXISTS] name ON ….
std::optional<IndexDdl> parse_create_index(const std::string &ddl);

// The statement over several lines of at most `width`, broken at spaces outside quotes, and before
// its clauses where that is enough. It stays the same statement.
std::string broken_into_lines(const std::string &ddl, std::size_t width);

// Text as an SQL string: 'it''s'.
std::string quoted_literal(const std::string &text);

} // namespace triage::advisor
