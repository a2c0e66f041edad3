// pg_triage cache: how the caches do, what another size would bring, how long an application may
// keep what it has read.
#include "cache/figures.h"
#include "commands/command.h"
#include "machine.h"
#include "progress.h"
#include "render/json.h"
#include "render/render.h"
#include "render/units.h"
#include "snapshot.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace triage::advisor {

namespace {

// Shared buffers take memory from the page cache, which holds the same blocks until they are dirty:
// beyond this share of the machine both hold too little.
constexpr double most_of_memory = 0.4;
constexpr std::size_t relations_shown = 12;

std::string show_seconds(double seconds) {
    return seconds < 10 ? fmt::format("{:.1f} s", seconds) : fmt::format("{:.0f} s", seconds);
}

void add_section(Document &document, std::string title, Block block) {
    Section section;
    section.title = std::move(title);
    section.blocks.push_back(std::move(block));
    document.sections.push_back(std::move(section));
}

std::string show_rate(double per_s) {
    return per_s < 10 ? fmt::format("{:.2f}/s", per_s) : show_count(per_s) + "/s";
}

class CacheCommand : public Command {
  public:
    std::string name() const override { return "cache"; }
    std::string summary() const override {
        return "hit rates, working sets, what shared_buffers should be, times to live";
    }
    std::string details() const override {
        return "The curve comes from a sample of the buffer pool that the server watches; it says "
               "how sure it is.\nTimes to live are for a cache in the application that is not told "
               "of writes. They are worked out\nfrom the rates at which tables are read and "
               "written, "
               "under Zipf's law with --skew.";
    }

    void define(CLI::App &app) override {
        app.add_option("--stale", stale_percent_,
                       "share of the reads that may be answered with what a write has overtaken "
                       "(default 1)")
            ->type_name("PERCENT")
            ->check(CLI::Range(0.0, 100.0));
        app.add_option("--skew", skew_,
                       "how unevenly keys are read: 0 all alike, 1 strongly skewed (default 0.8)")
            ->type_name("EXPONENT")
            ->check(CLI::Range(0.0, 3.0));
        app.add_option("--interval", interval_s_,
                       "measure rates for this time from now on (default: since the statistics "
                       "were reset)")
            ->type_name("SECONDS")
            ->check(CLI::Range(0.0, 86400.0));
    }

    ExitStatus run(const Options &options) override {
        Server server(options.connection, Access::ReadOnly, options.statement_timeout);
        identity_ = read_identity(server);
        {
            Progress progress(options, "measuring");
            tables_ = read_table_rates(
                server, std::chrono::milliseconds(static_cast<std::int64_t>(1000 * interval_s_)),
                skew_);
            figures_ = read_cache_figures(server);
        }
        ttl_ = advise_ttl(tables_, stale_percent_ / 100);
        const auto memory = server.is_local() ? total_memory_bytes() : std::optional<double>();
        size_ = advise_size(figures_.curve, pool_bytes(), figures_.accesses_per_s,
                            memory ? most_of_memory * *memory
                                   : std::numeric_limits<double>::infinity());
        show(
            options, [&] { return document(); }, [&] { return json(); });
        return ExitStatus::Fine;
    }

  private:
    double pool_bytes() const { return bytes(figures_.pool_blocks); }
    double bytes(std::int64_t blocks) const {
        return static_cast<double>(blocks) * static_cast<double>(figures_.block_size);
    }

    Document document() const {
        Document document;
        document.title = fmt::format("Caches of {}, {}", identity_.database, identity_.taken_at);
        document.subtitle = fmt::format("shared_buffers is {}", show_bytes(pool_bytes()));
        add_section(document, "By data class", table_of_classes());
        add_section(document, "By relation, largest in the buffers first", table_of_relations());
        add_polluters(document);
        add_section(document, "Hit rate at other sizes of shared_buffers", table_of_curve());
        add_section(document, "", Paragraph{size_in_words()});
        if (!ttl_.empty())
            add_section(document,
                        fmt::format("Application's cache: times to live, at most {:.3g} % stale",
                                    stale_percent_),
                        table_of_ttl());
        return document;
    }

    Table table_of_classes() const {
        Table table{{{"data class"},
                     {"in buffers", Align::Right},
                     {"working set", Align::Right},
                     {"accesses", Align::Right},
                     {"hit rate", Align::Right}},
                    {}};
        for (const CachedClass &each : by_class(figures_.relations))
            table.rows.push_back({each.data_class, show_bytes(bytes(each.resident)),
                                  show_bytes(bytes(each.working_set)), show_count(each.fetched),
                                  show_percent(each.hit_rate())});
        return table;
    }

    std::vector<CachedRelation> largest() const {
        auto relations = figures_.relations;
        std::stable_sort(
            relations.begin(), relations.end(),
            [](const auto &left, const auto &right) { return left.resident > right.resident; });
        if (relations.size() > relations_shown)
            relations.resize(relations_shown);
        return relations;
    }

    Table table_of_relations() const {
        Table table{{{"relation", Align::Left, true},
                     {"size", Align::Right},
                     {"in buffers", Align::Right},
                     {"working set", Align::Right},
                     {"hit rate", Align::Right}},
                    {}};
        for (const CachedRelation &each : largest())
            table.rows.push_back(
                {each.name, show_bytes(bytes(each.blocks)), show_bytes(bytes(each.resident)),
                 show_bytes(bytes(each.working_set)),
                 show_percent(each.fetched > 0 ? std::optional(each.hit / each.fetched)
                                               : std::nullopt)});
        return table;
    }

    void add_polluters(Document &document) const {
        List list;
        for (const CachedRelation &each : polluters(figures_.relations, figures_.pool_blocks))
            list.items.push_back(
                {Cell{each.name},
                 {fmt::format("{} of the buffers, of which {} were used once at most.",
                              show_bytes(bytes(each.resident)),
                              show_percent(static_cast<double>(each.rarely_used) /
                                           static_cast<double>(each.resident)))},
                 ""});
        if (!list.items.empty())
            add_section(document, "These crowd out others", std::move(list));
    }

    Table table_of_curve() const {
        Table table{{{"shared_buffers", Align::Right},
                     {"hit rate", Align::Right},
                     {"error", Align::Right},
                     {"reads", Align::Right},
                     {""}},
                    {}};
        for (const SizePoint &point : figures_.curve) {
            const bool now = std::abs(point.bytes - pool_bytes()) < 1;
            if (!point.observed && point.at_least && point.hit_rate) {
                table.rows.push_back(
                    {show_bytes(point.bytes), "≥ " + show_percent(point.hit_rate), "",
                     "≤ " + show_rate((1 - *point.hit_rate) * figures_.accesses_per_s),
                     now ? "now" : ""});
                continue;
            }
            if (!point.observed || !point.hit_rate) {
                table.rows.push_back(
                    {show_bytes(point.bytes), "–", "–", "–",
                     now ? "now; not watched long enough" : "not watched long enough"});
                continue;
            }
            // Twice the standard error.
            table.rows.push_back({show_bytes(point.bytes), show_percent(point.hit_rate),
                                  fmt::format("±{:.1f}", 200 * point.error),
                                  show_rate((1 - *point.hit_rate) * figures_.accesses_per_s),
                                  now ? "now" : ""});
        }
        return table;
    }

    std::string size_in_words() const {
        const std::string evidence = fmt::format(
            "Watched {} blocks for {}.", show_count(static_cast<double>(figures_.watched_blocks)),
            show_ms(1000 * figures_.observed_s));
        switch (size_.verdict) {
        case SizeAdvice::Verdict::Unknown:
            return "The pool was not watched long enough under load to tell. " + evidence;
        case SizeAdvice::Verdict::Keep:
            return "The present size is right: a larger one would hardly save reads, a smaller one "
                   "would add some. " +
                   evidence;
        case SizeAdvice::Verdict::Grow:
            return fmt::format("{} would save {} reads (hit rate {}). {}", show_bytes(size_.bytes),
                               show_rate(size_.reads_saved_per_s), show_percent(size_.hit_rate),
                               evidence);
        case SizeAdvice::Verdict::Shrink:
            return fmt::format(
                "{} would do as well (hit rate {}): the memory serves better as page "
                "cache. {}",
                show_bytes(size_.bytes), show_percent(size_.hit_rate), evidence);
        }
        return evidence;
    }

    Table table_of_ttl() const {
        Table table{{{"data class"},
                     {"reads", Align::Right},
                     {"writes", Align::Right},
                     {"default", Align::Right},
                     {"hit rate", Align::Right},
                     {"stale", Align::Right},
                     {"advised", Align::Right},
                     {"hit rate", Align::Right},
                     {"behind", Align::Right}},
                    {}};
        for (const TtlAdvice &each : ttl_)
            table.rows.push_back(
                {each.data_class, show_rate(each.reads_per_s), show_rate(each.writes_per_s),
                 show_seconds(each.default_ttl_s), show_percent(each.at_default.hit_rate),
                 show_percent(each.at_default.stale_share), show_seconds(each.ttl_s),
                 show_percent(each.at_advised.hit_rate), show_seconds(each.at_advised.behind_s)});
        return table;
    }

    Json json() const {
        Json classes = Json::array(), relations = Json::array(), curve = Json::array(),
             ttl = Json::array(), crowding = Json::array();
        for (const CachedClass &each : by_class(figures_.relations))
            classes.push_back({{"data_class", each.data_class},
                               {"resident_bytes", bytes(each.resident)},
                               {"working_set_bytes", bytes(each.working_set)},
                               {"fetched", each.fetched},
                               {"hit_rate", json_or_null(each.hit_rate())}});
        for (const CachedRelation &each : figures_.relations)
            relations.push_back({{"relation", each.name},
                                 {"data_class", each.data_class},
                                 {"bytes", bytes(each.blocks)},
                                 {"resident_bytes", bytes(each.resident)},
                                 {"working_set_bytes", bytes(each.working_set)},
                                 {"fetched", each.fetched},
                                 {"hit", each.hit}});
        for (const CachedRelation &each : polluters(figures_.relations, figures_.pool_blocks))
            crowding.push_back(each.name);
        for (const SizePoint &point : figures_.curve)
            curve.push_back({{"shared_buffers", point.bytes},
                             {"hit_rate", json_or_null(point.hit_rate)},
                             {"standard_error", point.error},
                             {"observed", point.observed},
                             {"at_least", point.at_least}});
        for (const TtlAdvice &each : ttl_)
            ttl.push_back({{"data_class", each.data_class},
                           {"reads_per_s", each.reads_per_s},
                           {"writes_per_s", each.writes_per_s},
                           {"default_ttl_s", each.default_ttl_s},
                           {"default_hit_rate", each.at_default.hit_rate},
                           {"default_stale_share", each.at_default.stale_share},
                           {"ttl_s", each.ttl_s},
                           {"hit_rate", each.at_advised.hit_rate},
                           {"stale_share", each.at_advised.stale_share},
                           {"behind_s", each.at_advised.behind_s}});
        return {{"database", identity_.database},
                {"taken_at", identity_.taken_at},
                {"shared_buffers", pool_bytes()},
                {"observed_s", figures_.observed_s},
                {"watched_blocks", figures_.watched_blocks},
                {"lru_factor", figures_.lru_factor},
                {"data_classes", std::move(classes)},
                {"relations", std::move(relations)},
                {"crowding_out", std::move(crowding)},
                {"curve", std::move(curve)},
                {"advised_shared_buffers",
                 size_.verdict == SizeAdvice::Verdict::Unknown ? Json(nullptr) : Json(size_.bytes)},
                {"ttl", std::move(ttl)}};
    }

    double stale_percent_ = 1, skew_ = 0.8, interval_s_ = 0;
    Identity identity_;
    CacheFigures figures_;
    std::vector<TableRates> tables_;
    std::vector<TtlAdvice> ttl_;
    SizeAdvice size_;
};

} // namespace

std::unique_ptr<Command> make_cache_command() {
    return std::make_unique<CacheCommand>();
}

} // namespace triage::advisor
