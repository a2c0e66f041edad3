#include "pg/observed_names.h"

#include <set>

PG_HEADERS_BEGIN
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
PG_HEADERS_END

namespace triage {
namespace {

// Quoted; null for a relation that is gone, and where naming the schema would change what other
// names mean: pg_catalog is searched first as long as nobody names it.
const char *schema_of(Oid relation) {
    Oid schema = get_rel_namespace(relation);
    if (!OidIsValid(schema) || IsCatalogNamespace(schema) || isAnyTempNamespace(schema))
        return nullptr;
    const char *name = get_namespace_name(schema);
    return name ? quote_identifier(name) : nullptr;
}

} // namespace

ObservedNames::ObservedNames(const std::vector<ObservedStatement> &statements,
                             const std::vector<store::ScanStats> &scans) {
    const char *path = call_server([] { return GetConfigOptionResetString("search_path"); });
    default_path_ = path ? path : "";
    std::map<std::int64_t, std::set<Oid>> relations;
    for (const ObservedStatement &statement : statements)
        if (OidIsValid(statement.main_relation))
            relations[statement.queryid].insert(statement.main_relation);
    for (const store::ScanStats &scan : scans)
        relations[scan.queryid].insert(scan.relid);
    for (const auto &[queryid, ids] : relations) {
        std::set<std::string> names;
        for (Oid id : ids)
            if (const char *name = call_server([&] { return schema_of(id); }))
                names.insert(name);
        for (const std::string &name : names)
            schemas_[queryid] += name + ", ";
    }
}

int ObservedNames::enter(std::int64_t queryid) const {
    auto found = schemas_.find(queryid);
    std::string path = (found == schemas_.end() ? "" : found->second) + default_path_;
    if (path.ends_with(", "))
        path.resize(path.size() - 2);
    return call_server([&] {
        int level = NewGUCNestLevel();
        (void)set_config_option("search_path", path.c_str(), PGC_USERSET, PGC_S_SESSION,
                                GUC_ACTION_SAVE, true, 0, false);
        return level;
    });
}

void ObservedNames::leave(int level) {
    call_server([&] { AtEOXact_GUC(false, level); });
}

} // namespace triage
