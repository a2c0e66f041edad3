#include "core/drop_advice.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace triage {
namespace {

bool may_go(const IndexFacts &index) {
    return !index.constraint && !index.replica_identity && !index.clustered && !index.attached;
}

// A partial index is smaller than the full one beside it, which is what it is for.
bool stands_in(const IndexFacts &other, const IndexFacts &index) {
    return other.definition && index.definition && serves(*other.definition, *index.definition) &&
           other.definition->predicate == index.definition->predicate &&
           (!index.unique || !index.nulls_not_distinct || other.nulls_not_distinct);
}

// Whatever they promise beyond being searched.
bool same_columns(const IndexFacts &a, const IndexFacts &b) {
    IndexDefinition left = *a.definition, right = *b.definition;
    left.unique = right.unique = false;
    return equivalent(left, right);
}

// Of two that do the same, the greater stays.
auto worth_keeping(const IndexFacts &index) {
    return std::tuple(!may_go(index), index.unique, index.scans, -std::int64_t{index.id});
}

class Adviser {
  public:
    explicit Adviser(const std::vector<IndexFacts> &indexes) : indexes_(indexes) {
        for (const IndexFacts &index : indexes) {
            by_relation_[index.relation].push_back(&index);
            by_id_[index.id] = &index;
        }
    }

    std::vector<DropAdvice> run(bool counted_long_enough) {
        std::map<const IndexFacts *, DropAdvice> found;
        for (const IndexFacts &index : indexes_)
            if (auto advice = on_what_is_there(index)) {
                found[&index] = *advice;
                if (advice->served_by)
                    relied_on_.insert(whole_of(*advice->served_by));
            }
        std::vector<DropAdvice> result;
        for (const IndexFacts &index : indexes_) {
            auto advice = found.find(&index);
            if (advice != found.end())
                result.push_back(advice->second);
            else if (counted_long_enough && is_unused(index))
                result.push_back({&index, DropReason::Unused});
            else if (is_bloated(index))
                result.push_back({.index = &index, .reason = DropReason::Bloated, .rebuild = true});
        }
        return result;
    }

  private:
    std::optional<DropAdvice> on_what_is_there(const IndexFacts &index) const {
        if (!index.valid) {
            if (index.being_built || index.attached)
                return std::nullopt;
            return DropAdvice{
                .index = &index, .reason = DropReason::Invalid, .rebuild = !may_go(index)};
        }
        const IndexFacts *last = replaced_by(index);
        if (last == nullptr)
            return std::nullopt;
        return DropAdvice{
            &index, same_columns(index, *last) ? DropReason::Duplicate : DropReason::Redundant,
            last};
    }

    // One that stays, at the end of the chain of those that stand in for each other.
    const IndexFacts *replaced_by(const IndexFacts &index) const {
        const IndexFacts *last = nullptr;
        for (const IndexFacts *next = better_than(index); next; next = better_than(*next))
            last = next;
        return last;
    }

    // A strict order: wider, or the same and more worth keeping. So its chains end.
    const IndexFacts *better_than(const IndexFacts &index) const {
        if (!may_go(index))
            return nullptr;
        const IndexFacts *best = nullptr;
        for (const IndexFacts *other : by_relation_.at(index.relation))
            if (other != &index && other->valid && !goes_with_its_whole(*other) &&
                stands_in(*other, index) &&
                (!stands_in(index, *other) || worth_keeping(*other) > worth_keeping(index)) &&
                (!best || worth_keeping(*other) > worth_keeping(*best)))
                best = other;
        return best;
    }

    // What is attached is dropped with the whole, and only so.
    const IndexFacts *whole_of(const IndexFacts &index) const {
        auto root = index.attached ? by_id_.find(index.root) : by_id_.end();
        return root != by_id_.end() ? root->second : &index;
    }

    bool goes_with_its_whole(const IndexFacts &index) const {
        const IndexFacts *whole = whole_of(index);
        return whole != &index && (!whole->valid || replaced_by(*whole));
    }

    // What another one is given up for will be used from then on.
    bool is_unused(const IndexFacts &index) const {
        return index.scans == 0 && !index.unique && index.valid && may_go(index) &&
               !relied_on_.contains(&index);
    }

    static bool is_bloated(const IndexFacts &index) {
        return index.valid && index.expected_bytes > 0 &&
               index.bytes >= bloated * index.expected_bytes &&
               index.bytes - index.expected_bytes >= least_bloat_bytes;
    }

    const std::vector<IndexFacts> &indexes_;
    std::map<RelationId, std::vector<const IndexFacts *>> by_relation_;
    std::map<std::uint32_t, const IndexFacts *> by_id_;
    std::set<const IndexFacts *> relied_on_;
};

} // namespace

std::vector<DropAdvice> advise_on_drops(const std::vector<IndexFacts> &indexes,
                                        bool counted_long_enough) {
    return Adviser(indexes).run(counted_long_enough);
}

} // namespace triage
