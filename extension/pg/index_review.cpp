#include "pg/index_review.h"

#include "pg/index_ddl.h"
#include "pg/index_pricing.h"
#include "pg/relation_facts.h"
#include "pg/subtransaction.h"

PG_HEADERS_BEGIN
#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_class.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"
PG_HEADERS_END

namespace triage {

namespace {

class OwnersRights {
  public:
    explicit OwnersRights(Oid owner) {
        GetUserIdAndSecContext(&user_, &context_);
        SetUserIdAndSecContext(owner, context_ | SECURITY_RESTRICTED_OPERATION);
    }
    ~OwnersRights() { SetUserIdAndSecContext(user_, context_); }
    OwnersRights(const OwnersRights &) = delete;
    OwnersRights &operator=(const OwnersRights &) = delete;

  private:
    Oid user_;
    int context_;
};

Oid owner_of(Oid relation) {
    return call_server([relation] {
        HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
        if (!HeapTupleIsValid(tuple))
            elog(ERROR, "cache lookup failed for relation %u", relation);
        const Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
        ReleaseSysCache(tuple);
        return owner;
    });
}

std::string name_of(Oid index) {
    const char *name = call_server([index] { return get_rel_name(index); });
    return name ? name : "";
}

// A valid index of the table that is the same but for name and storage.
Oid find_equal_index(const IndexRequest &wanted) {
    struct Found {
        Oid *oids;
        char **definitions;
        int count;
    };
    const Oid relation = wanted.relation;
    const Found found = call_server([relation]() -> Found {
        ::Relation table = relation_open(relation, AccessShareLock);
        List *indexes = RelationGetIndexList(table);
        const auto room = static_cast<Size>(list_length(indexes) + 1);
        Found result = {static_cast<Oid *>(palloc(sizeof(Oid) * room)),
                        static_cast<char **>(palloc(sizeof(char *) * room)), 0};
        ListCell *cell;
        foreach (cell, indexes) {
            ::Relation index = relation_open(lfirst_oid(cell), AccessShareLock);
            // An exclusion constraint's index has no CREATE INDEX.
            if (index->rd_index->indisvalid && !index->rd_index->indisexclusion) {
                result.oids[result.count] = lfirst_oid(cell);
                result.definitions[result.count++] = pg_get_indexdef_string(lfirst_oid(cell));
            }
            relation_close(index, AccessShareLock);
        }
        relation_close(table, NoLock);
        return result;
    });
    for (int i = 0; i < found.count; i++) {
        const std::string identity = read_index_request(found.definitions[i]).identity;
        if (identity == wanted.identity || identity == "UNIQUE " + wanted.identity)
            return found.oids[i];
    }
    return InvalidOid;
}

// Other methods, and GIN and BRIN indexes with parameters of their own, cannot be judged; they are
// compared by their text alone.
std::optional<IndexStatement> read_statement(const IndexRequest &request) {
    std::optional<IndexStatement> statement;
    const std::string ddl = ddl_of(request, "wanted");
    if (request.body.starts_with("USING btree "))
        statement = parse_index_statement(ddl.c_str());
    else if (request.body.starts_with("USING gin ") || request.body.starts_with("USING brin "))
        survive([&] { statement = parse_index_statement(ddl.c_str()); });
    return statement;
}

// How many keys a value of a GIN index has, only its rows tell.
constexpr int rows_for_keys = 3000;

} // namespace

IndexReview review(const IndexRequest &wanted) {
    const OwnersRights rights(owner_of(wanted.relation));
    IndexReview review;
    if (const Oid equal = find_equal_index(wanted); OidIsValid(equal)) {
        review.served_by = name_of(equal);
        return review;
    }
    const std::optional<IndexStatement> judged = read_statement(wanted);
    if (!judged)
        return review;
    const IndexStatement &statement = *judged;
    const Relation relation = read_relation(wanted.relation);
    for (const ExistingIndex &existing : relation.indexes)
        if (existing.valid && serves(existing.definition, statement.definition)) {
            review.served_by = name_of(existing.id);
            return review;
        }
    std::optional<RowSample> sample;
    if (statement.definition.method == IndexMethod::Gin)
        sample.emplace(wanted.relation, rows_for_keys);
    IndexEstimate estimate =
        estimate_index(statement.definition, relation, sample ? &*sample : nullptr);
    estimate.input.fill_factor = statement.fill_factor;
    estimate.input.deduplicate &= statement.deduplicate;
    review.size_bytes = static_cast<std::int64_t>(size_of(estimate).bytes);
    return review;
}

} // namespace triage
