#include "render/pools.h"

#include "render/units.h"

#include <fmt/format.h>

namespace triage::advisor {

namespace {

Json json_of(const WaitPercentiles &times) {
    return {{"mean_ms", times.mean_ms},
            {"p50_ms", times.p50_ms},
            {"p95_ms", times.p95_ms},
            {"p99_ms", times.p99_ms}};
}

Json json_of(const std::vector<LoadPoint> &points) {
    Json list = Json::array();
    for (const LoadPoint &point : points)
        list.push_back({{"load", point.load},
                        {"transactions_per_s", point.transactions_per_s},
                        {"wait", json_of(point.wait)},
                        {"response", json_of(point.response)}});
    return list;
}

Json json_of(const AdvisedPool &pool) {
    const PoolAdvice &advice = pool.advice;
    const PoolDemands &demands = advice.demands;
    Json sensitivity = Json::array();
    for (const SizeIf &size : advice.sensitivity)
        sensitivity.push_back({{"if", size.changed}, {"size", size.size}});
    Json json = {
        {"pool", pool.observed.observation.pool},
        {"size", advice.size},
        {"knee", advice.knee},
        {"smallest_for_95", advice.smallest_for_95},
        {"bottleneck", advice.bottleneck},
        {"throughput_per_s", advice.size_per_s},
        {"best_throughput_per_s", advice.best_per_s},
        {"observed_per_s", advice.observed_per_s},
        {"confidence", name_of(advice.confidence)},
        {"doubts", advice.doubts},
        {"evidence",
         {{"seconds", pool.observed.observation.seconds},
          {"transactions", pool.observed.observation.transactions},
          {"observed", pool.observed.observation.hold_ms ? "through a pooler" : "at the server"}}},
        {"demands",
         {{"cpu_ms", demands.cpu_ms},
          {"io_ms", demands.io_ms},
          {"serial_ms", demands.serial_ms()},
          {"locks", demands.locks},
          {"pooler_ms", demands.pooler_ms},
          {"delay_ms", demands.delay_ms},
          {"start_ms", demands.start_ms},
          {"cores", demands.cores_for_transactions()}}},
        {"waits", json_of(advice.waits)},
        {"sensitivity", sensitivity},
        {"rivals",
         {{"hikari", advice.rivals.hikari},
          {"cybertec", advice.rivals.cybertec},
          {"pgbouncer_default", advice.rivals.pgbouncer_default}}},
        {"lane",
         {{"class", name_of(pool.plan.lane)},
          {"size", pool.plan.size},
          {"reserve", pool.plan.reserve},
          {"statement_timeout_ms", pool.plan.statement_timeout_ms},
          {"idle_in_transaction_timeout_ms", pool.plan.idle_in_transaction_timeout_ms},
          {"query_wait_timeout_ms", pool.plan.query_wait_timeout_ms},
          {"reason", pool.plan.reason}}}};
    if (!pool.at_rate.empty()) {
        json["asked_size"] = pool.asked_size;
        json["at_rate"] = json_of(pool.at_rate);
    }
    return json;
}

std::string bottleneck_sentence(const std::string &bottleneck) {
    if (bottleneck == "cpu")
        return "The processors are what is short";
    if (bottleneck == "io")
        return "The disk is what is short";
    if (bottleneck == "lock")
        return "Locks are what is short, and no pool size cures that";
    if (bottleneck == "pooler")
        return "The pooler's one thread is what is short";
    return "The clients are what is short: they cannot keep the server busy";
}

Section section_of(const AdvisedPool &pool) {
    const PoolAdvice &advice = pool.advice;
    Section section;
    section.title =
        fmt::format("Pool {}: {} connections", pool.observed.observation.pool, advice.size);
    section.blocks.emplace_back(Paragraph{fmt::format(
        "{}; {:.0f} transactions a second are predicted with {} connections, {:.0f} with any "
        "number. Knee at {}. Confidence {}: {:.0f} transactions in {:.0f} s, seen {}.",
        bottleneck_sentence(advice.bottleneck), advice.size_per_s, advice.size, advice.best_per_s,
        advice.knee, name_of(advice.confidence), pool.observed.observation.transactions,
        pool.observed.observation.seconds,
        pool.observed.observation.hold_ms ? "through a pooler" : "at the server")});
    for (const std::string &doubt : advice.doubts)
        section.blocks.emplace_back(Paragraph{doubt, Tone::Faint});

    const PoolDemands &demands = advice.demands;
    section.blocks.emplace_back(
        Table{{{"A transaction needs"}, {"ms", Align::Right}},
              {{"processor", fmt::format("{:.3f}", demands.cpu_ms)},
               {"disk", fmt::format("{:.3f}", demands.io_ms)},
               {"of all hot locks together", fmt::format("{:.3f}", demands.serial_ms())},
               {"pooler", fmt::format("{:.3f}", demands.pooler_ms)},
               {"until the server begins", fmt::format("{:.3f}", demands.start_ms)},
               {"sleeping, network, client's thinking", fmt::format("{:.3f}", demands.delay_ms)}}});

    Table waits{{{"Load"},
                 {"tx/s", Align::Right},
                 {"wait p50", Align::Right},
                 {"p95", Align::Right},
                 {"p99", Align::Right},
                 {"response p99", Align::Right}},
                {}};
    auto add = [&](const std::string &load, const LoadPoint &point) {
        waits.rows.push_back({load, fmt::format("{:.0f}", point.transactions_per_s),
                              fmt::format("{:.2f} ms", point.wait.p50_ms),
                              fmt::format("{:.2f} ms", point.wait.p95_ms),
                              fmt::format("{:.2f} ms", point.wait.p99_ms),
                              fmt::format("{:.2f} ms", point.response.p99_ms)});
    };
    for (const LoadPoint &point : advice.waits)
        add(fmt::format("{:.0f} %", 100 * point.load), point);
    for (const LoadPoint &point : pool.at_rate)
        add(fmt::format("asked, {} connections", pool.asked_size), point);
    section.blocks.emplace_back(waits);

    Table sizes{{{"Size"}, {"connections", Align::Right}}, {}};
    sizes.rows.push_back({"advised", std::to_string(advice.size)});
    for (const SizeIf &size : advice.sensitivity)
        sizes.rows.push_back({"if " + size.changed, std::to_string(size.size)});
    sizes.rows.push_back({"HikariCP's formula", std::to_string(advice.rivals.hikari)});
    sizes.rows.push_back({"Cybertec's formula", std::to_string(advice.rivals.cybertec)});
    sizes.rows.push_back({"PgBouncer's default", std::to_string(advice.rivals.pgbouncer_default)});
    section.blocks.emplace_back(sizes);
    return section;
}

} // namespace

Table table_of_budget(const ConnectionBudget &budget) {
    Table table{{{"Connections of"},
                 {"lane"},
                 {"pods", Align::Right},
                 {"each", Align::Right},
                 {"in all", Align::Right},
                 {"", Align::Left}},
                {}};
    for (const FittedApplication &fitted : budget.applications) {
        const Application &application = fitted.application;
        const int pods = application.max_replicas + application.surge + application.terminating;
        table.rows.push_back({application.name, name_of(application.lane), std::to_string(pods),
                              std::to_string(application.pool), std::to_string(fitted.connections),
                              application.through_pooler ? Cell("to the pooler", Tone::Faint)
                              : fitted.cut               ? Cell("cut to fit", Tone::Warning)
                                                         : Cell("")});
    }
    for (const FittedAlias &fitted : budget.aliases)
        table.rows.push_back({"pooler: " + fitted.alias.name, name_of(fitted.alias.lane), "",
                              std::to_string(fitted.alias.size + fitted.alias.reserve),
                              std::to_string(fitted.connections),
                              fitted.cut ? Cell("cut to fit", Tone::Warning) : Cell("")});
    return table;
}

Json json_of_budget(const ConnectionBudget &budget) {
    Json applications = Json::array(), aliases = Json::array();
    for (const FittedApplication &fitted : budget.applications)
        applications.push_back({{"name", fitted.application.name},
                                {"max_replicas", fitted.application.max_replicas},
                                {"pool", fitted.application.pool},
                                {"connections", fitted.connections},
                                {"through_pooler", fitted.application.through_pooler},
                                {"cut", fitted.cut}});
    for (const FittedAlias &fitted : budget.aliases)
        aliases.push_back({{"name", fitted.alias.name},
                           {"size", fitted.alias.size},
                           {"reserve", fitted.alias.reserve},
                           {"connections", fitted.connections},
                           {"cut", fitted.cut}});
    return {{"fits", budget.fits},
            {"limit", budget.limit},
            {"wanted", budget.wanted},
            {"used", budget.used},
            {"max_client_conn", budget.max_client_conn},
            {"needed_max_connections", budget.needed_max_connections},
            {"added_memory_bytes", budget.added_memory_bytes},
            {"applications", applications},
            {"aliases", aliases}};
}

namespace {

Section lanes_of(const PoolsAdvice &advice) {
    Section section;
    section.title =
        advice.poolers > 1 ? fmt::format("Lanes of each of {} poolers", advice.poolers) : "Lanes";
    Table lanes{{{"Lane"},
                 {"class"},
                 {"size", Align::Right},
                 {"reserve", Align::Right},
                 {"statement timeout", Align::Right},
                 {"wait timeout", Align::Right},
                 {"why", Align::Left, true}},
                {}};
    for (const AdvisedPool &pool : advice.pools)
        lanes.rows.push_back({pool.plan.name, name_of(pool.plan.lane),
                              std::to_string(pool.plan.size), std::to_string(pool.plan.reserve),
                              show_ms(pool.plan.statement_timeout_ms),
                              show_ms(pool.plan.query_wait_timeout_ms), pool.plan.reason});
    section.blocks.emplace_back(lanes);
    section.blocks.emplace_back(Paragraph{fmt::format(
        "Urgent lanes keep {} of the processors busy; bulk lanes are sized for a server that is "
        "{}.",
        show_percent(advice.urgent_share), name_of(advice.saturation))});
    for (const FloodTest &test : advice.floods)
        section.blocks.emplace_back(Paragraph{fmt::format(
            "p99 of {} by simulation: {} alone, {} beside a flood on the bulk lanes, {} if all "
            "shared one pool.",
            test.lane, show_ms(test.alone_p99_ms), show_ms(test.with_lanes_p99_ms),
            show_ms(test.without_lanes_p99_ms))});
    return section;
}

} // namespace

std::string sentence_of_budget(const ConnectionBudget &budget) {
    if (budget.used == budget.wanted && budget.fits)
        return fmt::format("All {} connections fit the limit of {}.", budget.used, budget.limit);
    std::string text = fmt::format(
        "{} connections were wanted at the worst moment of a rollout; the limit is {}. ",
        budget.wanted, budget.limit);
    text += budget.fits ? fmt::format("What is cut above brings them to {}. ", budget.used)
                        : "Even one connection a pod does not fit: put a pooler between. ";
    return text + fmt::format(
                      "Uncut, they would take max_connections = {}, and about {} more memory.",
                      budget.needed_max_connections, show_bytes(double(budget.added_memory_bytes)));
}

Document document_of_pools(const PoolsAdvice &advice) {
    Document document;
    document.title = fmt::format("Connection pools for {:g} cores", advice.machine.cores);
    for (const AdvisedPool &pool : advice.pools)
        document.sections.push_back(section_of(pool));
    if (advice.pools.size() > 1)
        document.sections.push_back(lanes_of(advice));
    if (advice.budget)
        document.sections.push_back({"Connection budget",
                                     {table_of_budget(*advice.budget),
                                      Paragraph{sentence_of_budget(*advice.budget),
                                                advice.budget->fits ? Tone::Plain : Tone::Bad}}});
    return document;
}

Json json_of_pools(const PoolsAdvice &advice) {
    Json list = Json::array(), floods = Json::array();
    for (const AdvisedPool &pool : advice.pools)
        list.push_back(json_of(pool));
    for (const FloodTest &test : advice.floods)
        floods.push_back({{"lane", test.lane},
                          {"alone_p99_ms", test.alone_p99_ms},
                          {"with_lanes_p99_ms", test.with_lanes_p99_ms},
                          {"without_lanes_p99_ms", test.without_lanes_p99_ms}});
    return {{"machine", json_of(advice.machine)},
            {"pools", list},
            {"saturation", name_of(advice.saturation)},
            {"urgent_share", advice.urgent_share},
            {"floods", floods},
            {"budget", advice.budget ? json_of_budget(*advice.budget) : Json(nullptr)}};
}

} // namespace triage::advisor
