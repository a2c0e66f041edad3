// What the indexes that exist already do for a statement. Beside what they save, a further index is
// judged more strictly: otherwise each one that is built would call for the next.
#pragma once

#include "core/what_if.h"
#include "core/workload.h"

#include <algorithm>
#include <vector>

namespace triage {

// The least improvement of a statement that counts, where nobody says another; below it lies the
// planner's noise.
constexpr double usual_min_improvement = 0.05;

// How far the thresholds of what is worth an index apply. They are made for the usual least
// improvement: who asks for less gets less of them, and with 0 the planner is taken at its word.
constexpr double strictness(double min_improvement) {
    return std::min(min_improvement / usual_min_improvement, 1.0);
}

// Planner units of reading the whole relation, which is about what an index that serves a statement
// saves it.
double scan_cost(const Relation &relation);

// Only the INCLUDE columns of `definition` are new: the rest of it an existing index serves.
bool adds_only_included(const Relation &relation, const IndexDefinition &definition);

// Existing indexes that nobody needs once `definition` is built; never one that must stay, is
// unique or invalid.
std::vector<const ExistingIndex *> made_redundant(const Relation &relation,
                                                  const IndexDefinition &definition);

// Whether what an index saves one execution of a statement is worth having it on the relation.
class WorthSaving {
  public:
    WorthSaving(const Relation &relation, const IndexDefinition &definition,
                double min_improvement);

    // Planner units: `today` with the existing indexes alone, `before` with all but this one.
    bool operator()(double today, double before, double saved) const;

    // About what an execution that costs `today` would cost without the existing indexes that begin
    // as this one does.
    double unserved(double today) const {
        return begins_as_existing_ ? std::max(today, scan_) : today;
    }

    // False if no index of this definition can be worth it, whatever it saves.
    bool possible(double today) const { return (*this)(today, today, today); }

  private:
    double scan_, min_improvement_;
    bool only_included_, begins_as_existing_;
};

} // namespace triage
