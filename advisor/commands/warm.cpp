// pg_triage warm: brings a working set back into the caches, in order of value.
#include "commands/command.h"
#include "interrupt.h"
#include "machine.h"
#include "messages.h"
#include "output.h"
#include "progress.h"
#include "render/json.h"
#include "render/render.h"
#include "render/units.h"
#include "warm/hour.h"
#include "warm/nodes.h"
#include "warm/runner.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <fstream>
#include <sstream>
#include <sys/stat.h>

namespace triage::advisor {

namespace {

using namespace std::chrono_literals;

constexpr double block_bytes = 8192;

std::string show_blocks(double blocks) {
    return show_bytes(blocks * block_bytes);
}

bool is_file(const std::string &path) {
    struct stat status;
    return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

std::string contents_of(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file || !text)
        throw Failure(ExitStatus::ActionFailed, fmt::format("could not read \"{}\"", path));
    return text.str();
}

struct ByClass {
    std::uint64_t buffers = 0, page_cache = 0; // blocks
};

std::map<std::string, ByClass> blocks_by_class(const WarmTarget &target, const WarmPlan &plan) {
    std::map<std::string, ByClass> classes;
    for (const WarmWave &wave : plan.waves) {
        const bool loads = wave.level == CacheLevel::SharedBuffers;
        for (const WarmRange &range : loads ? wave.load : wave.fetch) {
            ByClass &blocks = classes[target.relations[range.relation].data_class];
            (loads ? blocks.buffers : blocks.page_cache) += range.size();
        }
    }
    return classes;
}

double share_of(const std::vector<Readiness> &readiness) {
    double planned = 0, ready = 0;
    for (const Readiness &each : readiness) {
        planned += each.planned;
        ready += each.ready;
    }
    return planned > 0 ? ready / planned : 1;
}

void add_section(Document &document, std::string title, Block block) {
    Section section;
    section.title = std::move(title);
    section.blocks.push_back(std::move(block));
    document.sections.push_back(std::move(section));
}

class WarmCommand : public Command {
  public:
    std::string name() const override { return "warm"; }
    std::string summary() const override {
        return "bring the working set back into the caches, the most valuable blocks first";
    }
    std::string details() const override {
        return "Actions:\n"
               "  plan     show what would be read (default)\n"
               "  run      read it, through the extension pg_prewarm\n"
               "  ready    tell whether the caches are warm; exit status 1 if not, as a readiness\n"
               "           probe wants it\n"
               "  capture  write down what is hot, for --from\n"
               "What is hot is taken from the server's own heat map, or by --from from another "
               "node's\n(connection URI or conninfo) or from a file written by capture. The server "
               "that is warmed\nis the one connected to, or --to. A physical standby has the same "
               "blocks as its primary;\nfor a logical replica, or after pg_upgrade, add --by-name.";
    }

    void define(CLI::App &app) override {
        static const std::vector<std::string> actions = {"plan", "run", "ready", "capture"};
        app.add_option("action", action_, "plan, run, ready or capture (default plan)")
            ->type_name("ACTION")
            ->check(CLI::IsMember(actions));
        app.add_option("--from", from_, "file or server that says what is hot")
            ->type_name("FILE|CONNINFO");
        app.add_option("--to", to_, "server to warm")->type_name("CONNINFO");
        app.add_flag("--by-name", by_name_, "match relations by name, not by their files");
        app.add_option_function<std::string>(
               "--hour",
               [this](const std::string &text) {
                   hour_ = parse_hour_of_week(text);
                   if (!hour_)
                       throw CLI::ValidationError(
                           "--hour", fmt::format("\"{}\" is not an hour such as \"Mon 07\"", text));
               },
               "what is hot at this hour of the week, such as \"Mon 07\" (default: now)")
            ->type_name("HOUR");
        app.add_option("--level", level_,
                       "l1 (shared buffers), l2 (only the operating system's page cache) or both "
                       "(default both)")
            ->type_name("LEVEL")
            ->check(CLI::IsMember({"l1", "l2", "both"}));
        app.add_option_function<std::string>(
               "--budget", [this](const std::string &text) { budget_ = size("--budget", text); },
               "read no more than this (default: 90 % of shared_buffers, and what memory is free)")
            ->type_name("SIZE");
        app.add_option("--hottest", hottest_,
                       "only this share of it, the hottest, so that traffic can be let in early; "
                       "run again for the rest (default 100)")
            ->type_name("PERCENT")
            ->check(CLI::Range(1, 100));
        app.add_option("--connections", settings_.connections, "sessions that read (default 2)")
            ->type_name("N")
            ->check(CLI::Range(1, 64));
        app.add_option_function<std::string>(
               "--rate",
               [this](const std::string &text) {
                   settings_.rate.bytes_per_s = static_cast<double>(size("--rate", text));
                   settings_.rate.floor_bytes_per_s =
                       std::min(settings_.rate.floor_bytes_per_s, settings_.rate.bytes_per_s);
               },
               "read no faster than this a second (default: as fast as it goes)")
            ->type_name("SIZE");
        app.add_option("--target-p99", target_ms_,
                       "slow down while the statements' 99th percentile is above this many "
                       "milliseconds (default 50; 0 never does)")
            ->type_name("MS")
            ->check(CLI::NonNegativeNumber);
        app.add_option_function<double>(
               "--deadline",
               [this](const double &seconds) {
                   settings_.deadline =
                       std::chrono::milliseconds(static_cast<std::int64_t>(1000 * seconds));
               },
               "stop after this time")
            ->type_name("SECONDS")
            ->check(CLI::PositiveNumber);
        app.add_option_function<double>(
               "--wait-ready", [this](const double &percent) { wait_ready_ = percent; },
               "wait until this share of the planned value is in shared buffers, in all and in "
               "the emergency and patient classes; until --deadline, then exit status 1")
            ->type_name("PERCENT")
            ->check(CLI::Range(0.0, 100.0));
        app.add_option("--ready-at", ready_at_, "share that counts as ready (default 98)")
            ->type_name("PERCENT")
            ->check(CLI::Range(0.0, 100.0));
    }

    ExitStatus run(const Options &options) override {
        settings_.rate.target_ms =
            target_ms_ > 0 ? target_ms_ : std::numeric_limits<double>::infinity();
        settings_.shared_buffers = level_ != "l2";
        if (action_ == "capture")
            return write_capture(options);
        Server target_server(options_for(options, to_), Access::ReadOnly,
                             options.statement_timeout);
        capture_ = find_capture(options, target_server);
        target_ = read_target(target_server, capture_, by_name_ ? MatchBy::Names : MatchBy::Files);
        warn_of_what_is_gone(options);
        plan_ = plan_warming(target_.relations, capture_.extents, limits_for(target_server));
        if (action_ == "plan")
            return show_plan(options);
        if (action_ == "ready")
            return tell_readiness(options, target_server);
        return warm(options, target_server);
    }

  private:
    static std::int64_t size(const char *option, const std::string &text) {
        const auto bytes = parse_bytes(text);
        if (!bytes || *bytes <= 0)
            throw CLI::ValidationError(option,
                                       fmt::format("\"{}\" is not a size such as 500MB", text));
        return *bytes;
    }

    // Of a node that is named by itself, only the user's password prompt is taken over.
    static ConnectionOptions options_for(const Options &options, const std::string &node) {
        ConnectionOptions connection = options.connection;
        if (!node.empty())
            connection.database = node;
        return connection;
    }

    Capture find_capture(const Options &options, Server &target_server) const {
        Progress progress(options, "reading what is hot");
        Capture capture;
        if (from_.empty()) {
            capture = read_capture(target_server, hour_);
        } else if (is_file(from_)) {
            if (hour_)
                throw Failure(ExitStatus::Usage, "a file has no hours",
                              "It holds the heat of the moment, or of the hour, of its capture.",
                              "Give --hour when capturing.");
            capture = parse_capture(contents_of(from_), from_);
        } else {
            Server source(options_for(options, from_), Access::ReadOnly, options.statement_timeout);
            capture = read_capture(source, hour_);
        }
        if (capture.extents.empty())
            throw Failure(
                ExitStatus::ActionFailed, "nothing is known to be hot",
                hour_ ? "The heat map knows nothing of that hour." : "The heat map is empty.",
                "It fills while statements run; pg_triage.buffer_interval must not be 0.");
        return capture;
    }

    WarmLimits limits_for(const Server &server) const {
        WarmLimits limits;
        const double budget = budget_ ? static_cast<double>(*budget_) / block_bytes
                                      : std::numeric_limits<double>::infinity();
        const double share = hottest_ / 100.0;
        limits.shared_buffers_blocks = static_cast<std::uint64_t>(
            share * std::min(0.9 * static_cast<double>(target_.shared_buffers_blocks), budget));
        if (level_ == "l1" || hottest_ < 100)
            return limits;
        const double rest = budget - static_cast<double>(limits.shared_buffers_blocks);
        // Another machine's memory is not known: there only what was asked for.
        const double free_memory = server.is_local()
                                       ? free_memory_bytes().value_or(0) / 2 / block_bytes
                                       : (budget_ ? rest : 0);
        limits.page_cache_blocks =
            static_cast<std::uint64_t>(std::clamp(free_memory, 0.0, std::max(rest, 0.0)));
        return limits;
    }

    void warn_of_what_is_gone(const Options &options) const {
        if (options.quiet || target_.missing + target_.rewritten == 0)
            return;
        print_warning(fmt::format("{} relations of the heat map are left out",
                                  target_.missing + target_.rewritten),
                      fmt::format("{} are not there (any more), {} were rewritten since.",
                                  target_.missing, target_.rewritten),
                      target_.rewritten > 0 && !by_name_
                          ? "With --by-name the blocks of rewritten relations are taken to be "
                            "where they were."
                          : "");
    }

    ExitStatus write_capture(const Options &options) const {
        Server server(options_for(options, from_), Access::ReadOnly, options.statement_timeout);
        Progress progress(options, "reading what is hot");
        const std::string text = text_of_capture(read_capture(server, hour_));
        progress.pause();
        write_output(options, text);
        return ExitStatus::Fine;
    }

    // ---- plan ----

    ExitStatus show_plan(const Options &options) const {
        show(
            options, [&] { return document_of_plan(); }, [&] { return json_of_plan(); });
        return ExitStatus::Fine;
    }

    Document document_of_plan() const {
        Document document;
        document.title = fmt::format("What would be warmed in {}", capture_.database);
        document.subtitle = fmt::format("From the heat of {}", capture_.taken_at);
        Table classes{
            {{"data class"}, {"shared buffers", Align::Right}, {"page cache", Align::Right}}, {}};
        for (const auto &[name, blocks] : blocks_by_class(target_, plan_))
            classes.rows.push_back({name, show_blocks(static_cast<double>(blocks.buffers)),
                                    show_blocks(static_cast<double>(blocks.page_cache))});
        Table waves{{{"wave", Align::Right},
                     {"level"},
                     {"size", Align::Right},
                     {"ranges", Align::Right},
                     {"value", Align::Right}},
                    {}};
        for (std::size_t i = 0; i < plan_.waves.size(); i++) {
            const WarmWave &wave = plan_.waves[i];
            const bool loads = wave.level == CacheLevel::SharedBuffers;
            waves.rows.push_back(
                {std::to_string(i + 1), loads ? "shared buffers" : "page cache",
                 show_blocks(static_cast<double>(wave.blocks)),
                 show_count(static_cast<double>((loads ? wave.load : wave.fetch).size())),
                 show_percent(wave.value / plan_.value)});
        }
        add_section(document, "By data class", std::move(classes));
        add_section(document, "In this order", std::move(waves));
        if (plan_.left_blocks > 0)
            add_section(document, "",
                        Paragraph{fmt::format("{} of colder blocks are left out by the budget.",
                                              show_blocks(static_cast<double>(plan_.left_blocks))),
                                  Tone::Faint});
        return document;
    }

    Json json_of_plan() const {
        Json classes = Json::object();
        for (const auto &[name, blocks] : blocks_by_class(target_, plan_))
            classes[name] = {{"shared_buffers_blocks", blocks.buffers},
                             {"page_cache_blocks", blocks.page_cache}};
        Json waves = Json::array();
        for (const WarmWave &wave : plan_.waves) {
            const bool loads = wave.level == CacheLevel::SharedBuffers;
            Json ranges = Json::array();
            for (const WarmRange &range : loads ? wave.load : wave.fetch)
                ranges.push_back({{"relation", target_.relations[range.relation].name},
                                  {"fork", name_of_fork(range.fork)},
                                  {"first", range.first},
                                  {"last", range.last}});
            waves.push_back({{"level", loads ? "l1" : "l2"},
                             {"blocks", wave.blocks},
                             {"value", wave.value / plan_.value},
                             {"ranges", std::move(ranges)}});
        }
        return {{"database", capture_.database},      {"taken_at", capture_.taken_at},
                {"data_classes", std::move(classes)}, {"waves", std::move(waves)},
                {"left_blocks", plan_.left_blocks},   {"cut_blocks", plan_.cut_blocks}};
    }

    // ---- ready ----

    std::vector<Readiness> readiness(Server &server) const {
        // Of what the plan loads: its blocks, not the budget, say how far that goes.
        return readiness_of(target_.relations, capture_.extents,
                            {.shared_buffers_blocks = plan_.blocks(CacheLevel::SharedBuffers)},
                            read_resident(server, target_));
    }

    static bool is_ready(const std::vector<Readiness> &readiness, double percent) {
        if (100 * share_of(readiness) < percent)
            return false;
        for (const Readiness &each : readiness)
            if ((each.data_class == "emergency_data" || each.data_class == "patient_data") &&
                100 * each.share() < percent)
                return false;
        return true;
    }

    std::vector<Readiness> wait_until_ready(const Options &options, Server &server, double percent,
                                            std::chrono::steady_clock::time_point start) const {
        Progress progress(options, "waiting for the caches");
        for (;;) {
            auto now = readiness(server);
            const auto elapsed = std::chrono::steady_clock::now() - start;
            if (is_ready(now, percent) || (settings_.deadline && elapsed >= *settings_.deadline))
                return now;
            progress.update("waiting for the caches", share_of(now));
            interruptible_sleep(20ms);
        }
    }

    ExitStatus tell_readiness(const Options &options, Server &server) const {
        const double percent = wait_ready_.value_or(ready_at_);
        const auto now = wait_ready_ ? wait_until_ready(options, server, percent,
                                                        std::chrono::steady_clock::now())
                                     : readiness(server);
        const bool ready = is_ready(now, percent);
        show(
            options,
            [&] {
                Document document;
                document.title = fmt::format("Shared buffers of {}", capture_.database);
                add_section(document, "", table_of(now));
                add_section(document, "",
                            Paragraph{fmt::format("{} in all: {}", show_percent(share_of(now)),
                                                  ready ? "ready" : "not ready"),
                                      ready ? Tone::Good : Tone::Bad});
                return document;
            },
            [&] {
                return Json{
                    {"ready", ready}, {"share", share_of(now)}, {"data_classes", json_of(now)}};
            });
        return ready ? ExitStatus::Fine : ExitStatus::CheckFailed;
    }

    static Table table_of(const std::vector<Readiness> &readiness) {
        Table table{{{"data class"}, {"ready", Align::Right}}, {}};
        for (const Readiness &each : readiness)
            table.rows.push_back({each.data_class, show_percent(each.share())});
        return table;
    }

    static Json json_of(const std::vector<Readiness> &readiness) {
        Json classes = Json::object();
        for (const Readiness &each : readiness)
            classes[each.data_class] = each.share();
        return classes;
    }

    // ---- run ----

    ExitStatus warm(const Options &options, Server &server) const {
        const auto start = std::chrono::steady_clock::now();
        const WarmResult result = run_warming(options, server, target_, plan_, settings_);
        std::vector<Readiness> reached;
        if (target_.has_extension && settings_.shared_buffers)
            reached = wait_ready_ ? wait_until_ready(options, server, *wait_ready_, start)
                                  : readiness(server);
        const bool ready = !wait_ready_ || (!reached.empty() && is_ready(reached, *wait_ready_));
        show(
            options, [&] { return document_of_run(result, reached); },
            [&] { return json_of_run(result, reached, ready); });
        if (result.denied)
            throw Failure(ExitStatus::ActionFailed, "not all relations could be read",
                          fmt::format("{} of {} were left out.",
                                      show_blocks(static_cast<double>(result.skipped_blocks)),
                                      show_blocks(static_cast<double>(result.planned_blocks))),
                          "pg_prewarm needs the right to SELECT from each table.");
        return ready ? ExitStatus::Fine : ExitStatus::CheckFailed;
    }

    Document document_of_run(const WarmResult &result,
                             const std::vector<Readiness> &reached) const {
        Document document;
        document.title = fmt::format(
            "Warmed {} of {} in {}",
            show_blocks(static_cast<double>(result.done_blocks - result.skipped_blocks)),
            show_blocks(static_cast<double>(result.planned_blocks)),
            show_ms(static_cast<double>(result.elapsed.count())));
        Section notes;
        if (result.deadline_reached)
            notes.blocks.emplace_back(Paragraph{"The deadline ended it.", Tone::Warning});
        if (result.slowest_bytes_per_s > 0)
            notes.blocks.emplace_back(Paragraph{
                fmt::format("Slowed down to {} a second for the statements that were running.",
                            show_bytes(result.slowest_bytes_per_s)),
                Tone::Faint});
        if (!result.latency_known)
            notes.blocks.emplace_back(Paragraph{
                "The server does not tell what statements take, so none was heeded.", Tone::Faint});
        for (const auto &[relation, why] : result.refused)
            notes.blocks.emplace_back(
                Paragraph{fmt::format("Left out {}: {}.", relation, why), Tone::Warning});
        if (!reached.empty())
            add_section(document, "In shared buffers now", table_of(reached));
        if (!notes.blocks.empty())
            document.sections.push_back(notes);
        return document;
    }

    static Json json_of_run(const WarmResult &result, const std::vector<Readiness> &reached,
                            bool ready) {
        return {{"planned_blocks", result.planned_blocks},
                {"done_blocks", result.done_blocks - result.skipped_blocks},
                {"skipped_blocks", result.skipped_blocks},
                {"refused", result.refused},
                {"elapsed_ms", result.elapsed.count()},
                {"deadline_reached", result.deadline_reached},
                {"slowest_bytes_per_s", result.slowest_bytes_per_s},
                {"ready", ready},
                {"data_classes", json_of(reached)}};
    }

    std::string action_ = "plan";
    std::string from_, to_, level_ = "both";
    bool by_name_ = false;
    std::optional<int> hour_;
    std::optional<std::int64_t> budget_;
    int hottest_ = 100;
    double target_ms_ = 50, ready_at_ = 98;
    std::optional<double> wait_ready_;
    WarmSettings settings_;

    Capture capture_;
    WarmTarget target_;
    WarmPlan plan_;
};

} // namespace

std::unique_ptr<Command> make_warm_command() {
    return std::make_unique<WarmCommand>();
}

} // namespace triage::advisor
