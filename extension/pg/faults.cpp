#include "pg/faults.h"

#ifdef PG_TRIAGE_FAULTS

PG_HEADERS_BEGIN
#include "miscadmin.h"
#include "utils/guc.h"
PG_HEADERS_END

namespace triage::faults {

namespace {

int chosen = static_cast<int>(Point::none);

const config_enum_entry options[] = {
#define POINT(name) {#name, static_cast<int>(Point::name), false},
    PG_TRIAGE_FAULT_POINTS(POINT)
#undef POINT
        {nullptr, 0, false}};

} // namespace

void define_setting() {
    DefineCustomEnumVariable("pg_triage.fault", "The point at which pg_triage is made to fail.",
                             nullptr, &chosen, static_cast<int>(Point::none), options, PGC_SUSET,
                             GUC_NOT_IN_SAMPLE, nullptr, nullptr, nullptr);
}

bool hits(Point point) noexcept {
    return chosen == static_cast<int>(point);
}

void raise_at(Point point) {
    if (!hits(point))
        return;
    if (point == Point::cancel) {
        InterruptPending = true;
        QueryCancelPending = true;
        CHECK_FOR_INTERRUPTS();
    }
    ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory, on demand")));
}

} // namespace triage::faults

#endif
