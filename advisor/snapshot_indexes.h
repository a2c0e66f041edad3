// Recommendations and jobs: what the server would build, what it is building, what it has built.
#pragma once

#include "report_data.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace triage::advisor {

struct IndexLimits {
    std::optional<std::int64_t> budget_bytes; // of all recommended indexes together
    std::optional<int> max_indexes;
};

// Open ones of the table triage.recommendations, best first.
std::vector<Recommendation> read_open_recommendations(Server &server);
// Worked out anew, without writing anything down.
std::vector<Recommendation> compute_recommendations(Server &server, const IndexLimits &limits);
// Observed statements of this database, by queryid as text.
std::map<std::string, StatementOfRecommendation> read_statements_of_recommendations(Server &server);
// Worked out anew and written to the table.
void refresh_recommendations(Server &server, const IndexLimits &limits);

// The best ones that keep within the limits, in the same order.
std::vector<Recommendation> within(const IndexLimits &limits,
                                   std::vector<Recommendation> recommendations);

std::vector<Job> read_recent_jobs(Server &server, int limit);
Job read_job(Server &server, std::int64_t id);

} // namespace triage::advisor
