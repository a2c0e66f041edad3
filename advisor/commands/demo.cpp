// pg_triage demo: the whole loop in a throw-away cluster, on a hospital's tables and load.
//
// It is told nothing about the answer: which indexes are missing is what the extension finds out.
#include "commands/command.h"
#include "demo/hospital.h"
#include "demo/load.h"
#include "demo/loop.h"
#include "demo/result.h"
#include "interrupt.h"
#include "messages.h"
#include "progress.h"
#include "render/demo.h"
#include "render/render.h"
#include "render/units.h"
#include "snapshot_indexes.h"
#include "snapshot_report.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>

namespace triage::advisor {

namespace {

using namespace std::chrono_literals;

const std::string database = "hospital";

// Beyond the time that the verdicts take.
constexpr auto longest_build = 240s;

// Processor caches, plans and pools settle before anything is measured.
constexpr auto settling_time = 3s;

double now() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

class DemoCommand : public Command {
  public:
    std::string name() const override { return "demo"; }
    std::string summary() const override {
        return "the whole loop on a hospital's load, in a throw-away cluster";
    }
    std::string details() const override {
        return "Makes a cluster in a temporary directory, fills it with about 5 million rows of a "
               "clinical application\nthat has primary keys and no other index, puts it under "
               "load by pgbench, and lets the extension find, build\nand verify what is missing "
               "while the load runs. Leaves nothing behind, unless --keep is given. Exit status 1\n"
               "if the load did not get faster, 4 if something failed.";
    }
    bool connects() const override { return false; }

    void define(CLI::App &app) override {
        app.add_flag("--keep", keep_, "leave the cluster up, and say how to reach it");
        app.add_option("--scale", scale_, "size of the tables; 1 is 5.2 million rows (default 1)")
            ->type_name("FACTOR")
            ->check(CLI::Range(0.01, 50.0));
        app.add_option("--duration", duration_,
                       "how long the load is measured, before and after (default 30)")
            ->type_name("SECONDS")
            ->check(CLI::Range(2, 3600));
        app.add_option("--verify-duration", verify_duration_,
                       "how long a new index is watched before the verdict (default 15)")
            ->type_name("SECONDS")
            ->check(CLI::Range(1, 3600));
        app.add_option("--clients", clients_, "sessions of the load (default 4)")
            ->type_name("N")
            ->check(CLI::Range(2, 64));
        app.add_option("--directory", cluster_.parent_directory,
                       "where the temporary directory is made (default TMPDIR or /tmp)")
            ->type_name("DIR");
        app.add_option("--bindir", bindir_, "directory of PostgreSQL's programs")->type_name("DIR");
        app.add_option("--files", files_, "directory of another schema.sql, data/ and load/")
            ->type_name("DIR");
    }

    ExitStatus run(const Options &options) override {
        // Whenever a signal comes, it ends the demo in order, at its next wait.
        const OnInterrupt stay([] {});
        const Installation installation = find_installation(bindir_, files_);
        const auto workflows = read_workflows(installation.files + "/load");

        ThrowAwayCluster cluster = start_cluster(installation);
        DemoResult result = fill(options, installation, cluster);
        Server server = install_extension(cluster);
        result.server_version = read_identity(server).server_version;

        Load load(installation, cluster, workflows,
                  {database, load_role, scale(), clients_, cluster.directory()});
        result.before = measure(options, load, "before");
        run_loop(options, server, load, result);
        result.after = measure(options, load, "after");
        load.end();

        evaluate(server, load, result);
        show(
            options, [&] { return document_of_demo(result); },
            [&] { return json_of_demo(result); });
        if (keep_)
            keep(cluster);
        return std::all_of(result.checks.begin(), result.checks.end(),
                           [](const DemoCheck &check) { return check.ok; })
                   ? ExitStatus::Fine
                   : ExitStatus::CheckFailed;
    }

  private:
    std::string scale() const { return fmt::format("{:g}", scale_); }

    void note(const Options &options, const std::string &text) const {
        if (options.quiet)
            return;
        const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - started_;
        print_note(fmt::format("[{:5.1f} s] {}", elapsed.count(), text));
    }

    ThrowAwayCluster start_cluster(const Installation &installation) {
        cluster_.may_be_kept = keep_;
        cluster_.needed_bytes = 3e8 + 1.5e9 * scale_;
        cluster_.settings = fmt::format("pg_triage.verify_duration = '{}s'\n", verify_duration_);
        return ThrowAwayCluster(installation, cluster_);
    }

    DemoResult fill(const Options &options, const Installation &installation,
                    const ThrowAwayCluster &cluster) {
        note(options, fmt::format("a throw-away cluster runs in {}", cluster.directory()));
        DemoResult result;
        result.hospital = fill_hospital(options, installation, cluster, database, scale());
        note(options, fmt::format("{} tables with {} rows, {}; primary keys are the only indexes",
                                  result.hospital.tables, show_count(result.hospital.rows),
                                  show_bytes(result.hospital.bytes)));
        return result;
    }

    // What filled the tables is no part of the workload.
    static Server install_extension(const ThrowAwayCluster &cluster) {
        Server server(cluster.connection(database), Access::ReadWrite, 0ms);
        server.query("CREATE EXTENSION pg_stat_statements SCHEMA public");
        server.query("CREATE EXTENSION pg_triage");
        server.query("SELECT triage.reset()");
        server.query("SELECT public.pg_stat_statements_reset()");
        return server;
    }

    Interval measure(const Options &options, Load &load, const std::string &when) const {
        Progress progress(options, "the load settles");
        interruptible_sleep(settling_time);
        const Interval interval{now(), now() + double(duration_)};
        while (now() < interval.to) {
            progress.update(fmt::format("measuring the load {}", when),
                            1 - (interval.to - now()) / interval.seconds());
            load.check();
            interruptible_sleep(200ms);
        }
        progress.pause();
        note(options, fmt::format("measured the load {} for {} s", when, duration_));
        return interval;
    }

    void run_loop(const Options &options, Server &server, Load &load, DemoResult &result) const {
        const auto recommendations = recommend(options, server);
        note(options, fmt::format("{} indexes are recommended:", recommendations.size()));
        for (const Recommendation &recommendation : recommendations)
            note(options, fmt::format("  {}", recommendation.ddl));
        result.loop = build_and_verify(options, server, recommendations,
                                       longest_build + std::chrono::seconds(verify_duration_) *
                                                           recommendations.size(),
                                       [&load] { load.check(); });
        for (const BuiltIndex &index : result.loop.indexes)
            note(options,
                 fmt::format("  {}: {}",
                             index.name.empty() ? index.recommendation.relation : index.name,
                             index.job.status));
    }

    void evaluate(Server &server, const Load &load, DemoResult &result) const {
        const auto samples = load.samples();
        std::vector<bool> writes;
        for (std::size_t i = 0; i < load.workflows().size(); i++) {
            const Workflow &workflow = load.workflows()[i];
            writes.push_back(workflow.writes);
            result.workflows.push_back({workflow.name, workflow.writes,
                                        figures_of(samples, i, result.before),
                                        figures_of(samples, i, result.after)});
        }
        result.longest_write_before_ms = longest_ms(samples, writes, result.before);
        result.longest_write_building_ms = longest_ms(samples, writes, result.loop.building);
        read_use(server, result.loop);
        result.report = read_report(server, {});
        result.checks = check_demo(result);
    }

    static void keep(ThrowAwayCluster &cluster) {
        cluster.keep();
        const ConnectionOptions connection = cluster.connection(database);
        print_note(fmt::format("the cluster stays; to reach it: psql -h {} -p {} -U {} {}",
                               connection.host, connection.port, connection.user,
                               connection.database));
        print_note(fmt::format("to end it: kill -INT $(head -1 {0}/data/postmaster.pid); rm -r {0}",
                               cluster.directory()));
    }

    const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
    ClusterOptions cluster_;
    std::string bindir_, files_;
    double scale_ = 1;
    int duration_ = 30, verify_duration_ = 15, clients_ = 4;
    bool keep_ = false;
};

} // namespace

std::unique_ptr<Command> make_demo_command() {
    return std::make_unique<DemoCommand>();
}

} // namespace triage::advisor
