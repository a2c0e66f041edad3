#include "commands/apply.h"

#include "emit/index_ddl.h"
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

struct Queued {
    std::int64_t job = 0;
    std::string index;
};

std::string name_of(const Recommendation &recommendation) {
    const auto parts = parse_create_index(recommendation.ddl);
    return parts ? parts->name : recommendation.ddl;
}

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
std::vector<Queued> queue(Server &server, const std::vector<Recommendation> &recommendations,
                          bool &failed) {
    std::vector<Queued> queued;
    for (const Recommendation &it : recommendations)
        try {
            const Row row = server.query_one("SELECT triage.create_index($1) AS job",
                                             {std::to_string(it.id.value_or(0))});
            if (const auto job = row.integer("job"))
                queued.push_back({*job, name_of(it)});
        } catch (const ServerFailure &failure) {
            throw_if_interrupted();
            print_failure(failure);
            failed = true;
        }
    return queued;
}

std::string state_of(const Job &job, const Queued &queued, std::size_t place, std::size_t count) {
    return fmt::format("{}/{} {}: {}{}", place, count, queued.index, job.status,
                       job.phase.empty() ? "" : ", " + job.phase);
}

// The waiting session's only statement is the CALL; the other one reads how far the job is.
Job wait_for(Server &server, Server &waiting, const Queued &queued, std::size_t place,
             std::size_t count, Progress &progress) {
    auto done = std::async(std::launch::async, [&] {
        waiting.query("CALL triage.wait_for_job($1, $2)",
                      {std::to_string(queued.job), longest_wait});
    });
    while (done.wait_for(0s) != std::future_status::ready) {
        const Job job = read_job(server, queued.job);
        progress.update(state_of(job, queued, place, count), job.progress);
        if (done.wait_for(500ms) == std::future_status::ready)
            break;
        throw_if_interrupted();
    }
    try {
        done.get();
    } catch (const ServerFailure &) {
        throw_if_interrupted();
        // It raises what the job failed of; the job's row tells that, too. Anything else is ours.
        const Job job = read_job(server, queued.job);
        if (job.status != "failed" && job.status != "cancelled")
            throw;
        return job;
    }
    return read_job(server, queued.job);
}

std::string verdict_on(const Job &job, const Queued &queued) {
    std::string text = fmt::format("{}: {}", queued.index, job.status);
    if (const std::string change = change_of(job); !change.empty())
        text += fmt::format(", {} before, {} after ({})", show_ms(job.before_ms),
                            show_ms(job.after_ms), change);
    if (!job.error.empty())
        text += ": " + job.error;
    return text;
}

std::vector<Job> wait_for_all(const Options &options, Server &server,
                              const std::vector<Queued> &queued) {
    Server waiting = server.second_session(Access::ReadWrite, 0ms);
    Progress progress(options, "building");
    std::vector<Job> jobs;
    for (std::size_t i = 0; i < queued.size(); i++) {
        jobs.push_back(wait_for(server, waiting, queued[i], i + 1, queued.size(), progress));
        progress.pause();
        if (!options.quiet)
            print_note(verdict_on(jobs.back(), queued[i]));
    }
    return jobs;
}

std::string list_of(const std::vector<Queued> &queued) {
    std::string list;
    for (const Queued &it : queued)
        list += (list.empty() ? "" : ", ") + std::to_string(it.job);
    return list;
}

} // namespace

ExitStatus apply_recommendations(const Options &options, Server &server,
                                 const std::vector<Recommendation> &recommendations,
                                 bool confirmed) {
    if (!confirmed && !recommendations.empty())
        confirm(recommendations);
    bool failed = false;
    const auto queued = queue(server, recommendations, failed);
    std::vector<Job> jobs;
    try {
        if (!queued.empty())
            jobs = wait_for_all(options, server, queued);
    } catch (Failure &failure) {
        failure.detail += (failure.detail.empty() ? "" : "\n") +
                          fmt::format("Queued jobs go on in the server: {}.", list_of(queued));
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
