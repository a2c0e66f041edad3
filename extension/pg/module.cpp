// Loading the library: settings first, then each room installs its own hooks.
#include "pg/pg.h"
#include "pg/guc.h"
#include "pg/launcher.h"
#include "pg/plan_analysis.h"

PG_HEADERS_BEGIN
PG_MODULE_MAGIC;
PGDLLEXPORT void _PG_init(void);
PG_HEADERS_END

void _PG_init(void) {
    const bool preloading = process_shared_preload_libraries_in_progress;
    triage::guc::define(preloading);
    triage::install_plan_analysis();
    if (preloading)
        triage::launcher::install();
}
