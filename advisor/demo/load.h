// The mixed load: pgbench through the simple protocol and through prepared statements, side by
// side, from the moment it is made until it is ended.
#pragma once

#include "demo/cluster.h"
#include "demo/figures.h"
#include "demo/process.h"
#include "demo/workflow.h"

#include <memory>
#include <string>
#include <vector>

namespace triage::advisor {

// All scripts of the directory, in the order of their names. Raises Failure if one cannot be used.
std::vector<Workflow> read_workflows(const std::string &directory);

struct LoadOptions {
    std::string database, role;
    std::string scale; // given to the scripts as :scale
    int clients = 4;   // half of them through each protocol
    std::string files; // a directory to keep scripts and logs in
};

class Load {
  public:
    Load(const Installation &installation, const ThrowAwayCluster &cluster,
         std::vector<Workflow> workflows, const LoadOptions &options);

    const std::vector<Workflow> &workflows() const { return workflows_; }

    // Raises Failure if a client has given up: then the figures would be of another load.
    void check();

    void end();

    // What was measured until it was ended, of both protocols.
    std::vector<Sample> samples() const;

  private:
    struct Side {
        std::string directory;
        ChildProcess process;
    };
    void start(Protocol protocol, const Installation &installation, const ThrowAwayCluster &cluster,
               const LoadOptions &options);

    std::vector<Workflow> workflows_;
    std::vector<Side> sides_;
};

} // namespace triage::advisor
