// Requests for jobs as rows of triage.job: made with the extension's rights on behalf of a caller
// whose own rights were checked before. The worker starts when the calling transaction commits.
#pragma once

#include "pg/jobs.h"

namespace triage {

// Throws SqlError where no job could ever run: the library was not preloaded, or this is a standby.
void require_workers();

// The role whose rights count: that of the caller.
std::string calling_role();

// Runs the body as the extension's owner, under a search_path that nobody else can write to,
// connected to SPI. Not for anything that runs a user's code.
template <class Body> auto as_extension(Body &&body) -> decltype(body());

struct NewJob {
    JobKind kind = JobKind::Create;
    std::string ddl;
    std::string fingerprint;
    Oid relation = InvalidOid;
    std::string index_schema, index_name;
    Oid index = InvalidOid; // of a drop
    std::string definition; // of a drop
    bool by_owner = false, name_given = false;
    std::int64_t size_bytes = 0, recommendation = 0, undoes = 0;
    std::string queryids = "{}"; // as bigint[]
};

// Queues the job, unless an unfinished one wants the same: then that one's id is returned. Call
// inside as_extension().
std::int64_t queue(const NewJob &job, const std::string &requested_by);

// A row of the audit trail about what a caller did. Call inside as_extension().
void audit_request(const char *action, const std::string &actor, std::int64_t job);

namespace request_detail {

// Puts the caller's identity back; the rest is undone by the end of the (sub)transaction.
class Identity {
  public:
    Identity();
    ~Identity();
    Identity(const Identity &) = delete;
    Identity &operator=(const Identity &) = delete;

  private:
    Oid user_;
    int context_;
};

int narrow_search_path();
void restore_search_path(int level);

} // namespace request_detail

template <class Body> auto as_extension(Body &&body) -> decltype(body()) {
    const request_detail::Identity identity;
    const int level = request_detail::narrow_search_path();
    if constexpr (std::is_void_v<decltype(body())>) {
        spi::connected(body);
        request_detail::restore_search_path(level);
    } else {
        auto result = spi::connected(body);
        request_detail::restore_search_path(level);
        return result;
    }
}

} // namespace triage
