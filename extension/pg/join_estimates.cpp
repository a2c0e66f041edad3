#include "pg/join_estimates.h"

#include "core/slot_directory.h"
#include "pg/compat.h"

PG_HEADERS_BEGIN
#include "optimizer/paths.h"
#include "utils/inval.h"
#include "utils/syscache.h"
PG_HEADERS_END

namespace triage::join_estimates {

namespace {

struct Side {
    Oid relation = InvalidOid; // InvalidOid: nobody's
    AttrNumber attribute = 0;
    bool with_children = false; // other statistics
    Oid user = InvalidOid;      // whose privileges decide which statistics are used

    bool operator==(const Side &) const = default;
};

struct Join {
    Side left, right;
    Oid opno = InvalidOid, collation = InvalidOid;

    bool operator==(const Join &) const = default;
};

constexpr int most_scans = 2; // ascending and descending

struct Estimate {
    Join join;
    double left_tuples = 0, right_tuples = 0; // on which `matching` rests
    Selectivity matching = -1;                // of all pairs; below 0: not known
    int scans = 0;
    MergeScanSelCache scan[most_scans];
};

constexpr std::size_t places = 256;
Estimate estimates[places];

std::uint64_t hash_of(std::uint64_t hash, const Side &side) noexcept {
    return mix(mix(hash, side.relation), static_cast<std::uint16_t>(side.attribute));
}

Estimate &place_of(const Join &join) noexcept {
    return estimates[mix(hash_of(hash_of(0, join.left), join.right), join.opno) % places];
}

// ---- Clauses
// ------------------------------------------------------------------------------------------

// False unless it is a column of a table, seen by somebody who sees all of its rows.
bool find_side(PlannerInfo *root, Node *node, Side *side, double *tuples) {
    if (!IsA(node, Var))
        return false;
    const auto *var = castNode(Var, node);
    if (var->varlevelsup != 0 || var->varattno <= 0 || is_nulled(var))
        return false;
    const RelOptInfo *rel = root->simple_rel_array[var->varno];
    const RangeTblEntry *table = root->simple_rte_array[var->varno];
    if (rel == nullptr || table->rtekind != RTE_RELATION || table->securityQuals != NIL)
        return false;
    *side = {table->relid, var->varattno, table->inh,
             OidIsValid(rel->userid) ? rel->userid : GetUserId()};
    *tuples = rel->tuples;
    return true;
}

struct FoundJoin {
    Join join;
    double left_tuples, right_tuples;
};

bool find_join(PlannerInfo *root, const RestrictInfo *clause, FoundJoin *found) {
    if (!IsA(clause->clause, OpExpr) || clause->mergeopfamilies == NIL)
        return false;
    const auto *op = reinterpret_cast<const OpExpr *>(clause->clause);
    if (list_length(op->args) != 2 ||
        !find_side(root, static_cast<Node *>(linitial(op->args)), &found->join.left,
                   &found->left_tuples) ||
        !find_side(root, static_cast<Node *>(lsecond(op->args)), &found->join.right,
                   &found->right_tuples))
        return false;
    found->join.opno = op->opno;
    found->join.collation = op->inputcollid;
    return true;
}

template <class Visit> void visit_clauses(PlannerInfo *root, Visit visit) {
    ListCell *class_cell, *cell;
    foreach (class_cell, root->eq_classes) {
        const auto *ec = static_cast<EquivalenceClass *>(lfirst(class_cell));
        if (ec->ec_has_const || ec->ec_has_volatile)
            continue;
        for (List *clauses : {ec->ec_sources, derived_clauses(ec)})
            foreach (cell, clauses) {
                auto *clause = static_cast<RestrictInfo *>(lfirst(cell));
                if (FoundJoin found; find_join(root, clause, &found))
                    visit(clause, found);
            }
    }
}

// Where several columns are equal, the search makes a clause of any two of them when it comes to
// join their tables. Made before, they can be lent what is known.
void derive_clauses(PlannerInfo *root, List *rels) {
    bool any = false;
    ListCell *cell;
    foreach (cell, root->eq_classes) {
        const auto *ec = static_cast<EquivalenceClass *>(lfirst(cell));
        any |= !ec->ec_has_const && list_length(ec->ec_members) > 2;
    }
    const bool genetic = enable_geqo && list_length(rels) >= geqo_threshold; // asks for few of them
    if (!any || genetic || root->join_info_list != NIL)
        return;
    for (int i = 0; i < list_length(rels); i++)
        for (int j = i + 1; j < list_length(rels); j++) {
            auto *outer = static_cast<RelOptInfo *>(list_nth(rels, i));
            auto *inner = static_cast<RelOptInfo *>(list_nth(rels, j));
            if (outer->has_eclass_joins && inner->has_eclass_joins)
                derive_join_clauses(root, outer, inner);
        }
}

// ---- Forgetting
// ------------------------------------------------------------------------------------------

void forget_relation(Datum, Oid relation) {
    for (Estimate &estimate : estimates)
        if (!OidIsValid(relation) || estimate.join.left.relation == relation ||
            estimate.join.right.relation == relation)
            estimate.join = {};
}

void forget_all(Datum, int, uint32) {
    forget_relation(0, InvalidOid);
}

// A partial index proves a column unique for the statements that imply its predicate only.
bool has_partial_unique_index(const RelOptInfo *rel) {
    ListCell *cell;
    foreach (cell, rel->indexlist) {
        const auto *index = static_cast<IndexOptInfo *>(lfirst(cell));
        if (index->unique && index->indpred != NIL)
            return true;
    }
    return false;
}

bool is_plain_estimate(PlannerInfo *root, const RestrictInfo *clause) {
    if (clause->norm_selec < 0 || clause->norm_selec > 1)
        return false;
    int number = -1;
    while ((number = bms_next_member(clause->clause_relids, number)) >= 0)
        if (root->simple_rel_array[number] == nullptr ||
            has_partial_unique_index(root->simple_rel_array[number]))
            return false;
    return true;
}

} // namespace

void lend(PlannerInfo *root, List *rels) {
    derive_clauses(root, rels);
    visit_clauses(root, [](RestrictInfo *clause, const FoundJoin &found) {
        const Estimate &known = place_of(found.join);
        if (known.join != found.join)
            return;
        if (clause->norm_selec < 0 && known.left_tuples == found.left_tuples &&
            known.right_tuples == found.right_tuples)
            clause->norm_selec = known.matching;
        if (clause->scansel_cache == NIL)
            for (int i = 0; i < known.scans; i++) {
                auto *copy = static_cast<MergeScanSelCache *>(palloc(sizeof(MergeScanSelCache)));
                *copy = known.scan[i];
                clause->scansel_cache = lappend(clause->scansel_cache, copy);
            }
    });
}

void keep(PlannerInfo *root) {
    visit_clauses(root, [root](RestrictInfo *clause, const FoundJoin &found) {
        if (clause->norm_selec < 0 && clause->scansel_cache == NIL)
            return;
        Estimate &place = place_of(found.join);
        place.join = found.join;
        place.left_tuples = found.left_tuples;
        place.right_tuples = found.right_tuples;
        place.matching = is_plain_estimate(root, clause) ? clause->norm_selec : -1;
        place.scans = std::min(list_length(clause->scansel_cache), most_scans);
        for (int i = 0; i < place.scans; i++)
            place.scan[i] = *static_cast<MergeScanSelCache *>(list_nth(clause->scansel_cache, i));
    });
}

void install() {
    CacheRegisterRelcacheCallback(forget_relation, 0);
    CacheRegisterSyscacheCallback(STATRELATTINH, forget_all, 0);
    CacheRegisterSyscacheCallback(AMOPOPID, forget_all, 0);
}

} // namespace triage::join_estimates
