// The scans of a plan and what their rows must satisfy, as the plan has it: columns, operators, and
// the values themselves, where they lie. What is found here lives as long as the plan, and goes
// nowhere but to the redact step.
#pragma once

#include "pg/predicates.h"

namespace triage::predicates {

// A condition as it was found in the plan.
struct Condition {
    enum class Form : std::uint8_t { Compare, AnyOf, AllOf, IsNull, IsNotNull, IsTrue, IsFalse };

    SampledScan *scan;
    int clause; // its place in the scan
    AttributeNumber attribute;
    Form form;
    Operand operand;
    bool column_on_the_right;
    bool known; // `value` is the operand's
    bool is_null;
    Oid opno;
    Oid type;
    Datum value;
};

constexpr int most_conditions = 96;

struct Inspection {
    QueryDesc *query;
    Sample *sample;
    SampledScan **last;
    int scans = 0;
    int conditions = 0;
    int depth = 0;
    bool sorted = false, limited = false; // of the node looked at: is below a Sort, a Limit
    Condition condition[most_conditions];
};

// Fills the inspection of `query`, and of its sample the scans and what they are part of.
void find_conditions(Inspection &inspection);

} // namespace triage::predicates
