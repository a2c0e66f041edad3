// The redact step: of a condition's value its selectivity stays, and the value itself only where
// the privacy rule (core/privacy.h) lets it out.
#pragma once

#include "pg/plan_conditions.h"

namespace triage::predicates {

// Writes the condition's clause into its scan. What the column and the operator are must be
// remembered (pg/column_facts.h); of a column that is not, the clause tells no value and no share.
void redact(Condition &condition);

} // namespace triage::predicates
