// Fills a cluster with the hospital's tables.
#pragma once

#include "demo/cluster.h"
#include "options.h"

#include <cstdint>
#include <string>

namespace triage::advisor {

// The role that the load works as; the files make it.
inline const std::string load_role = "clinic";

struct HospitalSize {
    int tables = 0;
    double rows = 0, bytes = 0;
};

// Creates the database, runs schema.sql and then the scripts of data/, as many side by side as
// there are processors, and brings the planner's statistics up to date.
HospitalSize fill_hospital(const Options &options, const Installation &installation,
                           const ThrowAwayCluster &cluster, const std::string &database,
                           const std::string &scale);

} // namespace triage::advisor
