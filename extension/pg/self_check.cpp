// triage.sampler_checks(): what may be wrong with the sampler and its store, and how to mend it.
// The part of triage.self_check() that SQL cannot see; works without preloading, to say just that.
#include "core/slot_directory.h"
#include "pg/activity_store.h"
#include "pg/build_hours.h"
#include "pg/guard.h"
#include "pg/guc.h"
#include "pg/row_writer.h"
#include "pg/store.h"

PG_HEADERS_BEGIN
#include "utils/guc.h"
#include "utils/timestamp.h"
PG_FUNCTION_INFO_V1(pg_triage_sampler_checks);
PG_HEADERS_END

namespace triage {

namespace {

// The launcher looks after the store every second; much later than that it is not running.
constexpr long patience_ms = 60 * 1000;

class Checks {
  public:
    explicit Checks(FunctionCallInfo fcinfo) : rows_(fcinfo) {}

    void add(const char *check, bool ok, const std::string &detail, const char *hint) {
        rows_.add_text(check);
        rows_.add_bool(ok);
        rows_.add_text(detail);
        if (ok)
            rows_.add_null();
        else
            rows_.add_text(hint);
        rows_.end_row();
    }

  private:
    RowWriter rows_;
};

std::string setting(const char *name) {
    const char *value = call_server([name] { return GetConfigOption(name, true, false); });
    return value ? value : "";
}

std::string share(std::uint32_t used, std::uint32_t slots, const char *things) {
    return std::to_string(used) + " of " + std::to_string(slots) + " " + things;
}

std::string losses_of(std::initializer_list<std::pair<store::Loss, const char *>> kinds) {
    std::string text;
    for (const auto &[loss, name] : kinds)
        if (const std::uint64_t count = store::losses(loss))
            text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + name;
    return text;
}

std::string since(TimestampTz at) {
    return at == 0 ? "never"
                   : std::string("last ") + call_server([at] { return timestamptz_to_str(at); });
}

void check_settings(Checks &checks) {
    const std::string libraries = setting("shared_preload_libraries");
    checks.add("pg_stat_statements is preloaded",
               libraries.find("pg_stat_statements") != std::string::npos,
               "shared_preload_libraries = '" + libraries + "'",
               "Set shared_preload_libraries = 'pg_stat_statements,pg_triage' and restart the "
               "server: without it there are no statement texts to recommend from.");
    const std::string query_id = setting("compute_query_id");
    checks.add("compute_query_id", query_id != "off", query_id,
               "Set compute_query_id to auto or on; without it no statement is counted.");
    checks.add("sampling is on", guc::enabled && guc::sample_rate > 0,
               std::string("pg_triage.enabled = ") + (guc::enabled ? "on" : "off") +
                   ", pg_triage.sample_rate = " + setting("pg_triage.sample_rate"),
               "Set pg_triage.enabled = on and pg_triage.sample_rate above 0.");
}

void check_room(Checks &checks, const store::State &state) {
    const auto wanted = static_cast<std::uint32_t>(guc::max_statements);
    checks.add("memory", state.statement_slots + SlotDirectory::tags_a_line > wanted,
               share(state.statements, state.statement_slots, "statements") + ", " +
                   share(state.scans, state.scan_slots, "scans") + ", " +
                   share(state.plans, state.plan_slots, "plans") + " in " +
                   std::to_string(state.bytes / 1024) + " kB",
               "Raise pg_triage.memory or lower pg_triage.max_statements; both need a restart.");
    const std::string dropped = losses_of({{store::Loss::Statement, "executions of statements"},
                                           {store::Loss::Plan, "executions of plans"},
                                           {store::Loss::Scan, "scans"},
                                           {store::Loss::BigPlan, "scans of very large plans"},
                                           {store::Loss::Busy, "for a busy slot"}});
    checks.add("nothing was dropped", dropped.empty(), dropped.empty() ? "nothing" : dropped,
               "Some is normal where many different statements run; raise pg_triage.max_statements "
               "and pg_triage.memory if statements that matter are missing.");
    checks.add("evictions", true,
               std::to_string(store::losses(store::Loss::Evicted)) + " statements made room", "");
}

void check_failures(Checks &checks) {
    const std::string failed =
        losses_of({{store::Loss::Sample, "samples failed"},
                   {store::Loss::Unguarded, "samples without estimates"},
                   {store::Loss::Budget, "left out by pg_triage.sample_budget"}});
    checks.add(
        "samples succeed", store::losses(store::Loss::Sample) == 0, failed.empty() ? "all" : failed,
        "A sample fails when reading the catalogs raises an error; the statement itself goes "
        "on. Look for damaged catalogs or a lack of memory.");
}

void check_upkeep(Checks &checks, const store::State &state) {
    const bool alive =
        state.last_maintained != 0 &&
        !TimestampDifferenceExceeds(state.last_maintained, GetCurrentTimestamp(), patience_ms);
    checks.add("the launcher looks after the statistics", alive, since(state.last_maintained),
               "Raise max_worker_processes, or look in the server's log why the pg_triage launcher "
               "does not run.");
    checks.add("statistics file is written", !state.save_failed, since(state.last_saved),
               "Look in the server's log why pg_stat/pg_triage.stat cannot be written.");
    checks.add("statistics file was read", !state.file_set_aside,
               state.file_set_aside ? "it could not be used and was set aside" : "at startup",
               "Look in the server's log for the reason, and remove pg_stat/pg_triage.stat.bad.");
}

void check_activity(Checks &checks) {
    if (guc::activity_interval_ms == 0)
        return checks.add("sessions are looked at", true, "switched off", nullptr);
    const TimestampTz last = activity::last_look();
    const long patience = patience_ms + 2L * guc::activity_interval_ms;
    const bool alive = last != 0 && !TimestampDifferenceExceeds(last, GetCurrentTimestamp(),
                                                                static_cast<int>(patience));
    checks.add("sessions are looked at", alive, since(last),
               "Raise max_worker_processes, or look in the server's log why the pg_triage activity "
               "worker does not run.");
}

void check_build_window(Checks &checks) {
    const bool learns =
        pg_strcasecmp(setting("pg_triage.build_window").c_str(), guc::auto_build_window) != 0 ||
        (guc::enabled && guc::activity_interval_ms > 0);
    checks.add(
        "build window", learns, build_hours::in_force(),
        "Set pg_triage.activity_interval above 0 and pg_triage.enabled = on: without looks at "
        "sessions nothing is learnt of quiet hours.");
}

} // namespace

} // namespace triage

Datum pg_triage_sampler_checks(PG_FUNCTION_ARGS) {
    using namespace triage;
    return guard_sql([&] {
        Checks checks(fcinfo);
        checks.add("pg_triage is preloaded", store::available(),
                   store::available() ? "yes" : "no: nothing is sampled",
                   "Set shared_preload_libraries = 'pg_stat_statements,pg_triage' and restart the "
                   "server.");
        check_settings(checks);
        if (store::available()) {
            const store::State state = store::state();
            check_room(checks, state);
            check_failures(checks);
            check_upkeep(checks, state);
            check_activity(checks);
            check_build_window(checks);
        }
        return Datum{0};
    });
}
