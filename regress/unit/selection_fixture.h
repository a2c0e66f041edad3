// Selection against a planner that is a table of costs.
#pragma once

#include "core/selection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>

namespace triage::selection_fixture {

constexpr double megabyte = 1048576;

// A plan is possible if all the indexes it needs are offered; the cheapest possible one wins.
struct Plan {
    double cost;
    std::vector<CandidateId> needs;
};

class FakeWhatIf : public WhatIf {
  public:
    std::map<std::size_t, std::vector<Plan>> custom, generic; // generic: as custom where missing
    std::vector<std::size_t> unplannable;
    std::size_t calls = 0, largest_offer = 0;
    std::map<std::size_t, std::size_t> calls_of; // by statement
    std::size_t fail_at = 0;

    Answer plan(std::size_t statement, PlanMode mode,
                std::span<const CandidateId> offered) override {
        if (std::count(unplannable.begin(), unplannable.end(), statement))
            throw std::domain_error("cannot be planned");
        if (++calls == fail_at)
            throw std::runtime_error("canceling statement due to user request");
        calls_of[statement]++;
        largest_offer = std::max(largest_offer, offered.size());
        EXPECT_TRUE(std::is_sorted(offered.begin(), offered.end()));
        const auto &plans =
            mode == PlanMode::Generic && generic.count(statement) ? generic : custom;
        Answer best{.cost = INFINITY};
        for (const Plan &p : plans.at(statement))
            if (p.cost < best.cost &&
                std::includes(offered.begin(), offered.end(), p.needs.begin(), p.needs.end()))
                best = {p.cost, p.needs};
        return best;
    }
};

struct Fixture {
    Workload workload;
    std::vector<Candidate> candidates;
    FakeWhatIf planner;
    SelectionLimits limits;

    // `rows_written` counts inserted rows.
    void relation(RelationId id, double rows_written = 0) {
        workload.relations.push_back(
            {.id = id, .name = "r", .tuples = 1e6, .pages = 1e4, .inserted = rows_written});
    }

    CandidateId candidate(RelationId relation, std::vector<AttributeNumber> keys,
                          std::vector<std::string> predicate = {}, double size = megabyte) {
        Candidate c;
        c.definition.relation = relation;
        for (AttributeNumber attribute : keys)
            c.definition.keys.push_back({.key = {attribute, {}}});
        c.definition.predicate = std::move(predicate);
        c.size = {.pages = size / 8192, .leaf_pages = size / 8192, .bytes = size, .tree_height = 1};
        c.indexed_tuples = c.definition.predicate.empty() ? 1e6 : 1e5;
        candidates.push_back(c);
        return candidates.size() - 1;
    }

    std::size_t statement(std::vector<RelationId> relations, std::vector<Plan> plans,
                          double calls = 1, Operand operand = Operand::Literal,
                          double generic_share = 0) {
        Statement s{.queryid = static_cast<std::int64_t>(workload.statements.size()),
                    .calls = calls,
                    .generic_share = generic_share};
        for (RelationId id : relations) {
            RelationAccess access{.relation = id};
            access.clauses.push_back({.op = ClauseOperator::Equal, .operand = operand});
            s.accesses.push_back(access);
        }
        workload.statements.push_back(s);
        planner.custom[workload.statements.size() - 1] = std::move(plans);
        return workload.statements.size() - 1;
    }

    Selection select() { return select_indexes(workload, candidates, planner, limits); }
};

inline std::vector<CandidateId> chosen(const Selection &selection) {
    std::vector<CandidateId> result;
    for (const ChosenIndex &index : selection.indexes)
        result.push_back(index.candidate);
    std::sort(result.begin(), result.end());
    return result;
}

using Ids = std::vector<CandidateId>;

} // namespace triage::selection_fixture
