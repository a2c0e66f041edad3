// What was done: jobs with their measured figures, and the audit trail.
#pragma once

#include "render/document.h"
#include "report_data.h"

#include <nlohmann/json_fwd.hpp>

#include <vector>

namespace triage::advisor {

Table table_of_jobs(const std::vector<Job> &jobs);
// Why jobs failed, and on what grounds indexes were kept or reverted.
List remarks_on_jobs(const std::vector<Job> &jobs);
Table table_of_audit(const std::vector<AuditEntry> &audit);
nlohmann::ordered_json json_of_jobs(const std::vector<Job> &jobs);

// "-84.1 %": measured change of the mean time; empty without both figures.
std::string change_of(const Job &job);

} // namespace triage::advisor
