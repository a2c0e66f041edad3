// Everything that a report tells, read in one consistent pass.
#pragma once

#include "report_data.h"

namespace triage::advisor {

struct ReportLimits {
    int statements = 10, accesses = 10, jobs = 20, audit = 10;
};

Report read_report(Server &server, const ReportLimits &limits);

} // namespace triage::advisor
