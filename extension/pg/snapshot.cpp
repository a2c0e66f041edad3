#include "pg/snapshot.h"

#include "pg/as_role.h"
#include "pg/guard.h"
#include "pg/foreign_keys.h"
#include "pg/observed_names.h"
#include "pg/observed_statements.h"
#include "pg/parameter_profiles.h"
#include "pg/query_access.h"
#include "pg/relation_facts.h"
#include "pg/scoped_memory.h"
#include "pg/store.h"
#include "pg/subtransaction.h"

PG_HEADERS_BEGIN
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/memutils.h"
PG_HEADERS_END

namespace triage {
namespace {

// A statement that ran only once or twice, such as a load or a migration, is none that an index has
// to be kept up to date for.
constexpr double fewest_calls_of_a_writer = 3;
// Of the updates to a table of which nobody knows better.
constexpr double usual_hot_share = 0.5;

// Rows written to a relation in the observed time.
struct Writes {
    double inserted = 0, updated = 0, deleted = 0;
};

enum class Source {
    Observed, // whoever may see a statement's text may see what it costs
    Given     // the caller's privileges count, as if the statement were executed
};

class Builder {
  public:
    Builder(const std::vector<store::ScanStats> &scans, Source source)
        : profiles_(scans), source_(source) {}

    // Throws what is wrong with the statement, having added nothing.
    void add(const ObservedStatement &observed) {
        AsRole role(observed.role);
        const int elements = profiles_.list_elements(observed.queryid);
        PlannableQuery plannable =
            call_server([&, elements] { return parse_query(observed.text.c_str(), elements); });
        if (source_ == Source::Given)
            call_server([&] { check_privileges(plannable.query); });
        // What follows plans the statement a few times; only the values are kept.
        ScopedMemory scratch("pg_triage analysis of a statement");
        ParameterUses uses = call_server([&] { return find_parameter_uses(plannable.query); });
        std::vector<Prepared> variants;
        for (StatementVariant &variant : profiles_.variants(observed.queryid, uses)) {
            for (WantedValue &wanted : variant.wanted)
                wanted.rows = observed.rows_per_call;
            variants.push_back(prepare(observed, plannable.query, uses, variant, scratch.outer()));
        }
        note_writes(observed, variants.front().access);
        add_foreign_key_checks(observed, variants.front().access, scratch.outer());
        if (variants.front().access.accesses.empty()) {
            if (variants.front().access.target == 0)
                skip("reads no table of a user");
            return;
        }
        for (Prepared &variant : variants) {
            snapshot_.workload.statements.push_back(std::move(variant.statement));
            snapshot_.plannable.push_back(plannable);
            snapshot_.parameters.push_back(variant.parameters);
            snapshot_.roles.push_back(observed.role);
            snapshot_.checks_for.push_back(0);
        }
    }

    void skip(const std::string &reason, std::uint64_t statements = 1) {
        if (statements > 0)
            snapshot_.skipped[reason] += statements;
    }

    Snapshot finish() {
        read_relations();
        return std::move(snapshot_);
    }

  private:
    struct Prepared {
        Statement statement;
        PlanningParameters parameters;
        QueryAccess access;
    };

    Prepared prepare(const ObservedStatement &observed, const Query *query,
                     const ParameterUses &uses, const StatementVariant &variant,
                     MemoryContext lasting) {
        Prepared result;
        const WantedValue *wanted = variant.wanted.data();
        BoundParameters bound = call_server([&] { return bind_parameters(uses, wanted); });
        result.parameters = call_server([&] {
            MemoryContext scratch = MemoryContextSwitchTo(lasting);
            PlanningParameters copy{copyParamList(bound.planning.custom),
                                    copyParamList(bound.planning.generic)};
            MemoryContextSwitchTo(scratch);
            return copy;
        });
        result.access =
            read_query_access(query, bound, uses, wanted,
                              source_ == Source::Observed ? Literals::Observed : Literals::Given);
        result.statement = {.queryid = observed.queryid ? observed.queryid
                                                        : static_cast<std::int64_t>(query->queryId),
                            .calls = observed.calls * variant.share,
                            .mean_ms = observed.mean_ms,
                            .generic_share = observed.generic_share,
                            .accesses = result.access.accesses};
        return result;
    }

    void note_writes(const ObservedStatement &observed, const QueryAccess &access) {
        if (access.target == 0 || observed.calls < fewest_calls_of_a_writer)
            return;
        double rows = observed.rows_per_call >= 0 ? observed.rows_per_call : access.rows_written;
        Writes &writes = writes_[access.target];
        switch (access.command) {
        case CMD_INSERT:
            writes.inserted += observed.calls * rows;
            break;
        case CMD_DELETE:
            writes.deleted += observed.calls * rows;
            break;
        default:
            writes.updated += observed.calls * rows;
        }
    }

    // As often as the statement deletes a row, or changes one that others refer to. For who gave
    // the text, only of tables that he may read: what the checks cost would tell of them.
    void add_foreign_key_checks(const ObservedStatement &observed, const QueryAccess &access,
                                MemoryContext lasting) {
        if (access.target == 0 || (access.command != CMD_DELETE && access.command != CMD_UPDATE))
            return;
        std::vector<AttributeNumber> changed;
        for (const RelationAccess &part : access.accesses)
            if (part.is_target && access.command == CMD_UPDATE)
                changed = part.columns_written;
        if (access.command == CMD_UPDATE && changed.empty())
            return;
        const double rows =
            observed.rows_per_call >= 0 ? observed.rows_per_call : access.rows_written;
        for (const ForeignKeyCheck &check : unindexed_checks(access.target, changed)) {
            if (source_ == Source::Given && !call_server([&] {
                    return pg_class_aclcheck(check.referencing, GetUserId(), ACL_SELECT) ==
                           ACLCHECK_OK;
                }))
                continue;
            ObservedStatement made;
            made.queryid = observed.queryid;
            made.role = check.owner;
            made.text = check.text;
            made.calls = observed.calls * rows;
            AsRole role(made.role);
            PlannableQuery plannable = call_server([&] {
                MemoryContext caller = MemoryContextSwitchTo(lasting);
                PlannableQuery parsed = parse_query(pstrdup(made.text.c_str()));
                MemoryContextSwitchTo(caller);
                return parsed;
            });
            ParameterUses uses = call_server([&] { return find_parameter_uses(plannable.query); });
            StatementVariant variant;
            variant.wanted.resize(static_cast<std::size_t>(uses.count));
            Prepared prepared = prepare(made, plannable.query, uses, variant, lasting);
            snapshot_.workload.statements.push_back(std::move(prepared.statement));
            snapshot_.plannable.push_back(plannable);
            snapshot_.parameters.push_back(prepared.parameters);
            snapshot_.roles.push_back(made.role);
            snapshot_.checks_for.push_back(access.target);
        }
    }

    void read_relations() {
        std::set<RelationId> ids;
        for (const Statement &statement : snapshot_.workload.statements)
            for (const RelationAccess &access : statement.accesses)
                ids.insert(access.relation);
        for (RelationId id : ids) {
            Relation relation = read_relation(id);
            // The server's counters go back further than the workload; from them comes only which
            // share of the updates was HOT.
            double hot =
                relation.updated > 0 ? relation.hot_updated / relation.updated : usual_hot_share;
            const Writes &writes = writes_[id];
            relation.inserted = writes.inserted;
            relation.updated = writes.updated;
            relation.hot_updated = writes.updated * std::min(hot, 1.0);
            relation.deleted = writes.deleted;
            snapshot_.workload.relations.push_back(std::move(relation));
        }
    }

    ParameterProfiles profiles_;
    Source source_;
    Snapshot snapshot_;
    std::map<RelationId, Writes> writes_;
};

// An error's class tells why; its message might hold a value.
std::string reason_of(const SurvivedError &error) {
    switch (error.sqlstate) {
    case ERRCODE_FEATURE_NOT_SUPPORTED:
        return "cannot be planned";
    case ERRCODE_INSUFFICIENT_PRIVILEGE:
        return "permission denied";
    case ERRCODE_UNDEFINED_TABLE:
    case ERRCODE_UNDEFINED_COLUMN:
    case ERRCODE_UNDEFINED_FUNCTION:
    case ERRCODE_UNDEFINED_OBJECT:
    case ERRCODE_UNDEFINED_SCHEMA:
        return "names what does not exist here";
    case ERRCODE_SYNTAX_ERROR: // a utility statement, where pg_stat_statements put $1 for a
                               // constant
        return "not a query, or cut off";
    case ERRCODE_INDETERMINATE_DATATYPE:
    case ERRCODE_AMBIGUOUS_PARAMETER:
        return "the type of a parameter is not known";
    default:
        return std::string("cannot be planned (SQLSTATE ") + unpack_sql_state(error.sqlstate) + ")";
    }
}

} // namespace

Snapshot take_snapshot() {
    ObservedStatements observed = read_observed_statements();
    std::vector<store::ScanStats> scans;
    if (store::available())
        scans = store::read_scans(MyDatabaseId);
    ObservedNames names(observed.statements, scans);
    Builder builder(scans, Source::Observed);
    for (const ObservedStatement &statement : observed.statements) {
        call_server([] { CHECK_FOR_INTERRUPTS(); });
        if (auto error = survive(
                [&] { names.with_names_of(statement.queryid, [&] { builder.add(statement); }); }))
            builder.skip(reason_of(*error));
    }
    builder.skip("text not visible to this user", observed.hidden);
    builder.skip("too cheap to count", observed.left_out);
    Snapshot snapshot = builder.finish();
    snapshot.sampled = true;
    snapshot.texts = observed.statements.size();
    return snapshot;
}

Snapshot take_snapshot(const std::vector<std::string> &texts) {
    ObservedStatements given = observe_texts(texts);
    Builder builder({}, Source::Given);
    for (const ObservedStatement &statement : given.statements) {
        call_server([] { CHECK_FOR_INTERRUPTS(); });
        builder.add(statement);
    }
    Snapshot snapshot = builder.finish();
    snapshot.texts = given.statements.size();
    return snapshot;
}

} // namespace triage
