#include "pg/root_columns.h"

#include "pg/guard.h"

PG_HEADERS_BEGIN
#include "catalog/partition.h"
#include "utils/lsyscache.h"
PG_HEADERS_END

namespace triage {
namespace {

struct Column {
    Oid relation;
    AttributeNumber attribute;
};

Column root_of(Oid relation, AttributeNumber attribute) {
    Column column{relation, attribute};
    if (!get_rel_relispartition(relation))
        return column;
    List *ancestors = get_partition_ancestors(relation);
    const char *name = get_attname(relation, attribute, true);
    if (ancestors == NIL || name == nullptr)
        return column;
    Oid root = llast_oid(ancestors);
    AttributeNumber number = get_attnum(root, name);
    return number != InvalidAttrNumber ? Column{root, number} : column;
}

} // namespace

std::pair<RelationId, AttributeNumber> RootColumns::find(RelationId relation,
                                                         AttributeNumber attribute) {
    auto [place, is_new] = known_.try_emplace({relation, attribute}, relation, attribute);
    if (is_new) {
        Column root = call_server([&] { return root_of(relation, attribute); });
        place->second = {root.relation, root.attribute};
    }
    return place->second;
}

} // namespace triage
