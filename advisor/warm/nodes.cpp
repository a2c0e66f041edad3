#include "warm/nodes.h"

#include <fmt/format.h>

#include <map>

namespace triage::advisor {

namespace {

// Only permanent and unlogged relations with storage of their own have blocks to warm.
constexpr const char *relation_query =
    "SELECT c.oid::pg_catalog.int8 AS oid,"
    " pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,"
    " c.relkind = 'i' AS is_index,"
    " pg_catalog.pg_relation_filenode(c.oid)::pg_catalog.int8 AS file,"
    " pg_catalog.pg_relation_size(c.oid, 'main') / $1::int8 AS main,"
    " pg_catalog.pg_relation_size(c.oid, 'fsm') / $1::int8 AS fsm,"
    " pg_catalog.pg_relation_size(c.oid, 'vm') / $1::int8 AS vm"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'm', 'i', 't', 'S') AND c.relpersistence <> 't'";

std::array<std::uint32_t, 3> blocks_of(const Row &row) {
    const auto count = [&](const char *fork) {
        return static_cast<std::uint32_t>(row.integer(fork).value_or(0));
    };
    return {count("main"), count("fsm"), count("vm")};
}

std::uint32_t fork_of(const std::string &name) {
    for (std::uint32_t fork = 0; fork < 3; fork++)
        if (name == name_of_fork(fork))
            return fork;
    return 0;
}

struct Cluster {
    std::string system_identifier;
    std::int64_t block_size = 8192;
};

Cluster read_cluster(Server &server) {
    const Row row = server.query_one(
        "SELECT (SELECT system_identifier FROM pg_catalog.pg_control_system()) AS identifier,"
        " pg_catalog.current_setting('block_size')::pg_catalog.int8 AS block_size");
    return {row.text("identifier"), row.integer("block_size").value_or(8192)};
}

} // namespace

Capture read_capture(Server &server, std::optional<int> hour_of_week) {
    const Cluster cluster = read_cluster(server);
    Capture capture;
    capture.system_identifier = cluster.system_identifier;
    capture.block_size = cluster.block_size;
    capture.database = server.database();
    capture.taken_at =
        server.query_one("SELECT to_char(now(), 'YYYY-MM-DD\"T\"HH24:MI:SSOF') AS now").text("now");

    const auto hour =
        hour_of_week ? std::optional(std::to_string(*hour_of_week)) : std::optional<std::string>();
    std::map<std::int64_t, std::size_t> places;
    const Rows heat = server.query("SELECT relation::pg_catalog.oid::pg_catalog.int8 AS oid, fork,"
                                   " extent, blocks, hot, upper, heat FROM triage.heat($1::int)",
                                   {hour});
    for (const Row &row : heat) {
        const auto [found, is_new] =
            places.try_emplace(row.integer("oid").value_or(0), capture.relations.size());
        if (is_new)
            capture.relations.emplace_back();
        const auto mask = [&](const char *column) {
            return static_cast<BlockMask>(row.integer(column).value_or(0));
        };
        capture.extents.push_back({found->second, fork_of(row.text("fork")),
                                   static_cast<std::uint32_t>(row.integer("extent").value_or(0)),
                                   mask("blocks"), mask("hot"), mask("upper"),
                                   row.number("heat").value_or(0)});
    }
    for (const Row &row :
         server.query(fmt::format("SELECT r.*, triage.data_class_of(r.oid::pg_catalog.oid) AS class"
                                  " FROM ({}) r",
                                  relation_query),
                      {std::to_string(capture.block_size)}))
        if (const auto found = places.find(row.integer("oid").value_or(0)); found != places.end())
            capture.relations[found->second] = {
                row.text("name"), row.text("class"), row.integer("file").value_or(0),
                row.boolean("is_index").value_or(false), blocks_of(row)};
    return capture;
}

WarmTarget read_target(Server &server, const Capture &capture, MatchBy match) {
    const Cluster cluster = read_cluster(server);
    if (match == MatchBy::Files && cluster.system_identifier != capture.system_identifier)
        throw Failure(ExitStatus::ActionFailed, "the capture is of another cluster",
                      fmt::format("It was taken in database \"{}\" at {}.", capture.database,
                                  capture.taken_at),
                      "For a logical replica or after pg_upgrade, use --by-name.");
    if (cluster.block_size != capture.block_size)
        throw Failure(ExitStatus::ActionFailed,
                      "the capture is of a server with another block size");

    WarmTarget target;
    const Row node = server.query_one(
        "SELECT (SELECT pg_catalog.format('%I.pg_prewarm', n.nspname)"
        " FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace"
        " WHERE e.extname = 'pg_prewarm') AS prewarm,"
        " pg_catalog.to_regprocedure('triage.pause_heat(int)') IS NOT NULL AS has_extension,"
        " pg_catalog.pg_is_in_recovery() AS in_recovery,"
        " (SELECT setting::pg_catalog.int8 FROM pg_catalog.pg_settings WHERE name = "
        "'shared_buffers')"
        " AS buffers");
    if (node.is_null("prewarm"))
        throw Failure(ExitStatus::NoServer,
                      fmt::format("extension \"pg_prewarm\" is not installed in database \"{}\"",
                                  server.database()),
                      {},
                      "Run CREATE EXTENSION pg_prewarm in this database (of a standby: on its "
                      "primary).");
    target.prewarm = node.text("prewarm");
    target.has_extension = node.boolean("has_extension").value_or(false);
    target.in_recovery = node.boolean("in_recovery").value_or(false);
    target.shared_buffers_blocks = node.integer("buffers").value_or(0);

    std::map<std::string, std::size_t> places;
    for (const CapturedRelation &relation : capture.relations) {
        places[relation.name] = target.relations.size();
        target.relations.push_back({relation.name, relation.data_class,
                                    warm_weight_of(relation.data_class), relation.is_index});
    }
    target.oids.resize(target.relations.size());
    for (const Row &row : server.query(relation_query, {std::to_string(capture.block_size)})) {
        const auto found = places.find(row.text("name"));
        if (found == places.end())
            continue;
        if (match == MatchBy::Files &&
            row.integer("file") != capture.relations[found->second].file) {
            target.rewritten++;
            continue;
        }
        target.relations[found->second].blocks = blocks_of(row);
        target.oids[found->second] = row.integer("oid").value_or(0);
    }
    for (const std::int64_t oid : target.oids)
        target.missing += oid == 0;
    target.missing -= target.rewritten;
    return target;
}

std::vector<WarmExtent> read_resident(Server &server, const WarmTarget &target) {
    if (!target.has_extension)
        throw Failure(ExitStatus::NoServer,
                      fmt::format("extension \"pg_triage\" is not installed in database \"{}\"",
                                  server.database()),
                      "Without it nothing is known of what is in the buffers.");
    std::map<std::int64_t, std::size_t> places;
    for (std::size_t i = 0; i < target.oids.size(); i++)
        if (target.oids[i] != 0)
            places[target.oids[i]] = i;
    std::vector<WarmExtent> resident;
    for (const Row &row :
         server.query("SELECT relation::pg_catalog.oid::pg_catalog.int8 AS oid, fork, first_block,"
                      " last_block FROM triage.hot_blocks()")) {
        const auto found = places.find(row.integer("oid").value_or(0));
        if (found == places.end())
            continue;
        const std::uint32_t fork = fork_of(row.text("fork"));
        const auto first = static_cast<std::uint32_t>(row.integer("first_block").value_or(0));
        const auto last = static_cast<std::uint32_t>(row.integer("last_block").value_or(0));
        for (std::uint32_t block = first; block <= last; block++) {
            const std::uint32_t extent = block / blocks_per_extent;
            if (resident.empty() || resident.back().relation != found->second ||
                resident.back().fork != fork || resident.back().extent != extent)
                resident.push_back({found->second, fork, extent});
            resident.back().blocks |= BlockMask{1} << block % blocks_per_extent;
        }
    }
    return resident;
}

} // namespace triage::advisor
