#include "pg/guc.h"

#include <climits>

#include "pg/faults.h"
#include "pg/pg.h"
#include "pg/process_priority.h"
#include "pg/sampler.h"

PG_HEADERS_BEGIN
#include "utils/guc.h"
PG_HEADERS_END

namespace triage::guc {

PG_TRIAGE_READ_MOSTLY bool enabled = true;
PG_TRIAGE_READ_MOSTLY double sample_rate = 0.02;
double sample_budget = 0.01;
int max_statements = 4096;
int memory_kb = 16 * 1024;
int min_shared_rows = 11;
int buffer_interval_ms = 1000;
int activity_interval_ms = 1000;
bool warm_on_start = false;
int warm_start_delay_ms = 1000;
int auto_index = static_cast<int>(AutoIndex::Recommend);
int storage_budget_mb = -1;
char *build_window = nullptr;
int lock_timeout_ms = 2000;
int wait_timeout_ms = 600 * 1000;
int verify_duration_s = 600;
double revert_threshold = 0.05;
int save_interval_s = 300;
int refresh_interval_s = 3600;
int priority = static_cast<int>(process_priority::Priority::Normal);

namespace {

const config_enum_entry auto_index_options[] = {
    {"off", static_cast<int>(AutoIndex::Off), false},
    {"recommend", static_cast<int>(AutoIndex::Recommend), false},
    {"create", static_cast<int>(AutoIndex::Create), false},
    {nullptr, 0, false}};

// "HH:MM-HH:MM", both ends on the same or on the next day; "auto"; empty means always.
bool check_build_window(char **value, void **, GucSource) {
    const char *text = *value;
    if (text == nullptr || *text == '\0' || pg_strcasecmp(text, auto_build_window) == 0)
        return true;
    int from_hour, from_minute, to_hour, to_minute, consumed = 0;
    if (sscanf(text, "%2d:%2d-%2d:%2d%n", &from_hour, &from_minute, &to_hour, &to_minute,
               &consumed) != 4 ||
        text[consumed] != '\0' || from_hour < 0 || from_hour > 23 || to_hour < 0 || to_hour > 23 ||
        from_minute < 0 || from_minute > 59 || to_minute < 0 || to_minute > 59) {
        GUC_check_errdetail("A build window is \"HH:MM-HH:MM\", \"auto\", or empty for always.");
        return false;
    }
    return true;
}

const config_enum_entry priority_options[] = {
    {"normal", static_cast<int>(process_priority::Priority::Normal), false},
    {"low", static_cast<int>(process_priority::Priority::Low), false},
    {"idle", static_cast<int>(process_priority::Priority::Idle), false},
    {nullptr, 0, false}};

// Refused only where somebody would believe that it worked: a role's setting is not for this
// session.
bool check_priority(int *value, void **, GucSource source) {
    if (source != PGC_S_SESSION ||
        process_priority::can_become(static_cast<process_priority::Priority>(*value)))
        return true;
    GUC_check_errcode(ERRCODE_INSUFFICIENT_PRIVILEGE);
    GUC_check_errmsg("the priority of a session cannot be raised again");
    GUC_check_errdetail("The operating system lets the server's processes lower theirs only.");
    GUC_check_errhint("Begin another session.");
    return false;
}

void assign_sample_rate(double, void *) {
    sampler::start_over();
}

void assign_priority(int value, void *) {
    process_priority::become(static_cast<process_priority::Priority>(value));
}

} // namespace

void define(bool preloading) {
    DefineCustomBoolVariable("pg_triage.enabled", "Samples statements and runs background work.",
                             nullptr, &enabled, true, PGC_SUSET, 0, nullptr, nullptr, nullptr);
    DefineCustomRealVariable(
        "pg_triage.sample_rate",
        "Share of executions whose plan is sampled, beyond the first ones of each statement.",
        nullptr, &sample_rate, 0.02, 0.0, 1.0, PGC_SUSET, 0, nullptr, assign_sample_rate, nullptr);
    DefineCustomRealVariable(
        "pg_triage.sample_budget", "Share of a session's time that looking at plans may take.",
        "1 is no limit.", &sample_budget, 0.01, 0.0, 1.0, PGC_SUSET, 0, nullptr, nullptr, nullptr);
    DefineCustomIntVariable(
        "pg_triage.min_shared_rows", "A value shared by fewer rows than this is never kept.",
        nullptr, &min_shared_rows, 11, 1, INT_MAX, PGC_SUSET, 0, nullptr, nullptr, nullptr);
    DefineCustomIntVariable("pg_triage.buffer_interval",
                            "Time between two looks at the buffer pool.", "Zero is never.",
                            &buffer_interval_ms, 1000, 0, 3600 * 1000, PGC_SIGHUP, GUC_UNIT_MS,
                            nullptr, nullptr, nullptr);
    DefineCustomIntVariable("pg_triage.activity_interval",
                            "Time between two looks at what sessions do.", "Zero is never.",
                            &activity_interval_ms, 1000, 0, 3600 * 1000, PGC_SIGHUP, GUC_UNIT_MS,
                            nullptr, nullptr, nullptr);
    DefineCustomBoolVariable(
        "pg_triage.warm_on_start", "Loads the working set of the last run when the server starts.",
        nullptr, &warm_on_start, false, PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
    DefineCustomEnumVariable("pg_triage.auto_index",
                             "Whether recommendations are refreshed, or even built, automatically.",
                             nullptr, &auto_index, static_cast<int>(AutoIndex::Recommend),
                             auto_index_options, PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
    DefineCustomIntVariable("pg_triage.storage_budget", "Space that recommended indexes may take.",
                            "-1 is no limit.", &storage_budget_mb, -1, -1, INT_MAX, PGC_SUSET,
                            GUC_UNIT_MB, nullptr, nullptr, nullptr);
    DefineCustomStringVariable(
        "pg_triage.build_window", "Time of day in which indexes may be built, as \"HH:MM-HH:MM\".",
        "\"auto\" is the quiet hours of the week; empty is always.", &build_window, "", PGC_SIGHUP,
        0, check_build_window, nullptr, nullptr);
    DefineCustomIntVariable("pg_triage.lock_timeout",
                            "Longest wait of a build for a lock, before it backs off and retries.",
                            nullptr, &lock_timeout_ms, 2000, 1, 3600 * 1000, PGC_SIGHUP,
                            GUC_UNIT_MS, nullptr, nullptr, nullptr);
    DefineCustomIntVariable(
        "pg_triage.wait_timeout", "Longest wait of a build for older transactions to end.",
        "Such a wait blocks no reader and no writer.", &wait_timeout_ms, 600 * 1000, 1000,
        24 * 3600 * 1000, PGC_SIGHUP, GUC_UNIT_MS, nullptr, nullptr, nullptr);
    DefineCustomIntVariable("pg_triage.verify_duration",
                            "How long a new index is watched before it is kept or reverted.",
                            nullptr, &verify_duration_s, 600, 1, 7 * 86400, PGC_SIGHUP, GUC_UNIT_S,
                            nullptr, nullptr, nullptr);
    DefineCustomRealVariable(
        "pg_triage.revert_threshold",
        "Smallest improvement of the affected statements' time for which a new index is kept.",
        nullptr, &revert_threshold, 0.05, 0.0, 1.0, PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
    DefineCustomIntVariable("pg_triage.save_interval",
                            "Time between two writes of the statistics file.",
                            "Zero writes it at shutdown only.", &save_interval_s, 300, 0, 86400,
                            PGC_SIGHUP, GUC_UNIT_S, nullptr, nullptr, nullptr);
    DefineCustomIntVariable("pg_triage.refresh_interval",
                            "Time between two automatic refreshes of the recommendations.", nullptr,
                            &refresh_interval_s, 3600, 10, 7 * 86400, PGC_SIGHUP, GUC_UNIT_S,
                            nullptr, nullptr, nullptr);
    DefineCustomEnumVariable(
        "pg_triage.priority", "How much of the processors this session gets beside others.",
        "For roles and databases whose work can wait, not for the whole server.", &priority,
        static_cast<int>(process_priority::Priority::Normal), priority_options, PGC_USERSET,
        GUC_DISALLOW_IN_FILE, check_priority, assign_priority, nullptr);
    if (preloading) {
        DefineCustomIntVariable("pg_triage.warm_start_delay",
                                "Longest time by which warming may delay the server's start.",
                                "Zero accepts connections at once.", &warm_start_delay_ms, 1000, 0,
                                60 * 1000, PGC_POSTMASTER, GUC_UNIT_MS, nullptr, nullptr, nullptr);
        DefineCustomIntVariable(
            "pg_triage.max_statements", "Number of statements whose statistics are kept.", nullptr,
            &max_statements, 4096, 64, 1024 * 1024, PGC_POSTMASTER, 0, nullptr, nullptr, nullptr);
        DefineCustomIntVariable("pg_triage.memory", "Shared memory of the extension, a hard bound.",
                                nullptr, &memory_kb, 16 * 1024, 1024, INT_MAX / 2, PGC_POSTMASTER,
                                GUC_UNIT_KB, nullptr, nullptr, nullptr);
    }
#ifdef PG_TRIAGE_FAULTS
    faults::define_setting();
#endif
    MarkGUCPrefixReserved("pg_triage");
}

} // namespace triage::guc
