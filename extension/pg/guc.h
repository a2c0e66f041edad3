// Every setting of the extension. Meaning, units and defaults: docs/settings.md.
#pragma once

// Not through the table of what other libraries may define: each execution reads some of them.
#pragma GCC visibility push(hidden)
namespace triage::guc {

enum class AutoIndex : int { Off, Recommend, Create };

extern bool enabled;       // sampling and background work; PGC_SUSET, switches off at once
extern double sample_rate; // 0..1, share of executions sampled beyond a statement's first ones
extern double
    sample_budget; // 0..1, share of a session's time that looking at plans may take; 1: no limit
extern int max_statements;       // slots of the statement store (postmaster start)
extern int memory_kb;            // all shared memory of the extension, kB (postmaster start)
extern int min_shared_rows;      // k of the privacy rule
extern int buffer_interval_ms;   // between two looks at the buffer pool, ms; 0 = never
extern int activity_interval_ms; // between two looks at all sessions, ms; 0 = never
extern bool warm_on_start;       // load the working set after a restart
extern int
    warm_start_delay_ms; // longest time by which that may delay the start, ms (postmaster start)
extern int auto_index;   // AutoIndex
extern int storage_budget_mb; // bytes that recommended indexes may take, MB; -1 = no limit
extern char *build_window;    // 'HH:MM-HH:MM' in the server's time zone, 'auto', or empty = always
extern int lock_timeout_ms;   // how long a build may wait for (and so block others on) a lock, ms
extern int wait_timeout_ms;   // how long a build may wait for older transactions to end, ms
extern int verify_duration_s; // how long a new index is watched before the verdict, s
extern double
    revert_threshold; // keep only if the affected statements' time fell by at least this, 0..1
extern int save_interval_s;    // between two writes of the statistics file, s; 0 = at shutdown only
extern int refresh_interval_s; // between two runs of the recommender when auto_index is on, s
extern int priority;           // of this session: process_priority::Priority

constexpr char auto_build_window[] = "auto"; // letters of either case

// Defines all settings; called from _PG_init. `preloading`: inside shared_preload_libraries.
void define(bool preloading);

} // namespace triage::guc
#pragma GCC visibility pop
