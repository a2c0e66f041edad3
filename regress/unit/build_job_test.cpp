#include "core/build_job.h"

#include <gtest/gtest.h>

namespace triage {
namespace {

constexpr JobStatus all_statuses[] = {
    JobStatus::Queued,   JobStatus::Running, JobStatus::Verifying, JobStatus::Kept,
    JobStatus::Reverted, JobStatus::Failed,  JobStatus::Cancelled};

TEST(BuildJob, NamesOfStatusesGoBothWays) {
    for (JobStatus status : all_statuses)
        EXPECT_EQ(job_status(name_of(status)), status);
    EXPECT_FALSE(job_status("done"));
}

TEST(BuildJob, AFinishedJobChangesOnlyByBeingTakenBack) {
    for (JobStatus from : all_statuses)
        for (JobStatus to : all_statuses)
            if (is_finished(from)) {
                const bool taken_back = from == JobStatus::Kept && to == JobStatus::Reverted;
                EXPECT_EQ(may_follow(from, to), taken_back) << name_of(from) << " " << name_of(to);
            }
}

TEST(BuildJob, EveryUnfinishedJobCanEndAndNothingRunsTwice) {
    EXPECT_TRUE(may_follow(JobStatus::Queued, JobStatus::Cancelled));
    EXPECT_TRUE(may_follow(JobStatus::Running, JobStatus::Queued));
    EXPECT_TRUE(may_follow(JobStatus::Running, JobStatus::Verifying));
    EXPECT_TRUE(may_follow(JobStatus::Verifying, JobStatus::Reverted));
    EXPECT_FALSE(may_follow(JobStatus::Running, JobStatus::Running));
    EXPECT_FALSE(may_follow(JobStatus::Verifying, JobStatus::Queued));
}

TEST(BuildJob, LockWaitsBackOffForMoreThanAnHour) {
    double total = 0, last = 0;
    int attempt = 1;
    for (;; attempt++) {
        const NextStep next = after_failure({AttemptStage::BeforeBuild, "55P03", attempt});
        if (next.status == JobStatus::Failed)
            break;
        EXPECT_EQ(next.status, JobStatus::Queued);
        EXPECT_GE(next.delay_s, last);
        EXPECT_LE(next.delay_s, 300);
        total += last = next.delay_s;
        ASSERT_LT(attempt, 100);
    }
    EXPECT_GT(total, 3600);
}

TEST(BuildJob, AFailedBuildIsRepeatedLessOftenThanALockWait) {
    EXPECT_EQ(after_failure({AttemptStage::InBuild, "55P03", 1}).status, JobStatus::Queued);
    EXPECT_EQ(after_failure({AttemptStage::InBuild, "55P03", 6}).status, JobStatus::Failed);
    EXPECT_EQ(after_failure({AttemptStage::BeforeBuild, "55P03", 6}).status, JobStatus::Queued);
}

TEST(BuildJob, AThirdCrashIsTheLast) {
    EXPECT_EQ(after_failure({AttemptStage::Crash, "", 1}).status, JobStatus::Queued);
    EXPECT_EQ(after_failure({AttemptStage::Crash, "", 3}).status, JobStatus::Failed);
}

TEST(BuildJob, WhatCannotPassIsNotTriedAgain) {
    for (const char *sqlstate : {"23505", "42P01", "42703", "22P02", "42501", "XX000"})
        EXPECT_EQ(after_failure({AttemptStage::InBuild, sqlstate, 1}).status, JobStatus::Failed)
            << sqlstate;
    for (const char *sqlstate : {"40P01", "53100", "53200", "57P01"})
        EXPECT_EQ(after_failure({AttemptStage::InBuild, sqlstate, 1}).status, JobStatus::Queued)
            << sqlstate;
}

TEST(BuildJob, MessagesThatMayQuoteRowsAreReplaced) {
    const char *quoting = "invalid input syntax for type integer: \"Miller, Anna\"";
    EXPECT_EQ(safe_message("22P02", quoting, false).find("Miller"), std::string::npos);
    EXPECT_EQ(safe_message("P0001", "patient Miller has no MRN", false).find("Miller"),
              std::string::npos);
    // The same code is harmless from the server itself, and not from a function's own SQL.
    EXPECT_EQ(safe_message("42601", "syntax error at or near \"Miller\"", true).find("Miller"),
              std::string::npos);
    EXPECT_EQ(safe_message("23514", "row of Miller is bad", false).find("Miller"),
              std::string::npos);
}

TEST(BuildJob, MessagesThatNameObjectsAreKept) {
    EXPECT_EQ(safe_message("23505", "could not create unique index \"i\"", false),
              "could not create unique index \"i\"");
    EXPECT_EQ(safe_message("55P03", "canceling statement due to lock timeout", false),
              "canceling statement due to lock timeout");
}

} // namespace
} // namespace triage
