// The names in the text of an observed statement are those of the session that ran it. Whoever asks
// for recommendations may have another search_path: here is the one to read a text with.
#pragma once

#include "pg/guard.h"
#include "pg/observed_statements.h"
#include "pg/store.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace triage {

class ObservedNames {
  public:
    ObservedNames(const std::vector<ObservedStatement> &statements,
                  const std::vector<store::ScanStats> &scans);

    // Runs `body` with the schemas of the relations that the statement was seen to use, before the
    // search_path that sessions start with. Only inside a subtransaction, which takes the setting
    // back if `body` throws.
    template <class Body> void with_names_of(std::int64_t queryid, Body &&body) const {
        int level = enter(queryid);
        body();
        leave(level);
    }

  private:
    int enter(std::int64_t queryid) const;
    static void leave(int level);

    std::map<std::int64_t, std::string> schemas_; // quoted, each with a comma behind it
    std::string default_path_;
};

} // namespace triage
