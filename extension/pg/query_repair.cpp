#include "pg/query_repair.h"

PG_HEADERS_BEGIN
#include "common/keywords.h"
#include "common/kwlookup.h"
#include "lib/stringinfo.h"
#include "parser/scanner.h"
PG_HEADERS_END

#include <algorithm>
#include <string_view>

namespace triage {
namespace {

// Token codes that scanner.h promises; a character is its own code, a keyword has its code in
// ScanKeywordTokens.
enum : int { Identifier = 258, IntegerLiteral = 266, Parameter = 267 };

struct Token {
    int code;
    int start; // byte offset
};

struct Tokens {
    Token *items;
    int count;
    int parameters; // highest n of $n

    int code(int place) const { return place < count ? items[place].code : 0; }
};

Tokens scan(const char *text, RepairedText *result) {
    core_yy_extra_type extra;
    core_yyscan_t scanner = scanner_init(text, &extra, &ScanKeywords, ScanKeywordTokens);
    extra.escape_string_warning = false;
    int capacity = 64;
    Tokens tokens{static_cast<Token *>(palloc(sizeof(Token) * capacity)), 0, 0};
    core_YYSTYPE value;
    YYLTYPE start;
    int previous = 0;
    while (int code = core_yylex(&value, &start, scanner)) {
        if (tokens.count == capacity) {
            capacity *= 2;
            tokens.items =
                static_cast<Token *>(repalloc_huge(tokens.items, sizeof(Token) * capacity));
        }
        tokens.items[tokens.count++] = {code, start};
        if (code == Parameter) {
            result->has_parameters = true;
            tokens.parameters = std::max(tokens.parameters, value.ival);
            if (previous == '+' || previous == '-')
                result->after_sign = bms_add_member(result->after_sign, value.ival);
        }
        previous = code;
    }
    scanner_finish(scanner);
    return tokens;
}

int keyword(const char *name) {
    int number = ScanKeywordLookup(name, &ScanKeywords);
    return number < 0 ? -1 : ScanKeywordTokens[number];
}

// Recognises the type names that may stand before a literal.
class TypeNames {
  public:
    // The place behind a type name that begins at `place`; `place` itself if none does.
    int end(const Tokens &tokens, int place) const {
        int code = tokens.code(place);
        if (code == Identifier) {
            int next = place + 1;
            while (tokens.code(next) == '.' && tokens.code(next + 1) == Identifier)
                next += 2;
            return after_modifier(tokens, next);
        }
        if (code == timestamp_ || code == time_) {
            int next = after_modifier(tokens, place + 1);
            bool zoned = (tokens.code(next) == with_ || tokens.code(next) == without_) &&
                         tokens.code(next + 1) == time_ && tokens.code(next + 2) == zone_;
            return zoned ? next + 3 : next;
        }
        if (code == double_)
            return tokens.code(place + 1) == precision_ ? place + 2 : place;
        for (int simple : simple_)
            if (code == simple) {
                int next = place + (tokens.code(place + 1) == varying_ ? 2 : 1);
                return after_modifier(tokens, next);
            }
        return place;
    }

  private:
    static int after_modifier(const Tokens &tokens, int place) {
        if (tokens.code(place) != '(')
            return place;
        int next = place + 1;
        while (tokens.code(next) == IntegerLiteral || tokens.code(next) == ',')
            next++;
        return next > place + 1 && tokens.code(next) == ')' ? next + 1 : place;
    }

    int timestamp_ = keyword("timestamp"), time_ = keyword("time"), zone_ = keyword("zone"),
        with_ = keyword("with"), without_ = keyword("without"), double_ = keyword("double"),
        precision_ = keyword("precision"), varying_ = keyword("varying");
    // Keywords that are types by themselves, some with VARYING or a modifier behind them.
    int simple_[19] = {
        keyword("interval"),  keyword("text"),     keyword("name"),    keyword("json"),
        keyword("boolean"),   keyword("smallint"), keyword("int"),     keyword("integer"),
        keyword("bigint"),    keyword("real"),     keyword("float"),   keyword("numeric"),
        keyword("decimal"),   keyword("dec"),      keyword("varchar"), keyword("char"),
        keyword("character"), keyword("nchar"),    keyword("bit")};
};

int end_of_parameter(const char *text, int start) {
    int end = start + 1;
    while (text[end] >= '0' && text[end] <= '9')
        end++;
    return end;
}

// Whether the list that a parameter begins was longer once: its rest stands as a comment, which the
// lexer leaves out.
bool is_cut_list(const Tokens &tokens, int place, const char *text) {
    static constexpr std::string_view rest = "/*, ... */";
    if (tokens.code(place) != Parameter || tokens.code(place + 1) != ')')
        return false;
    const int end = end_of_parameter(text, tokens.items[place].start);
    const std::string_view between(text + end, tokens.items[place + 1].start - end);
    return between.find(rest) != std::string_view::npos;
}

} // namespace

RepairedText repair_query_text(const char *text, int list_elements) {
    RepairedText result{.text = text};
    Tokens tokens = scan(text, &result);
    if (!result.has_parameters)
        return result;

    TypeNames types;
    StringInfoData repaired;
    initStringInfo(&repaired);
    int copied = 0;
    for (int place = 0; place < tokens.count; place++) {
        if (is_cut_list(tokens, place, text)) {
            const int list_end = end_of_parameter(text, tokens.items[place].start);
            appendBinaryStringInfo(&repaired, text + copied, list_end - copied);
            for (int i = 1; i < list_elements; i++)
                appendStringInfo(&repaired, ", $%d", ++tokens.parameters);
            copied = list_end;
            continue;
        }
        int end = types.end(tokens, place);
        if (end == place || tokens.code(end) != Parameter)
            continue;
        int type_start = tokens.items[place].start, parameter_start = tokens.items[end].start;
        int parameter_end = end_of_parameter(text, parameter_start);
        appendBinaryStringInfo(&repaired, text + copied, type_start - copied);
        appendBinaryStringInfo(&repaired, text + parameter_start, parameter_end - parameter_start);
        appendStringInfoString(&repaired, "::");
        appendBinaryStringInfo(&repaired, text + type_start, parameter_start - type_start);
        copied = parameter_end;
        place = end;
    }
    if (copied > 0) {
        appendStringInfoString(&repaired, text + copied);
        result.text = repaired.data;
    }
    return result;
}

} // namespace triage
