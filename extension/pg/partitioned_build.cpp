#include "pg/partitioned_build.h"

#include "pg/guc.h"
#include "pg/index_request.h"

PG_HEADERS_BEGIN
#include "commands/defrem.h"
#include "utils/lsyscache.h"
PG_HEADERS_END

namespace triage::partitioned_build {

namespace {

struct Partition {
    Oid relation, parent;
    bool leaf, foreign;
};

// Parents before their children, the root first.
std::vector<Partition> partitions_of(Oid root) {
    std::vector<Partition> partitions;
    for (const spi::Row &row :
         spi::run("SELECT p.relid::oid, p.parentrelid::oid, p.isleaf, c.relkind = 'f' "
                  "FROM pg_partition_tree($1::oid) p JOIN pg_class c ON c.oid = p.relid "
                  "ORDER BY p.level, p.relid::oid",
                  {spi::text(std::int64_t{root})}))
        partitions.push_back({static_cast<Oid>(spi::integer(row[0])),
                              static_cast<Oid>(spi::integer(row[1])), spi::boolean(row[2]),
                              spi::boolean(row[3])});
    return partitions;
}

std::vector<Partition> leaves_of(Oid root) {
    std::vector<Partition> leaves = partitions_of(root);
    std::erase_if(leaves, [](const Partition &partition) { return !partition.leaf; });
    const bool any_foreign = std::any_of(leaves.begin(), leaves.end(),
                                         [](const Partition &leaf) { return leaf.foreign; });
    if (any_foreign)
        throw SqlError(ERRCODE_WRONG_OBJECT_TYPE,
                       "cannot build an index on a partitioned table with foreign partitions");
    return leaves;
}

std::string name_for(const IndexRequest &request) {
    const char *table = request.table.c_str(), *columns = request.key_names.c_str();
    const Oid schema = request.schema_oid;
    return call_server([=] { return ChooseRelationName(table, columns, "idx", schema, false); });
}

std::string qualified_index(Oid index) {
    return call_server([index] {
        const char *name = get_rel_name(index);
        if (name == nullptr)
            ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE),
                            errmsg("an index of a partition is gone again")));
        return quote_qualified_identifier(get_namespace_name(get_rel_namespace(index)), name);
    });
}

// The valid indexes that this job has built, by their tables. One that was there before stays on
// its own, so that it does not go when this job is taken back.
std::map<Oid, Oid> built_so_far(const Job &job) {
    std::map<Oid, Oid> built;
    for (const jobs::Part &part : jobs::parts(job)) {
        const FoundIndex found = find_index(part.relation, part.index_schema, part.index_name);
        if (found.valid)
            built[part.relation] = found.oid;
    }
    return built;
}

void build_leaf(const Job &job, Oid leaf, const Steps &steps) {
    set_lock_timeout(guc::lock_timeout_ms);
    const TableLock lock(leaf);
    jobs::Part part;
    std::string ddl;
    const bool is_there = worker_transaction([&] {
        if (built_so_far(job).contains(leaf))
            return true;
        const IndexRequest request = read_index_request_for(job.ddl, leaf);
        part = {leaf, request.schema, name_for(request)};
        ddl = ddl_of(request, part.index_name);
        jobs::set_part(job, part);
        return false;
    });
    if (is_there)
        return;
    const Oid role = steps.role_for(lock.table());
    set_lock_timeout(guc::wait_timeout_ms);
    create_index_concurrently(ddl, lock.table(), part.index_name, role);
}

// One index each on the partitioned tables, those of their partitions under it.
void assemble(const Job &job) {
    std::map<Oid, Oid> index_of = built_so_far(job);
    for (const Partition &partition : partitions_of(job.relation)) {
        if (partition.leaf)
            continue;
        const IndexRequest request = read_index_request_for(job.ddl, partition.relation);
        const bool is_root = partition.relation == job.relation;
        const std::string name = is_root ? job.index_name : name_for(request);
        create_index_only(job.ddl, partition.relation, name);
        index_of[partition.relation] = find_index(partition.relation, request.schema, name).oid;
    }
    // From the leaves up, so that each index is complete when it is put under its parent's.
    std::vector<Partition> partitions = partitions_of(job.relation);
    std::reverse(partitions.begin(), partitions.end());
    for (const Partition &partition : partitions) {
        const Oid index = index_of[partition.relation];
        if (partition.relation == job.relation || !OidIsValid(index))
            continue;
        const std::string statement = "ALTER INDEX " + qualified_index(index_of[partition.parent]) +
                                      " ATTACH PARTITION " + qualified_index(index);
        spi::run(statement.c_str());
    }
    if (!find_index(job.relation, index_of[job.relation]).valid)
        throw SqlError(ERRCODE_OBJECT_IN_USE, "a partition was added during the build");
}

} // namespace

void rehearse(const Job &job, const Table &table) {
    worker_rehearsal([&] {
        leaves_of(table.oid);
        create_index_only(job.ddl, table.oid, job.index_name);
    });
}

void build(const Job &job, const Table &table, const Steps &steps) {
    const std::vector<Partition> leaves = worker_transaction([&] { return leaves_of(table.oid); });
    for (std::size_t i = 0; i < leaves.size(); i++) {
        steps.check_cancelled();
        worker_transaction([&] { jobs::set_part_count(job, i, leaves.size()); });
        build_leaf(job, leaves[i].relation, steps);
    }
    set_lock_timeout(guc::lock_timeout_ms);
    worker_transaction([&] { assemble(job); });
}

void remove_parts(const Job &job, bool valid_ones_too) {
    for (const jobs::Part &part : worker_transaction([&] { return jobs::parts(job); })) {
        const FoundIndex found = worker_transaction(
            [&] { return find_index(part.relation, part.index_schema, part.index_name); });
        if (!OidIsValid(found.oid) || (found.valid && !valid_ones_too))
            continue;
        const TableLock lock(part.relation);
        drop_index_of(lock.table(), found.oid);
    }
}

} // namespace triage::partitioned_build
