// Loading the library: settings first, then each room installs its own hooks.
#include "pg/pg.h"
#include "pg/activity_store.h"
#include "pg/activity_worker.h"
#include "pg/compat.h"
#include "pg/guc.h"
#include "pg/heat_store.h"
#include "pg/heat_worker.h"
#include "pg/labels.h"
#include "pg/launcher.h"
#include "pg/sampler.h"
#include "pg/store.h"
#include "pg/warm_start.h"

PG_HEADERS_BEGIN
PG_MODULE_MAGIC;
PGDLLEXPORT void _PG_init(void);
PG_HEADERS_END

void _PG_init(void) {
    const bool preloading = process_shared_preload_libraries_in_progress;
    triage::guc::define(preloading);
    triage::labels::register_provider();
    // pg_upgrade's own sessions are no workload, and its server wants no other ones.
    if (preloading && !IsBinaryUpgrade) {
        EnableQueryId();
        triage::launcher::install();
        triage::store::install_hooks();
        triage::sampler::install_hooks();
        triage::heat::install_store();
        triage::heat::install_worker();
        triage::activity::install_store();
        triage::activity::install_worker();
        triage::heat::warm_before_start();
    }
}
