#include "messages.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <unistd.h>

namespace triage::advisor {

namespace {

bool colors_disabled = false;

std::string_view environment(const char *name) {
    const char *value = std::getenv(name);
    return value ? value : "";
}

// PG_COLORS is "error=01;31:warning=01;35:note=01;36:locus=01", any part of it may be missing.
std::string color_of(std::string_view kind, std::string_view fallback) {
    std::string_view colors = environment("PG_COLORS");
    while (!colors.empty()) {
        const std::string_view item = colors.substr(0, colors.find(':'));
        const auto equals = item.find('=');
        if (equals != std::string_view::npos && item.substr(0, equals) == kind)
            return std::string(item.substr(equals + 1));
        colors.remove_prefix(std::min(colors.size(), item.size() + 1));
    }
    return std::string(fallback);
}

std::string painted(std::string_view text, std::string_view kind, std::string_view fallback) {
    if (!stderr_has_colors())
        return std::string(text);
    return "\033[" + color_of(kind, fallback) + "m" + std::string(text) + "\033[0m";
}

void print_line(const std::string &line) {
    std::fprintf(stderr, "%s\n", line.c_str());
}

void print_extra(const std::string &detail, const std::string &hint) {
    const std::string name = painted("pg_triage:", "locus", "01") + " ";
    if (!detail.empty())
        print_line(name + painted("detail:", "note", "01;36") + " " + detail);
    if (!hint.empty())
        print_line(name + painted("hint:", "note", "01;36") + " " + hint);
}

} // namespace

void disable_colors() {
    colors_disabled = true;
}

bool stderr_has_colors() {
    const std::string_view wish = environment("PG_COLOR");
    if (colors_disabled || !environment("NO_COLOR").empty())
        return false;
    return wish == "always" || (wish == "auto" && isatty(STDERR_FILENO));
}

bool stdout_has_colors() {
    return !colors_disabled && environment("NO_COLOR").empty() &&
           environment("PG_COLOR") != "never" && isatty(STDOUT_FILENO);
}

void print_failure(const Failure &failure) {
    print_line(painted("pg_triage:", "locus", "01") + " " + painted("error:", "error", "01;31") +
               " " + failure.message);
    print_extra(failure.detail, failure.hint);
}

void print_warning(const std::string &message, const std::string &detail, const std::string &hint) {
    print_line(painted("pg_triage:", "locus", "01") + " " +
               painted("warning:", "warning", "01;35") + " " + message);
    print_extra(detail, hint);
}

void print_note(const std::string &message) {
    print_line("pg_triage: " + message);
}

} // namespace triage::advisor
