// Failures on demand, for the test that no user's statement notices one (regress/t/024_faults.pl).
// Built in by `make FAULTS=1` only, where the setting pg_triage.fault names the point that fails;
// otherwise nothing of it is left in the code.
#pragma once

#include "pg/pg.h"

namespace triage::faults {

#define PG_TRIAGE_FAULT_POINTS(POINT)                                                              \
    POINT(none)                                                                                    \
    POINT(statement_full)      /* no slot for the statement */                                     \
    POINT(statement_busy)      /* its slot is being filled */                                      \
    POINT(plan_full)           /* no slot for the plan */                                          \
    POINT(scan_full)           /* no slot for a scan */                                            \
    POINT(scan_busy)           /* another backend writes the scan's slot */                        \
    POINT(total_out_of_memory) /* for time and rows of the statement */                            \
    POINT(sample_out_of_memory)                                                                    \
    POINT(scan_out_of_memory)                                                                      \
    POINT(schema_error)     /* reading the catalogs: nothing held */                               \
    POINT(operator_error)   /* in the middle of them */                                            \
    POINT(column_error)     /* with a relation open */                                             \
    POINT(statistics_error) /* with a catalog's tuple held and memory half filled */               \
    POINT(cancel)           /* of the user's statement, while it is sampled */

enum class Point : int {
#define POINT(name) name,
    PG_TRIAGE_FAULT_POINTS(POINT)
#undef POINT
};

#ifdef PG_TRIAGE_FAULTS
void define_setting();
bool hits(Point point) noexcept;
// Raises an error there: out of memory, or a cancel.
void raise_at(Point point);
#else
constexpr bool hits(Point) noexcept {
    return false;
}
constexpr void raise_at(Point) noexcept {}
#endif

} // namespace triage::faults
