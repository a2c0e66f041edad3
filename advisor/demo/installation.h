// Where the demo finds what it runs: PostgreSQL's programs, and the hospital's files.
#pragma once

#include <string>

namespace triage::advisor {

struct Installation {
    std::string bindir; // initdb, postgres, psql, pgbench
    std::string files;  // schema.sql, data/, load/

    std::string program(const std::string &name) const { return bindir + "/" + name; }
};

// Empty arguments mean: the programs beside this one, else those of the pg_config in PATH; the
// files of the source tree that this program was built in, else those installed for the programs.
// Raises Failure if something is missing.
Installation find_installation(const std::string &bindir, const std::string &files);

} // namespace triage::advisor
