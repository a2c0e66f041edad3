#include "emit/index_ddl.h"

#include "render/units.h"

#include <cctype>
#include <string_view>
#include <vector>

namespace triage::advisor {

namespace {

class Scanner {
  public:
    explicit Scanner(std::string_view text) : rest_(text) {}

    // A keyword in any case; nothing is taken if another word comes.
    bool keyword(std::string_view expected) {
        skip_space();
        if (rest_.size() < expected.size())
            return false;
        for (std::size_t i = 0; i < expected.size(); i++)
            if (std::toupper(static_cast<unsigned char>(rest_[i])) != expected[i])
                return false;
        if (rest_.size() > expected.size() && is_word(rest_[expected.size()]))
            return false;
        rest_.remove_prefix(expected.size());
        return true;
    }

    std::string name() {
        skip_space();
        std::size_t end = 0;
        if (rest_.starts_with('"')) {
            for (end = 1; end < rest_.size(); end++)
                if (rest_[end] == '"' && (++end >= rest_.size() || rest_[end] != '"'))
                    break;
        } else {
            while (end < rest_.size() && is_word(rest_[end]))
                end++;
        }
        const std::string name(rest_.substr(0, end));
        rest_.remove_prefix(end);
        return name;
    }

    std::string rest() {
        skip_space();
        std::string_view text = rest_;
        while (!text.empty() && (is_space(text.back()) || text.back() == ';'))
            text.remove_suffix(1);
        return std::string(text);
    }

  private:
    static bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)); }
    static bool is_word(char c) {
        const auto byte = static_cast<unsigned char>(c);
        return std::isalnum(byte) || c == '_' || c == '$' || byte >= 0x80;
    }
    void skip_space() {
        while (!rest_.empty() && is_space(rest_.front()))
            rest_.remove_prefix(1);
    }

    std::string_view rest_;
};

} // namespace

std::optional<IndexDdl> parse_create_index(const std::string &ddl) {
    Scanner scanner(ddl);
    IndexDdl parts;
    if (!scanner.keyword("CREATE"))
        return std::nullopt;
    const bool unique = scanner.keyword("UNIQUE");
    if (!scanner.keyword("INDEX") || !scanner.keyword("CONCURRENTLY"))
        return std::nullopt;
    if (scanner.keyword("IF") && !(scanner.keyword("NOT") && scanner.keyword("EXISTS")))
        return std::nullopt;
    parts.head = unique ? "CREATE UNIQUE INDEX CONCURRENTLY" : "CREATE INDEX CONCURRENTLY";
    parts.name = scanner.name();
    parts.tail = scanner.rest();
    // Without a name there is no IF NOT EXISTS, and nothing that a rollback could drop.
    const bool named = !parts.name.empty() && Scanner(parts.tail).keyword("ON");
    return named ? std::optional(parts) : std::nullopt;
}

namespace {

// Pieces between the spaces that stand outside quotes.
std::vector<std::string> pieces_of(const std::string &ddl) {
    std::vector<std::string> pieces(1);
    char quote = '\0';
    for (const char c : ddl) {
        if (quote == '\0' && std::isspace(static_cast<unsigned char>(c))) {
            if (!pieces.back().empty())
                pieces.emplace_back();
            continue;
        }
        if (c == quote)
            quote = '\0';
        else if (quote == '\0' && (c == '"' || c == '\''))
            quote = c;
        pieces.back().push_back(c);
    }
    if (pieces.back().empty())
        pieces.pop_back();
    return pieces;
}

bool begins_clause(const std::string &piece) {
    return piece == "ON" || piece == "INCLUDE" || piece == "WITH" || piece == "WHERE";
}

} // namespace

std::string broken_into_lines(const std::string &ddl, std::size_t width) {
    if (display_width(ddl) <= width && ddl.find('\n') == std::string::npos)
        return ddl;
    const std::string indent = "    ";
    std::string out, line;
    for (const std::string &piece : pieces_of(ddl)) {
        const bool full = display_width(line) + 1 + display_width(piece) > width;
        if (!line.empty() && (full || begins_clause(piece))) {
            out += line + "\n";
            line = indent + piece;
        } else {
            line += (line.empty() ? "" : " ") + piece;
        }
    }
    return out + line;
}

std::string quoted_literal(const std::string &text) {
    std::string out = text.find('\\') == std::string::npos ? "'" : "E'";
    for (const char c : text) {
        if (c == '\'' || c == '\\')
            out.push_back(c);
        out.push_back(c);
    }
    return out + "'";
}

} // namespace triage::advisor
