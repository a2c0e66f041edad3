// Building recommended indexes: queues the jobs, waits, tells the verdicts.
#pragma once

#include "options.h"
#include "report_data.h"

#include <vector>

namespace triage::advisor {

enum class WaitFor { Build, Verdict };

// Asks first, unless `confirmed`. ActionFailed if a job could not be queued or failed.
ExitStatus apply_recommendations(const Options &options, Server &server,
                                 const std::vector<Recommendation> &recommendations, bool confirmed,
                                 WaitFor what);

} // namespace triage::advisor
