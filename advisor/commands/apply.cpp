#include "commands/apply.h"

#include "interrupt.h"
#include "messages.h"
#include "progress.h"
#include "render/jobs.h"
#include "render/json.h"
#include "render/recommendations.h"
#include "render/render.h"
#include "render/units.h"
#include "snapshot_indexes.h"

#include <fmt/format.h>

#include <cstdio>
#include <future>
#include <iostream>
#include <unistd.h>

namespace triage::advisor {

namespace {

using namespace std::chrono_literals;

// A build may have to wait for its window, and is then watched for pg_triage.verify_duration.
const std::string longest_wait = "7 days";

void confirm(const std::vector<Recommendation> &recommendations) {
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        throw Failure(ExitStatus::Usage, "cannot ask for confirmation without a terminal", {},
                      "Use --yes to build without being asked.");
    Document document;
    document.sections.push_back({"", {list_of_recommendations(recommendations)}});
    std::fprintf(stderr, "%s\nBuild %s? [y/N] ", render_text(document, {}).c_str(),
                 recommendations.size() == 1 ? "it" : "them");
    std::string answer;
    std::getline(std::cin, answer);
    if (answer != "y" && answer != "Y" && answer != "yes")
        throw Failure(ExitStatus::ActionFailed, "nothing was built", "It was not confirmed.");
}

// Queues what it can; a recommendation that is refused does not stop the others.
std::vector<Job> queue(Server &server, const std::vector<Recommendation> &recommendations,
                       bool &failed) {
    std::vector<Job> jobs;
    for (const Recommendation &it : recommendations)
        try {
            const Row row = server.query_one("SELECT triage.create_index($1) AS job",
                                             {std::to_string(it.id.value_or(0))});
            if (const auto job = row.integer("job"))
                jobs.push_back(read_job(server, *job));
        } catch (const ServerFailure &failure) {
            throw_if_interrupted();
            print_failure(failure);
            failed = true;
        }
    return jobs;
}

class Waiter {
  public:
    Waiter(const Options &options, Server &server, WaitFor what)
        : options_(options), server_(server),
          waiting_(server.second_session(Access::ReadWrite, 0ms)), what_(what),
          progress_(options, "building") {}

    void wait_for_all(std::vector<Job> &jobs) {
        for (std::size_t i = 0; i < jobs.size(); i++) {
            place_ = fmt::format("{}/{}", i + 1, jobs.size());
            jobs[i] = wait_for(jobs[i].id);
            progress_.pause();
            if (!options_.quiet)
                print_note(verdict_on(jobs[i]));
        }
    }

  private:
    // The waiting session's only statement is the CALL; the other one reads how far the job is.
    Job wait_for(std::int64_t id) {
        auto done = std::async(std::launch::async, [this, id] {
            waiting_.query(
                "CALL triage.wait_for_job($1, $2, $3)",
                {std::to_string(id), longest_wait, what_ == WaitFor::Verdict ? "true" : "false"});
        });
        do {
            throw_if_interrupted();
            show(read_job(server_, id));
        } while (done.wait_for(500ms) != std::future_status::ready);
        try {
            done.get();
        } catch (const ServerFailure &) {
            throw_if_interrupted();
            // It raises if the job failed, and the job's row tells why. Anything else is ours.
            const Job job = read_job(server_, id);
            if (job.status == "failed" || job.status == "cancelled")
                return job;
            throw;
        }
        return read_job(server_, id);
    }

    void show(const Job &job) {
        progress_.update(fmt::format("{} {}: {}{}", place_, job.index, job.status,
                                     job.phase.empty() ? "" : ", " + job.phase),
                         job.status == "running" ? job.progress : std::nullopt);
    }

    static std::string verdict_on(const Job &job) {
        std::string text = fmt::format("{}: {}", job.index, job.status);
        if (const std::string change = change_of(job); !change.empty())
            text += fmt::format(", {} before, {} after ({})", show_ms(job.before_ms),
                                show_ms(job.after_ms), change);
        return job.error.empty() ? text : text + ": " + job.error;
    }

    const Options &options_;
    Server &server_;
    Server waiting_;
    WaitFor what_;
    Progress progress_;
    std::string place_;
};

std::string list_of(const std::vector<Job> &jobs) {
    std::string list;
    for (const Job &job : jobs)
        list += (list.empty() ? "" : ", ") + std::to_string(job.id);
    return list;
}

} // namespace

ExitStatus apply_recommendations(const Options &options, Server &server,
                                 const std::vector<Recommendation> &recommendations, bool confirmed,
                                 WaitFor what) {
    if (!confirmed && !recommendations.empty())
        confirm(recommendations);
    bool failed = false;
    std::vector<Job> jobs = queue(server, recommendations, failed);
    try {
        if (!jobs.empty())
            Waiter(options, server, what).wait_for_all(jobs);
    } catch (Failure &failure) {
        failure.detail += (failure.detail.empty() ? "" : "\n") +
                          fmt::format("Queued jobs go on in the server: {}.", list_of(jobs));
        if (failure.hint.empty())
            failure.hint = "SELECT triage.cancel_job(id) stops one.";
        throw;
    }
    for (const Job &job : jobs)
        failed |= job.status == "failed" || job.status == "cancelled";
    show(
        options,
        [&] {
            Document document;
            document.sections.push_back({"", {Paragraph{"There is nothing to build."}}});
            if (!jobs.empty())
                document.sections.back().blocks = {table_of_jobs(jobs), remarks_on_jobs(jobs)};
            return document;
        },
        [&] {
            return Json{{"jobs", json_of_jobs(jobs)}};
        });
    return failed ? ExitStatus::ActionFailed : ExitStatus::Fine;
}

} // namespace triage::advisor
