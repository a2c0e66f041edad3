// The hot path: counts every statement that the executor runs and, for a sampled one, what its plan
// did.
//
// Counted is what ExecutorEnd sees, each under its own queryid: statements at top level and nested
// in functions and triggers alike, a cursor once with all its fetches, a prepared statement like
// any other. Not counted: what failed, utility statements themselves, EXPLAIN without ANALYZE, and
// parallel workers (their work is in their leader's plan).
#pragma once

namespace triage::sampler {

// Installs the executor hooks; only while preloading.
void install_hooks();

// To be called where pg_triage.sample_rate changed: which executions are sampled is decided anew.
void start_over();

} // namespace triage::sampler
