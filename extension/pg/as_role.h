// An observed statement is analysed and planned as the role that ran it: planning evaluates its
// immutable functions, and whoever asks for recommendations (a superuser, a background worker) must
// not run somebody else's functions as himself.
#pragma once

#include "pg/pg.h"

namespace triage {

// For the length of a scope the current user is `role`, in a security-restricted operation;
// InvalidOid changes nothing.
class AsRole {
  public:
    explicit AsRole(Oid role) {
        GetUserIdAndSecContext(&user_, &security_);
        if (OidIsValid(role))
            SetUserIdAndSecContext(role, security_ | SECURITY_LOCAL_USERID_CHANGE |
                                             SECURITY_RESTRICTED_OPERATION);
    }
    ~AsRole() { SetUserIdAndSecContext(user_, security_); }
    AsRole(const AsRole &) = delete;
    AsRole &operator=(const AsRole &) = delete;

  private:
    Oid user_;
    int security_;
};

} // namespace triage
