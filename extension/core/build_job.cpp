#include "core/build_job.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace triage {

namespace {

constexpr std::array<std::pair<JobStatus, const char *>, 7> status_names = {{
    {JobStatus::Queued, "queued"},
    {JobStatus::Running, "running"},
    {JobStatus::Verifying, "verifying"},
    {JobStatus::Kept, "kept"},
    {JobStatus::Reverted, "reverted"},
    {JobStatus::Failed, "failed"},
    {JobStatus::Cancelled, "cancelled"},
}};

// Waiting for a lock is cheap, so it is tried for more than an hour before giving up; a build that
// failed half-way has read the table in vain, and one that took the server down may do so again.
struct RetryRule {
    int attempts;
    double first_delay_s;
    double longest_delay_s;
};

RetryRule rule_for(AttemptStage stage) {
    switch (stage) {
    case AttemptStage::BeforeBuild:
        return {24, 1, 300};
    case AttemptStage::InBuild:
        return {5, 5, 600};
    case AttemptStage::Crash:
        break;
    }
    return {3, 5, 60};
}

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> beginnings) {
    return std::any_of(beginnings.begin(), beginnings.end(),
                       [&](std::string_view beginning) { return text.starts_with(beginning); });
}

} // namespace

const char *name_of(JobStatus status) {
    for (const auto &[value, name] : status_names)
        if (value == status)
            return name;
    return "failed";
}

std::optional<JobStatus> job_status(std::string_view name) {
    for (const auto &[value, text] : status_names)
        if (name == text)
            return value;
    return std::nullopt;
}

bool may_follow(JobStatus from, JobStatus to) {
    switch (from) {
    case JobStatus::Queued:
        return to == JobStatus::Running || to == JobStatus::Cancelled || to == JobStatus::Failed;
    case JobStatus::Running:
        return to != JobStatus::Running && to != JobStatus::Reverted;
    case JobStatus::Verifying:
        return to == JobStatus::Kept || to == JobStatus::Reverted;
    case JobStatus::Kept:
        return to == JobStatus::Reverted;
    case JobStatus::Reverted:
    case JobStatus::Failed:
    case JobStatus::Cancelled:
        return false;
    }
    return false;
}

bool is_finished(JobStatus status) {
    return status != JobStatus::Queued && status != JobStatus::Running &&
           status != JobStatus::Verifying;
}

NextStep after_failure(const FailedAttempt &attempt) {
    const RetryRule rule = rule_for(attempt.stage);
    const bool may_pass = attempt.stage == AttemptStage::Crash || is_transient(attempt.sqlstate);
    if (!may_pass || attempt.attempts >= rule.attempts)
        return {JobStatus::Failed, 0};
    const double delay = rule.first_delay_s * std::exp2(std::max(0, attempt.attempts - 1));
    return {JobStatus::Queued, std::min(delay, rule.longest_delay_s)};
}

bool is_transient(std::string_view sqlstate) {
    // 40 rollbacks (deadlock), 53 insufficient resources, 55P03 lock not available, 55006 object in
    // use, 57 operator intervention (shutdown, cancel of an attempt), 58030 I/O error.
    return starts_with_any(sqlstate, {"40", "53", "55P03", "55006", "57", "58030"});
}

std::string safe_message(std::string_view sqlstate, std::string_view message, bool in_user_code) {
    // Only kinds whose primary message names objects and settings, never values of rows: 23505
    // names the index, 42 what is wrong with the definition, 54 sizes; 53, 55, 57 and 58 speak of
    // the server.
    if (!in_user_code &&
        (sqlstate == "23505" || sqlstate == "0A000" ||
         starts_with_any(sqlstate, {"40", "42", "53", "54", "55", "57", "58", "25", "2B"})))
        return std::string(message);
    if (in_user_code || starts_with_any(sqlstate, {"22"}))
        return "an expression of the index cannot be computed for some row";
    if (starts_with_any(sqlstate, {"23"}))
        return "some row violates what the index requires";
    return "the server could not carry out the statement";
}

} // namespace triage
