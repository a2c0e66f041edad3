#include "core/workload.h"

#include <algorithm>

namespace triage {

const Relation *Workload::find_relation(RelationId id) const {
    auto found =
        std::lower_bound(relations.begin(), relations.end(), id,
                         [](const Relation &r, RelationId wanted) { return r.id < wanted; });
    return found != relations.end() && found->id == id ? &*found : nullptr;
}

} // namespace triage
