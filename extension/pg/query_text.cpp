#include "pg/query_text.h"

#include "pg/compat.h"
#include "pg/error_position.h"
#include "pg/query_repair.h"
#include "pg/subtransaction.h"

PG_HEADERS_BEGIN
#include "catalog/pg_type_d.h"
#include "parser/analyze.h"
#include "parser/parse_node.h"
#include "parser/parse_param.h"
#include "parser/parse_type.h"
#include "parser/parser.h"
#include "rewrite/rewriteHandler.h"
#include "tcop/utility.h"
PG_HEADERS_END

namespace triage {
namespace {

// Types of parameters that are said rather than inferred.
struct ParameterTypes {
    Oid *types = nullptr;
    int count = 0;
};

ParameterTypes copy_of(const ParameterTypes &from) {
    ParameterTypes copy{nullptr, from.count};
    copy.types = static_cast<Oid *>(palloc(sizeof(Oid) * std::max(from.count, 1)));
    std::copy_n(from.types, from.count, copy.types);
    return copy;
}

void say(ParameterTypes *types, int number, Oid type) {
    if (number > types->count) {
        auto *grown = static_cast<Oid *>(palloc0(sizeof(Oid) * number));
        std::copy_n(types->types, types->count, grown);
        *types = {grown, number};
    }
    types->types[number - 1] = type;
}

bool is_unknown(Oid type) {
    return type == UNKNOWNOID;
}

// ---- One statement ------------------------------------------------------------------------------

Node *parse_single(const char *text) {
    List *statements = raw_parser(text, RAW_PARSE_DEFAULT);
    if (statements == NIL)
        ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("no statement given"),
                        errhint("Give one SELECT, INSERT, UPDATE, DELETE or MERGE statement.")));
    if (list_length(statements) > 1)
        ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("more than one statement given"),
                        errhint("Give each statement on its own.")));
    return linitial_node(RawStmt, statements)->stmt;
}

[[noreturn]] void reject(Node *statement) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("cannot plan %s", CreateCommandName(statement)),
                    IsA(statement, ExecuteStmt)
                        ? errhint("Give the text of the prepared statement.")
                        : errhint("Give one SELECT, INSERT, UPDATE, DELETE or MERGE statement.")));
    pg_unreachable();
}

ParameterTypes prepared_types(const PrepareStmt *prepare) {
    ParameterTypes result;
    ListCell *cell;
    int number = 0;
    foreach (cell, prepare->argtypes)
        say(&result, ++number, typenameTypeId(nullptr, lfirst_node(TypeName, cell)));
    return result;
}

// The statement inside those that only say what shall become of its rows.
Node *unwrap(Node *statement, ParameterTypes *types) {
    for (;;) {
        Node *inner = nullptr;
        switch (nodeTag(statement)) {
        case T_SelectStmt:
        case T_InsertStmt:
        case T_UpdateStmt:
        case T_DeleteStmt:
        case T_MergeStmt:
            return statement;
        case T_ExplainStmt:
            inner = castNode(ExplainStmt, statement)->query;
            break;
        case T_DeclareCursorStmt:
            inner = castNode(DeclareCursorStmt, statement)->query;
            break;
        case T_PrepareStmt:
            inner = castNode(PrepareStmt, statement)->query;
            *types = prepared_types(castNode(PrepareStmt, statement));
            break;
        case T_CreateTableAsStmt:
            inner = castNode(CreateTableAsStmt, statement)->query;
            break;
        case T_CopyStmt:
            inner = castNode(CopyStmt, statement)->query;
            break;
        default:
            break;
        }
        if (inner == nullptr)
            reject(statement);
        statement = inner;
    }
}

// ---- Analysis -----------------------------------------------------------------------------------

struct Analysed {
    Query *query;
    ParameterTypes types;
};

// As parse_analyze_varparams, but without the hooks: pg_stat_statements would take the statement
// for one that is about to run. Analysis scribbles on what the parser made, so it starts from the
// text.
void analyse(const char *text, const ParameterTypes &said, Analysed *result) {
    ParameterTypes declared;
    auto *raw = makeNode(RawStmt);
    raw->stmt = unwrap(parse_single(text), &declared);
    for (int i = 0; i < said.count; i++)
        if (OidIsValid(said.types[i]))
            say(&declared, i + 1, said.types[i]);
    result->types = copy_of(declared);
    ParseState *state = make_parsestate(nullptr);
    state->p_sourcetext = text;
    setup_parse_variable_parameters(state, &result->types.types, &result->types.count);
    Query *query = transformTopLevelStmt(state, raw);
    check_variable_parameters(state, query);
    free_parsestate(state);
    // SELECT INTO turned out to be CREATE TABLE AS.
    if (query->commandType == CMD_UTILITY && IsA(query->utilityStmt, CreateTableAsStmt))
        query = castNode(Query, castNode(CreateTableAsStmt, query->utilityStmt)->query);
    result->query = query;
}

bool comes_from_types(const ErrorData *error) {
    switch (error->sqlerrcode) {
    case ERRCODE_AMBIGUOUS_PARAMETER:
    case ERRCODE_INDETERMINATE_DATATYPE:
    case ERRCODE_AMBIGUOUS_FUNCTION:
    case ERRCODE_UNDEFINED_FUNCTION:
    case ERRCODE_DATATYPE_MISMATCH:
    case ERRCODE_CANNOT_COERCE:
        return true;
    default:
        return false;
    }
}

ParameterTypes with_unknown_as(const ParameterTypes &from, Oid type) {
    ParameterTypes result = copy_of(from);
    for (int i = 0; i < result.count; i++)
        if (is_unknown(result.types[i]))
            result.types[i] = type;
    return result;
}

// Finds out, error by error, what the types of a normalised text's literals may have been.
class TypeGuesses {
  public:
    explicit TypeGuesses(const RepairedText &repaired) : repaired_(repaired) {}

    const ParameterTypes &said() const { return said_; }

    // What to say after an attempt that came as far as `inferred`; false if nothing is left to try.
    bool learn(const ErrorData *error, const ParameterTypes &inferred) {
        if (error->sqlerrcode == ERRCODE_AMBIGUOUS_PARAMETER)
            return say_all(inferred, InvalidOid);
        // A parameter next to a sign is taken for a timestamp if the other side is one; more often
        // it is an interval.
        if (error->sqlerrcode != ERRCODE_AMBIGUOUS_FUNCTION && !guessed_intervals_) {
            guessed_intervals_ = true;
            for (int n = -1; (n = bms_next_member(repaired_.after_sign, n)) >= 0;)
                say(&said_, n, INTERVALOID);
            if (!bms_is_empty(repaired_.after_sign))
                return true;
        }
        return say_all(inferred, INT4OID) || say_all(inferred, TEXTOID);
    }

  private:
    // Says what was inferred where nothing was said, or only `guess` for what stayed unknown. False
    // if that says nothing new.
    bool say_all(const ParameterTypes &inferred, Oid guess) {
        bool news = false;
        for (int i = 0; i < inferred.count; i++) {
            bool unsaid = i >= said_.count || !OidIsValid(said_.types[i]);
            Oid type = inferred.types[i];
            if (OidIsValid(guess))
                type = is_unknown(type) ? guess : InvalidOid;
            if (unsaid && OidIsValid(type) && !is_unknown(type)) {
                say(&said_, i + 1, type);
                news = true;
            }
        }
        return news;
    }

    const RepairedText &repaired_;
    ParameterTypes said_;
    bool guessed_intervals_ = false;
};

// Each attempt in a subtransaction; the error shown is that of the first.
Analysed analyse_with_guesses(const RepairedText &repaired) {
    Analysed result{};
    ErrorData *first = nullptr;
    TypeGuesses guesses(repaired);
    for (;;) {
        CHECK_FOR_INTERRUPTS();
        ErrorData *error = attempt([&] { analyse(repaired.text, guesses.said(), &result); });
        if (error == nullptr)
            return result;
        if (first == nullptr)
            first = error;
        if (!comes_from_types(error) || !guesses.learn(error, result.types))
            ReThrowError(first);
    }
}

// Parameters whose type matters to nothing are text, as an unadorned string would be.
void settle_unknown(const RepairedText &repaired, Analysed *analysed) {
    ParameterTypes settled = with_unknown_as(analysed->types, TEXTOID);
    if (!std::equal(settled.types, settled.types + settled.count, analysed->types.types))
        analyse(repaired.text, settled, analysed);
}

Query *rewrite(Query *query) {
    List *rewritten = QueryRewrite(query);
    if (list_length(rewritten) != 1 || linitial_node(Query, rewritten)->commandType == CMD_UTILITY)
        ereport(ERROR,
                (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                 errmsg("rules rewrite the statement into %d statements", list_length(rewritten)),
                 errhint("Give the statements that the rules lead to, one by one.")));
    return linitial_node(Query, rewritten);
}

bool check_query(Node *node, void *context) {
    if (node == nullptr)
        return false;
    if (IsA(node, Query)) {
        auto *query = castNode(Query, node);
        check_range_table_privileges(query);
        return walk_query(query, check_query, context, 0);
    }
    return walk_expression(node, check_query, context);
}

} // namespace

PlannableQuery parse_query(const char *text, int list_elements) {
    ErrorContextCallback callback;
    enter_given_statement(&callback);
    RepairedText repaired = repair_query_text(text, list_elements);
    Analysed analysed{};
    if (repaired.has_parameters) {
        analysed = analyse_with_guesses(repaired);
        settle_unknown(repaired, &analysed);
    } else {
        analyse(repaired.text, {}, &analysed);
    }
    PlannableQuery result{.query = rewrite(analysed.query),
                          .parameters = analysed.types.count,
                          .parameter_types = analysed.types.types,
                          .text = repaired.text == text ? pstrdup(text) : repaired.text};
    leave_given_statement(&callback);
    return result;
}

void check_privileges(const Query *query) {
    check_query(reinterpret_cast<Node *>(const_cast<Query *>(query)), nullptr);
}

} // namespace triage
