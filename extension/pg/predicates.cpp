#include "pg/predicates.h"

#include "pg/column_facts.h"
#include "pg/faults.h"
#include "pg/plan_conditions.h"
#include "pg/quiet_attempt.h"
#include "pg/redact.h"
#include "pg/store.h"

PG_HEADERS_BEGIN
#include "utils/rel.h"
PG_HEADERS_END

namespace triage::predicates {

namespace {

constexpr int most_loads = 3; // of what is not remembered, for one sample

bool needs_operator(const Condition &condition) {
    return OidIsValid(condition.opno) && column_facts::find_operator(condition.opno) == nullptr;
}

bool needs_column(const Condition &condition) {
    return column_facts::find_column(condition.scan->scan.relation, condition.attribute) == nullptr;
}

void load_what_is_missing(void *argument) {
    auto &inspection = *static_cast<Inspection *>(argument);
    faults::raise_at(faults::Point::schema_error);
    faults::raise_at(faults::Point::cancel);
    if (!column_facts::find_own_schema())
        column_facts::load_own_schema();
    for (int i = 0; i < inspection.conditions; i++) {
        const Condition &condition = inspection.condition[i];
        if (needs_operator(condition))
            column_facts::load_operator(condition.opno);
        if (needs_column(condition))
            column_facts::load_column(condition.scan->scan.relation, condition.attribute);
    }
}

bool is_missing(const Inspection &inspection) {
    bool missing = inspection.scans > 0 && !column_facts::find_own_schema();
    for (int i = 0; i < inspection.conditions && !missing; i++)
        missing = needs_operator(inspection.condition[i]) || needs_column(inspection.condition[i]);
    return missing;
}

// Sees to it that what the conditions need is remembered. False if not even the operators are,
// without which a condition cannot be told from another. What was read while the catalogs changed
// is forgotten at once, and on a busy server they change all the time: so it is read again.
bool prepare(Inspection &inspection) {
    for (int round = 0; round < most_loads && is_missing(inspection); round++) {
        if (!can_attempt_quietly()) {
            inspection.sample->outcome = Sample::Outcome::Unguarded;
            break;
        }
        if (!attempt_quietly(load_what_is_missing, &inspection)) {
            inspection.sample->outcome = Sample::Outcome::Failed;
            break;
        }
    }
    for (int i = 0; i < inspection.conditions; i++)
        if (needs_operator(inspection.condition[i]))
            return false;
    return true;
}

// What pg_triage does to its own tables is no workload.
void leave_out_own_tables(Sample &sample) {
    const Oid own = column_facts::find_own_schema().value_or(InvalidOid);
    for (SampledScan **link = &sample.scans; *link;) {
        const ::Relation relation =
            reinterpret_cast<const ScanState *>((*link)->state)->ss_currentRelation;
        if (relation->rd_rel->relnamespace == own)
            *link = (*link)->next;
        else
            link = &(*link)->next;
    }
}

} // namespace

void inspect(QueryDesc *query, Sample &sample) {
    Inspection inspection;
    inspection.query = query;
    inspection.sample = &sample;
    sample.label_epoch = store::label_epoch();
    find_conditions(inspection);
    if (!prepare(inspection)) {
        sample.scans = nullptr;
        return;
    }
    for (int i = 0; i < inspection.conditions; i++)
        redact(inspection.condition[i]);
    leave_out_own_tables(sample);
    for (SampledScan *scan = sample.scans; scan; scan = scan->next)
        sort_clauses(scan->scan);
}

} // namespace triage::predicates
