#include "render/pools.h"

#include "render/units.h"

#include <fmt/format.h>

namespace triage::advisor {

namespace {

const char *name_of(Confidence confidence) {
    switch (confidence) {
    case Confidence::High:
        return "high";
    case Confidence::Medium:
        return "medium";
    case Confidence::Low:
        break;
    }
    return "low";
}

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
    Json json = {{"pool", pool.observation.pool},
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
                  {{"seconds", pool.observation.seconds},
                   {"transactions", pool.observation.transactions},
                   {"observed", pool.observation.hold_ms ? "through a pooler" : "at the server"}}},
                 {"demands",
                  {{"cpu_ms", demands.cpu_ms},
                   {"io_ms", demands.io_ms},
                   {"serial_ms", demands.serial_ms},
                   {"pooler_ms", demands.pooler_ms},
                   {"delay_ms", demands.delay_ms},
                   {"start_ms", demands.start_ms},
                   {"cores", demands.cores}}},
                 {"waits", json_of(advice.waits)},
                 {"sensitivity", sensitivity},
                 {"rivals",
                  {{"hikari", advice.rivals.hikari},
                   {"cybertec", advice.rivals.cybertec},
                   {"pgbouncer_default", advice.rivals.pgbouncer_default}}}};
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
    section.title = fmt::format("Pool {}: {} connections", pool.observation.pool, advice.size);
    section.blocks.emplace_back(Paragraph{fmt::format(
        "{}; {:.0f} transactions a second are predicted with {} connections, {:.0f} with any "
        "number. Knee at {}. Confidence {}: {:.0f} transactions in {:.0f} s, seen {}.",
        bottleneck_sentence(advice.bottleneck), advice.size_per_s, advice.size, advice.best_per_s,
        advice.knee, name_of(advice.confidence), pool.observation.transactions,
        pool.observation.seconds,
        pool.observation.hold_ms ? "through a pooler" : "at the server")});
    for (const std::string &doubt : advice.doubts)
        section.blocks.emplace_back(Paragraph{doubt, Tone::Faint});

    const PoolDemands &demands = advice.demands;
    section.blocks.emplace_back(
        Table{{{"A transaction needs"}, {"ms", Align::Right}},
              {{"processor", fmt::format("{:.3f}", demands.cpu_ms)},
               {"disk", fmt::format("{:.3f}", demands.io_ms)},
               {"under a lock", fmt::format("{:.3f}", demands.serial_ms)},
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

Document document_of_pools(const PoolMachine &machine, const std::vector<AdvisedPool> &pools) {
    Document document;
    document.title = fmt::format("Connection pools for {:g} cores", machine.cores);
    for (const AdvisedPool &pool : pools)
        document.sections.push_back(section_of(pool));
    return document;
}

Json json_of_pools(const PoolMachine &machine, const std::vector<AdvisedPool> &pools) {
    Json list = Json::array();
    for (const AdvisedPool &pool : pools)
        list.push_back(json_of(pool));
    return {{"machine",
             {{"cores", machine.cores},
              {"io_servers", machine.io_servers},
              {"spindles", machine.spindles}}},
            {"pools", list}};
}

} // namespace triage::advisor
