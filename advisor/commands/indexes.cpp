// pg_triage indexes: what should be built, as a list, as a migration, or done at once.
#include "commands/apply.h"
#include "commands/command.h"
#include "emit/migration.h"
#include "output.h"
#include "progress.h"
#include "render/json.h"
#include "render/recommendations.h"
#include "render/render.h"
#include "render/units.h"
#include "snapshot_indexes.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <map>
#include <numeric>

namespace triage::advisor {

namespace {

const std::map<std::string, MigrationTool> migration_tools = {{"sql", MigrationTool::Sql},
                                                              {"flyway", MigrationTool::Flyway},
                                                              {"rails", MigrationTool::Rails},
                                                              {"django", MigrationTool::Django},
                                                              {"sqitch", MigrationTool::Sqitch}};

MigrationIndex migration_index(const Recommendation &it) {
    return {it.ddl,    it.schema,      it.relation,   it.kind,
            it.reason, it.improvement, it.size_bytes, it.queries};
}

std::string total_of(const std::vector<Recommendation> &recommendations) {
    const std::int64_t bytes =
        std::accumulate(recommendations.begin(), recommendations.end(), std::int64_t{0},
                        [](std::int64_t sum, const auto &it) { return sum + it.size_bytes; });
    return fmt::format("{} index{}, estimated {}", recommendations.size(),
                       recommendations.size() == 1 ? "" : "es",
                       show_bytes(static_cast<double>(bytes)));
}

class IndexesCommand : public Command {
  public:
    std::string name() const override { return "indexes"; }
    std::string summary() const override {
        return "list recommended indexes, write them as a migration, or build them";
    }
    std::string details() const override {
        return "Without an option it lists the open recommendations of triage.recommendations; if "
               "there "
               "are none, they\nare worked out from the sampled workload and nothing is written "
               "down. "
               "--apply queues a concurrent build of\neach and waits until it is verified; what "
               "did not "
               "help is taken back by the server. Exit status 4 if a\nbuild failed. Needs the role "
               "triage_reader; --refresh and --apply need triage_operator.";
    }

    void define(CLI::App &app) override {
        auto *apply = app.add_flag("--apply", apply_, "build them and wait for the verdict");
        app.add_flag("-y,--yes", yes_, "do not ask before building")->needs(apply);
        app.add_flag("--no-verdict", built_, "do not wait for the verdict, only for the build")
            ->needs(apply);
        app.add_flag("--refresh", refresh_, "work out the recommendations anew and keep them");
        auto *migration =
            app.add_option(
                   "--migration", migration_,
                   "write a migration for sql, flyway, rails, django or sqitch; -o may name a "
                   "directory")
                ->type_name("TOOL")
                ->check(CLI::IsMember(migration_tools))
                ->excludes(apply);
        app.add_option(
               "--after", after_,
               "the migration that this one follows (django: APP.MIGRATION; sqitch: CHANGE)")
            ->type_name("MIGRATION")
            ->needs(migration);
        app.add_option_function<std::string>(
               "--budget",
               [this](const std::string &text) {
                   limits_.budget_bytes = parse_bytes(text);
                   if (!limits_.budget_bytes)
                       throw CLI::ValidationError(
                           "--budget", fmt::format("\"{}\" is not a size such as 500MB", text));
               },
               "space that all of them together may take, such as 500MB")
            ->type_name("SIZE");
        app.add_option_function<int>(
               "--max", [this](const int &number) { limits_.max_indexes = number; },
               "number of indexes at most")
            ->type_name("N")
            ->check(CLI::PositiveNumber);
        app.add_flag(
               "--explain", explain_,
               "tell of each which statements gain, their plans, its price, and what is not known")
            ->excludes(apply)
            ->excludes(migration);
        app.add_flag("--drops", drops_, "list indexes that could be dropped instead")
            ->excludes(apply)
            ->excludes(migration);
    }

    ExitStatus run(const Options &options) override {
        const bool writes = apply_ || refresh_;
        Server server(options.connection, writes ? Access::ReadWrite : Access::ReadOnly,
                      options.statement_timeout);
        const Identity identity = read_identity(server);
        if (writes && identity.in_recovery)
            throw Failure(ExitStatus::ActionFailed,
                          "cannot write recommendations or build indexes on a standby", {},
                          "Connect to the primary; its indexes appear on the standbys, too.");
        if (drops_)
            return show_drops(options, server, identity);
        const auto recommendations = find(options, server);
        if (!migration_.empty())
            return write_as_migration(options, identity, recommendations);
        if (apply_)
            return apply_recommendations(options, server, recommendations, yes_,
                                         built_ ? WaitFor::Build : WaitFor::Verdict);
        if (explain_)
            return show_explanation(options, identity, recommendations,
                                    read_statements_of_recommendations(server));
        return show_list(options, identity, recommendations);
    }

  private:
    std::vector<Recommendation> find(const Options &options, Server &server) const {
        Progress progress(options, "working out recommendations");
        auto open = refresh_ ? std::vector<Recommendation>{} : read_open_recommendations(server);
        if (open.empty() && (refresh_ || apply_)) {
            refresh_recommendations(server, limits_);
            open = read_open_recommendations(server);
        } else if (open.empty()) {
            open = compute_recommendations(server, limits_);
        }
        return within(limits_, std::move(open));
    }

    static ExitStatus show_list(const Options &options, const Identity &identity,
                                const std::vector<Recommendation> &recommendations) {
        return show_recommendations(
            options, identity, recommendations,
            [&] {
                return std::vector<Section>{
                    {"", {list_of_recommendations(recommendations)}},
                    {"", {Paragraph{total_of(recommendations) + ".", Tone::Faint}}}};
            },
            [&] { return json_of_recommendations(recommendations); });
    }

    static ExitStatus
    show_explanation(const Options &options, const Identity &identity,
                     const std::vector<Recommendation> &recommendations,
                     const std::map<std::string, StatementOfRecommendation> &statements) {
        return show_recommendations(
            options, identity, recommendations,
            [&] { return explanation_of(recommendations, statements); },
            [&] {
                Json json = json_of_recommendations(recommendations);
                for (std::size_t i = 0; i < recommendations.size(); i++)
                    json[i]["explanation"] = json_of_explanation(recommendations[i], statements);
                return json;
            });
    }

    // `sections` is asked only where there is something to show.
    template <class Sections, class ToJson>
    static ExitStatus show_recommendations(const Options &options, const Identity &identity,
                                           const std::vector<Recommendation> &recommendations,
                                           Sections &&sections, ToJson &&json) {
        show(
            options,
            [&] {
                Document document;
                document.title = fmt::format("Recommended indexes for {}, {}", identity.database,
                                             identity.taken_at);
                if (recommendations.empty())
                    document.sections.push_back(
                        {"", {Paragraph{"There is nothing to recommend.", Tone::Faint}}});
                else
                    document.sections = sections();
                return document;
            },
            [&] {
                return Json{{"database", identity.database},
                            {"taken_at", identity.taken_at},
                            {"recommendations", json()}};
            });
        return ExitStatus::Fine;
    }

    ExitStatus write_as_migration(const Options &options, const Identity &identity,
                                  const std::vector<Recommendation> &recommendations) const {
        if (options.format != Format::Text)
            throw Failure(ExitStatus::Usage, "a migration has no other format than its tool's", {},
                          "Leave out --format.");
        if (recommendations.empty())
            throw Failure(ExitStatus::CheckFailed, "there is nothing to recommend", {},
                          "No migration was written.");
        std::vector<MigrationIndex> indexes;
        for (const Recommendation &recommendation : recommendations)
            indexes.push_back(migration_index(recommendation));
        const MigrationHead head{identity.database, identity.taken_at,
                                 "pg_triage " PG_TRIAGE_VERSION, after_};
        write_files(options, write_migration(migration_tools.at(migration_), head, indexes));
        return ExitStatus::Fine;
    }

    // On stdout several files follow each other, each below its name.
    static void write_files(const Options &options, const std::vector<MigrationFile> &files) {
        if (output_is_directory(options)) {
            for (const MigrationFile &file : files)
                write_output_below(options, file.path, file.content);
            return;
        }
        if (files.size() == 1)
            return write_output(options, files.front().content);
        if (!options.output_file.empty() && options.output_file != "-")
            throw Failure(ExitStatus::Usage,
                          fmt::format("\"{}\" is not a directory", options.output_file),
                          fmt::format("This migration has {} files.", files.size()),
                          "Name the directory that the tool keeps its migrations in.");
        std::string all;
        for (const MigrationFile &file : files)
            all +=
                fmt::format("{}==> {} <==\n{}", all.empty() ? "" : "\n", file.path, file.content);
        write_output(options, all);
    }

    static ExitStatus show_drops(const Options &options, Server &server, const Identity &identity) {
        if (server.query_one("SELECT to_regproc('triage.recommend_drops') AS drops")
                .is_null("drops"))
            throw Failure(
                ExitStatus::NoServer, "function triage.recommend_drops() does not exist",
                fmt::format("The database has version {} of pg_triage.",
                            identity.extension_version),
                "A version that has it is installed by ALTER EXTENSION pg_triage UPDATE.");
        const Rows rows = server.query("SELECT * FROM triage.recommend_drops()");
        show(
            options,
            [&] {
                Document document;
                document.title = fmt::format("Indexes of {} that could be dropped, {}",
                                             identity.database, identity.taken_at);
                document.sections.push_back({"", {Paragraph{"There are none.", Tone::Faint}}});
                if (!rows.empty())
                    document.sections.back().blocks = {list_of(rows)};
                return document;
            },
            [&] {
                Json drops = Json::array();
                for (const Row &row : rows) {
                    Json drop = Json::object();
                    for (const std::string &column : row.columns())
                        drop[column] = row.is_null(column) ? Json(nullptr) : Json(row.text(column));
                    drops.push_back(drop);
                }
                return Json{{"database", identity.database},
                            {"taken_at", identity.taken_at},
                            {"drops", drops}};
            });
        return ExitStatus::Fine;
    }

    static List list_of(const Rows &rows) {
        List list;
        list.numbered = true;
        for (const Row &row : rows) {
            Item item{fmt::format("{} on {}: {}, {}", row.text("index"), row.text("relation"),
                                  row.text("kind"),
                                  show_bytes(row.number("size_bytes").value_or(0))),
                      {},
                      {}};
            item.lines.push_back(row.text("reason"));
            if (!row.is_null("ddl"))
                item.code = row.text("ddl") + ";";
            list.items.push_back(item);
        }
        return list;
    }

    bool apply_ = false, yes_ = false, built_ = false, refresh_ = false, drops_ = false,
         explain_ = false;
    std::string migration_, after_;
    IndexLimits limits_;
};

} // namespace

std::unique_ptr<Command> make_indexes_command() {
    return std::make_unique<IndexesCommand>();
}

} // namespace triage::advisor
