// What can be said of a wanted index before it is built: whether one that is there serves already,
// and how large it will be. Functions in the definitions may be computed for this, so it is done
// with the rights of the table's owner, and restricted, as PostgreSQL does when it builds.
#pragma once

#include "pg/index_request.h"

namespace triage {

struct IndexReview {
    std::string served_by; // name of a valid index that can do all of it; empty: there is none
    std::int64_t size_bytes = 0; // 0: cannot be told
};

// Throws ServerError, SqlError.
IndexReview review(const IndexRequest &wanted);

} // namespace triage
