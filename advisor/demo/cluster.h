// A throw-away cluster in a temporary directory: made, started, and gone with this object.
#pragma once

#include "demo/installation.h"
#include "demo/process.h"
#include "options.h"

#include <optional>
#include <string>

namespace triage::advisor {

// A new directory below `parent` (empty: TMPDIR or /tmp), removed with all that is in it at the
// end, unless it is kept.
class TemporaryDirectory {
  public:
    explicit TemporaryDirectory(const std::string &parent);
    ~TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory &) = delete;
    TemporaryDirectory &operator=(const TemporaryDirectory &) = delete;

    const std::string &path() const { return path_; }
    void keep() { kept_ = true; }

  private:
    std::string path_;
    bool kept_ = false;
};

struct ClusterOptions {
    std::string parent_directory;
    bool may_be_kept = false; // keep() may be called
    std::string settings;     // lines for postgresql.conf, after the cluster's own
    double needed_bytes = 0;  // of free space
};

class ThrowAwayCluster {
  public:
    // Takes all PG* connection variables out of this process's environment: neither libpq here nor
    // the programs that are run may go elsewhere.
    ThrowAwayCluster(const Installation &installation, const ClusterOptions &options);

    // A directory to work in, which goes with the cluster.
    const std::string &directory() const { return directory_.path(); }
    std::string log_file() const { return directory() + "/server.log"; }

    // How to reach it: the socket's directory is the cluster's.
    ConnectionOptions connection(const std::string &database) const;

    // From now on it outlives this object, running.
    void keep();

  private:
    void make(const std::string &settings);
    void wait_until_ready();

    Installation installation_;
    TemporaryDirectory directory_;
    std::optional<ChildProcess> server_;
};

} // namespace triage::advisor
