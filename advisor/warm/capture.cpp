#include "warm/capture.h"

#include "exit_status.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <utility>

namespace triage::advisor {

namespace {

using Json = nlohmann::ordered_json;

constexpr int format_version = 1;
constexpr const char *forks[] = {"main", "fsm", "vm"};

// FNV-1a: this guards against damage, not against malice.
std::string checksum_of(const std::string &text) {
    std::uint64_t hash = 14695981039346656037U;
    for (const char c : text) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 1099511628211U;
    }
    return fmt::format("{:016x}", hash);
}

Json content_of(const Capture &capture) {
    Json relations = Json::array();
    for (const CapturedRelation &relation : capture.relations)
        relations.push_back({{"name", relation.name},
                             {"data_class", relation.data_class},
                             {"file", relation.file},
                             {"is_index", relation.is_index},
                             {"blocks", relation.blocks}});
    // A row an extent: relation, fork, extent, blocks, hot, upper, heat.
    Json extents = Json::array();
    for (const WarmExtent &extent : capture.extents)
        extents.push_back(Json::array({extent.relation, extent.fork, extent.extent, extent.blocks,
                                       extent.hot, extent.upper, extent.heat}));
    return {{"system_identifier", capture.system_identifier},
            {"database", capture.database},
            {"taken_at", capture.taken_at},
            {"block_size", capture.block_size},
            {"relations", std::move(relations)},
            {"extents", std::move(extents)}};
}

// A whole number that fits; what is said of any other value is up to parse_capture.
template <class Integer> Integer whole(const Json &value) {
    const bool fits =
        value.is_number_unsigned()
            ? std::in_range<Integer>(value.get<std::uint64_t>())
            : value.is_number_integer() && std::in_range<Integer>(value.get<std::int64_t>());
    if (!fits)
        throw Failure(ExitStatus::ActionFailed, "");
    return value.get<Integer>();
}

CapturedRelation relation_of(const Json &each) {
    CapturedRelation relation{each.at("name"), each.at("data_class"),
                              whole<std::int64_t>(each.at("file")), each.at("is_index")};
    for (std::size_t fork = 0; fork < relation.blocks.size(); fork++)
        relation.blocks[fork] = whole<std::uint32_t>(each.at("blocks").at(fork));
    return relation;
}

WarmExtent extent_of(const Json &row) {
    return {whole<decltype(WarmExtent::relation)>(row.at(0)),
            whole<decltype(WarmExtent::fork)>(row.at(1)),
            whole<decltype(WarmExtent::extent)>(row.at(2)),
            whole<decltype(WarmExtent::blocks)>(row.at(3)),
            whole<decltype(WarmExtent::hot)>(row.at(4)),
            whole<decltype(WarmExtent::upper)>(row.at(5)),
            row.at(6)};
}

Capture capture_of(const Json &content) {
    Capture capture;
    content.at("system_identifier").get_to(capture.system_identifier);
    content.at("database").get_to(capture.database);
    content.at("taken_at").get_to(capture.taken_at);
    capture.block_size = whole<std::int64_t>(content.at("block_size"));
    for (const Json &each : content.at("relations"))
        capture.relations.push_back(relation_of(each));
    for (const Json &row : content.at("extents")) {
        const WarmExtent extent = extent_of(row);
        if (extent.relation >= capture.relations.size() || extent.fork >= std::size(forks))
            throw Failure(ExitStatus::ActionFailed, "");
        capture.extents.push_back(extent);
    }
    return capture;
}

} // namespace

std::string text_of_capture(const Capture &capture) {
    const Json content = content_of(capture);
    const Json file{{"pg_triage_capture", format_version},
                    {"checksum", checksum_of(content.dump())},
                    {"content", content}};
    return file.dump() + "\n";
}

Capture parse_capture(const std::string &text, const std::string &source) {
    const Json file = Json::parse(text, nullptr, false);
    if (!file.is_object() || !file.contains("pg_triage_capture"))
        throw Failure(ExitStatus::ActionFailed, fmt::format("\"{}\" is not a capture", source), {},
                      "Make one with: pg_triage warm capture -o FILE");
    try {
        if (file.at("pg_triage_capture") != format_version)
            throw Failure(ExitStatus::ActionFailed,
                          fmt::format("another version of pg_triage has written \"{}\"", source));
        if (file.at("checksum") != checksum_of(file.at("content").dump()))
            throw Failure(ExitStatus::ActionFailed, fmt::format("\"{}\" is damaged", source),
                          "Its checksum is wrong.", "Capture again.");
        return capture_of(file.at("content"));
    } catch (const Json::exception &) {
        throw Failure(ExitStatus::ActionFailed, fmt::format("\"{}\" is damaged", source), {},
                      "Capture again.");
    } catch (const Failure &failure) {
        if (!failure.message.empty())
            throw;
        throw Failure(ExitStatus::ActionFailed, fmt::format("\"{}\" contradicts itself", source),
                      {}, "Capture again.");
    }
}

const char *name_of_fork(std::uint32_t fork) {
    return forks[fork];
}

} // namespace triage::advisor
