#include "pg/index_ddl.h"

#include "pg/guard.h"

PG_HEADERS_BEGIN
#include "mb/pg_wchar.h"
#include "utils/lsyscache.h"
PG_HEADERS_END

namespace triage {
namespace {

constexpr std::size_t longest_name = NAMEDATALEN - 1;

bool is_word(unsigned char c) {
    return c >= 0x80 || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

void append_word(std::string &name, const std::string &word) {
    if (word.empty())
        return;
    if (!name.empty() && name.back() != '_')
        name += '_';
    name += word;
}

// Condition or expression as words: names, literals and what tells comparisons apart; without
// casts, and in lower case, so that SQL's key words do not make the name need quotes.
std::string words(const std::string &sql) {
    static constexpr std::pair<std::string_view, const char *> operators[] = {
        {"<>", "not"}, {"<=", "le"}, {">=", "ge"}, {"<", "lt"}, {">", "gt"}};
    std::string result, word;
    auto flush = [&] {
        append_word(result, word);
        word.clear();
    };
    for (std::size_t i = 0; i < sql.size();) {
        if (is_word(static_cast<unsigned char>(sql[i]))) {
            word += static_cast<char>(pg_ascii_tolower(static_cast<unsigned char>(sql[i++])));
            continue;
        }
        flush();
        if (sql.compare(i, 2, "::") == 0) {
            i += 2;
            while (i < sql.size() && (is_word(static_cast<unsigned char>(sql[i])) ||
                                      sql[i] == '.' || sql[i] == '"' || sql[i] == '['))
                i++;
            continue;
        }
        auto found = std::find_if(std::begin(operators), std::end(operators), [&](const auto &op) {
            return sql.compare(i, op.first.size(), op.first) == 0;
        });
        if (found != std::end(operators)) {
            append_word(result, found->second);
            i += found->first.size();
        } else {
            i++;
        }
    }
    flush();
    return result;
}

std::string column(const Relation &relation, AttributeNumber number) {
    for (const Attribute &attribute : relation.attributes)
        if (attribute.number == number)
            return attribute.name;
    return "column" + std::to_string(number);
}

std::string describe(const IndexDefinition &definition, const Relation &relation,
                     const std::string &table) {
    std::string name = table;
    for (const KeyColumn &key : definition.keys) {
        append_word(name, key.key.attribute != 0 ? column(relation, key.key.attribute)
                                                 : words(key.key.expression));
        if (key.descending)
            append_word(name, "desc");
        if (key.nulls_first != key.descending)
            append_word(name, key.nulls_first ? "nulls_first" : "nulls_last");
        if (!key.opclass.empty())
            append_word(name, words(key.opclass.substr(key.opclass.rfind('.') + 1)));
    }
    if (!definition.include.empty())
        append_word(name, "with");
    for (AttributeNumber included : definition.include)
        append_word(name, column(relation, included));
    if (!definition.predicate.empty())
        append_word(name, "where");
    for (const std::string &condition : definition.predicate)
        append_word(name, words(condition));
    return name;
}

// FNV-1a over everything that makes the definition, so that equal cut names differ.
std::string short_hash(const IndexDefinition &definition) {
    std::uint32_t hash = 2166136261u;
    auto add = [&](std::string_view bytes) {
        for (unsigned char c : bytes)
            hash = (hash ^ c) * 16777619u;
        hash = (hash ^ 0xff) * 16777619u;
    };
    for (const KeyColumn &key : definition.keys) {
        add(std::to_string(key.key.attribute));
        add(key.key.expression);
        add(key.descending ? "d" : "a");
        add(key.nulls_first ? "f" : "l");
        add(key.opclass);
        add(std::to_string(key.collation));
    }
    add("include");
    for (AttributeNumber included : definition.include)
        add(std::to_string(included));
    add("where");
    for (const std::string &condition : definition.predicate)
        add(condition);
    char text[9];
    snprintf(text, sizeof text, "%06x", hash & 0xffffff);
    return text;
}

std::string cut(const std::string &name, std::size_t bytes) {
    if (name.size() <= bytes)
        return name;
    int length = call_server([&] {
        return pg_mbcliplen(name.c_str(), static_cast<int>(name.size()), static_cast<int>(bytes));
    });
    return name.substr(0, length);
}

} // namespace

std::string index_name(const IndexDefinition &definition, const Relation &relation) {
    const char *table = call_server([&] { return get_rel_name(definition.relation); });
    Oid schema = call_server([&] { return get_rel_namespace(definition.relation); });
    std::string name = describe(definition, relation, table ? table : "index");
    std::string ending = "_idx";
    if (name.size() + ending.size() > longest_name)
        ending = "_" + short_hash(definition) + ending;
    for (int number = 0;; number++) {
        std::string last = ending + (number ? std::to_string(number) : "");
        std::string candidate = cut(name, longest_name - last.size()) + last;
        if (!call_server([&] { return OidIsValid(get_relname_relid(candidate.c_str(), schema)); }))
            return candidate;
    }
}

} // namespace triage
