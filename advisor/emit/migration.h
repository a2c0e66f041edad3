// Recommended indexes as a migration of the tool that the application's schema is kept with. Each
// tool is told, in its own way, that CREATE INDEX CONCURRENTLY cannot run inside a transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace triage::advisor {

enum class MigrationTool { Sql, Flyway, Rails, Django, Sqitch };

struct MigrationIndex {
    std::string ddl;      // a complete CREATE INDEX CONCURRENTLY
    std::string schema;   // of the table, and so of the index; quoted if need be
    std::string relation; // for the comment
    std::string kind, reason;
    double improvement = 0; // estimated, 0..1
    std::int64_t size_bytes = 0;
    int queries = 0;
};

struct MigrationHead {
    std::string database;
    std::string taken_at; // ISO 8601; names and versions are made from it
    std::string program;  // name and version of who writes this
    std::string after; // migration that this one follows, where the tool asks for it; may be empty
};

struct MigrationFile {
    std::string path; // relative to where the tool keeps its migrations (sqitch: to the project)
    std::string content;
};

// Raises Failure if an index has no name.
std::vector<MigrationFile> write_migration(MigrationTool tool, const MigrationHead &head,
                                           const std::vector<MigrationIndex> &indexes);

} // namespace triage::advisor
