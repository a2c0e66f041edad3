#include "core/literals.h"

#include <cctype>
#include <string_view>

namespace triage {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool starts_word(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return std::isalpha(byte) || c == '_' || byte >= 0x80;
}

bool is_word(char c) {
    return starts_word(c) || is_digit(c) || c == '$';
}

class Redactor {
  public:
    explicit Redactor(std::string_view sql) : sql_(sql) {}

    std::string run() {
        while (at_ < sql_.size())
            step();
        while (!out_.empty() && out_.back() == ' ')
            out_.pop_back();
        return std::move(out_);
    }

  private:
    char peek(std::size_t ahead = 0) const {
        return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0';
    }

    void space() {
        if (!out_.empty() && out_.back() != ' ')
            out_.push_back(' ');
    }

    void copy_to(std::size_t end) {
        out_ += sql_.substr(at_, end - at_);
        at_ = end;
    }

    void step() {
        const char c = peek();
        if (std::isspace(static_cast<unsigned char>(c))) {
            at_++;
            space();
        } else if (c == '-' && peek(1) == '-') {
            at_ = std::min(sql_.find('\n', at_), sql_.size());
            space();
        } else if (c == '/' && peek(1) == '*') {
            skip_block_comment();
            space();
        } else if (c == '\'') {
            skip_string(false);
        } else if (c == '"') {
            copy_to(end_of_quoted('"', at_, false));
        } else if (c == '$' && is_digit(peek(1))) { // $1: a parameter
            std::size_t end = at_ + 1;
            while (end < sql_.size() && is_digit(sql_[end]))
                end++;
            copy_to(end);
        } else if (c == '$') {
            dollar_quote();
        } else if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
            skip_number();
        } else if (starts_word(c)) {
            word();
        } else {
            copy_to(at_ + 1);
        }
    }

    // Past the closing quote; a doubled one stands for itself. Unclosed: to the end of the text.
    std::size_t end_of_quoted(char quote, std::size_t from, bool backslashes) const {
        for (std::size_t i = from + 1; i < sql_.size(); i++) {
            if (backslashes && sql_[i] == '\\')
                i++;
            else if (sql_[i] == quote && (i + 1 >= sql_.size() || sql_[i + 1] != quote))
                return i + 1;
            else if (sql_[i] == quote)
                i++;
        }
        return sql_.size();
    }

    void skip_string(bool backslashes) {
        at_ = end_of_quoted('\'', at_, backslashes);
        out_.push_back('?');
    }

    void skip_block_comment() {
        int depth = 0;
        while (at_ < sql_.size()) {
            if (peek() == '/' && peek(1) == '*') {
                depth++;
                at_ += 2;
            } else if (peek() == '*' && peek(1) == '/') {
                depth--;
                at_ += 2;
                if (depth == 0)
                    return;
            } else {
                at_++;
            }
        }
        at_ = sql_.size();
    }

    void dollar_quote() {
        std::size_t end = at_ + 1;
        while (end < sql_.size() && sql_[end] != '$' && is_word(sql_[end]))
            end++;
        if (end >= sql_.size() || sql_[end] != '$')
            return copy_to(at_ + 1);
        const std::string_view mark = sql_.substr(at_, end + 1 - at_);
        const std::size_t close = sql_.find(mark, end + 1);
        at_ = close == std::string_view::npos ? sql_.size() : close + mark.size();
        out_.push_back('?');
    }

    void skip_number() {
        while (is_word(peek()) || peek() == '.' ||
               ((peek() == '+' || peek() == '-') && at_ > 0 && std::tolower(sql_[at_ - 1]) == 'e'))
            at_++;
        out_.push_back('?');
    }

    // A word directly before a quote is the string's kind: E, B, X, N or U&.
    void word() {
        std::size_t end = at_;
        while (end < sql_.size() && is_word(sql_[end]))
            end++;
        const std::string_view word = sql_.substr(at_, end - at_);
        if (end < sql_.size() && sql_[end] == '\'') {
            const bool backslashes = word == "E" || word == "e";
            at_ = end;
            return skip_string(backslashes);
        }
        copy_to(end);
    }

    std::string_view sql_;
    std::size_t at_ = 0;
    std::string out_;
};

} // namespace

std::string without_literals(const std::string &sql) {
    return Redactor(sql).run();
}

} // namespace triage
