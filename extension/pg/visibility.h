// Whose statistics the caller may see: as in pg_stat_statements and pg_stat_activity, one's own, or
// with pg_read_all_stats all.
#pragma once

#include "pg/guard.h"

PG_HEADERS_BEGIN
#include "catalog/pg_authid.h"
#include "utils/acl.h"
PG_HEADERS_END

namespace triage {

class Visibility {
  public:
    Visibility() {
        call_server([this] {
            caller_ = GetUserId();
            sees_all_ = has_privs_of_role(caller_, ROLE_PG_READ_ALL_STATS);
        });
    }
    bool shows(Oid userid) const { return sees_all_ || userid == caller_; }

  private:
    Oid caller_ = InvalidOid;
    bool sees_all_ = false;
};

} // namespace triage
