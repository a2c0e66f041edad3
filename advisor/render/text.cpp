#include "render/document.h"

#include "render/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <sstream>
#include <utility>

namespace triage::advisor {

namespace {

constexpr std::size_t gap = 2;             // between columns
constexpr std::size_t least_flexible = 16; // a flexible column is never narrower

class TextRenderer {
  public:
    explicit TextRenderer(const TextStyle &style) : style_(style) {}

    std::string render(const Document &document) {
        if (!document.title.empty())
            out_ += styled(document.title, "1") + "\n";
        if (!document.subtitle.empty())
            wrapped(document.subtitle, "", Tone::Faint);
        for (const Section &section : document.sections) {
            if (!out_.empty())
                out_ += "\n";
            if (!section.title.empty())
                out_ += styled(section.title, "1;4") + "\n";
            bool first = true;
            for (const Block &block : section.blocks) {
                if (!std::exchange(first, false) && !std::holds_alternative<Paragraph>(block))
                    out_ += "\n";
                std::visit([this](const auto &it) { show(it); }, block);
            }
        }
        return std::move(out_);
    }

  private:
    std::string styled(const std::string &text, const char *code) const {
        return style_.colors ? fmt::format("\033[{}m{}\033[0m", code, text) : text;
    }

    std::string toned(const std::string &text, Tone tone) const {
        switch (tone) {
        case Tone::Good:
            return styled(text, "32");
        case Tone::Bad:
            return styled(text, "31");
        case Tone::Warning:
            return styled(text, "33");
        case Tone::Faint:
            return styled(text, "2");
        case Tone::Plain:
            break;
        }
        return text;
    }

    // Breaks at spaces, and inside a word only if it is wider than the line. The mark stands before
    // the first line, whose followers are indented by its width.
    void wrapped(const std::string &text, const std::string &mark, Tone tone = Tone::Plain) {
        const std::string indent(display_width(mark), ' ');
        const std::size_t room = style_.width - std::min(style_.width - 1, indent.size());
        std::string prefix = mark;
        const auto put = [&](const std::string &line) {
            out_ += prefix + toned(line, tone) + "\n";
            prefix = indent;
        };
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) {
            std::istringstream words(line);
            std::string current;
            for (std::string word; words >> word;) {
                if (!current.empty() && display_width(current) + 1 + display_width(word) > room) {
                    put(current);
                    current.clear();
                }
                current += (current.empty() ? "" : " ") + word;
                while (display_width(current) > room) {
                    const std::string start = first_characters(current, room);
                    put(start);
                    current.erase(0, start.size());
                }
            }
            put(current);
        }
    }

    void show(const Paragraph &paragraph) { wrapped(paragraph.text, "", paragraph.tone); }

    void show(const List &list) {
        std::size_t number = 0;
        for (const Item &item : list.items) {
            const std::string mark = list.numbered ? fmt::format("{}. ", ++number) : "- ";
            wrapped(item.title.text, mark, item.title.tone);
            for (const std::string &line : item.lines)
                wrapped(line, std::string(mark.size(), ' '));
            // Code is never wrapped or cut: it is there to be copied.
            std::istringstream lines(item.code);
            for (std::string line; std::getline(lines, line);)
                out_ += std::string(mark.size(), ' ') + line + "\n";
        }
    }

    // Flexible columns share what the others leave; one that needs less than its share leaves it to
    // the next.
    std::vector<std::size_t> widths_of(const Table &table) const {
        std::vector<std::size_t> widths, flexible;
        std::size_t taken = gap * (table.columns.size() - 1);
        for (std::size_t column = 0; column < table.columns.size(); column++) {
            std::size_t width = display_width(table.columns[column].title);
            for (const auto &row : table.rows)
                width = std::max(width, display_width(row[column].text));
            widths.push_back(width);
            if (table.columns[column].flexible)
                flexible.push_back(column);
            else
                taken += width;
        }
        std::sort(flexible.begin(), flexible.end(),
                  [&](std::size_t a, std::size_t b) { return widths[a] < widths[b]; });
        std::size_t room = style_.width > taken ? style_.width - taken : 0;
        for (std::size_t i = 0; i < flexible.size(); i++) {
            std::size_t &width = widths[flexible[i]];
            width = std::min(width, std::max(room / (flexible.size() - i), least_flexible));
            room -= std::min(room, width);
        }
        return widths;
    }

    std::string padded(const std::string &text, std::size_t width, Align align, Tone tone,
                       bool last) const {
        const std::size_t have = display_width(text);
        const std::string space(width > have ? width - have : 0, ' ');
        if (align == Align::Right)
            return space + toned(text, tone);
        return toned(text, tone) + (last ? "" : space);
    }

    void show(const Table &table) {
        const auto widths = widths_of(table);
        const std::size_t count = table.columns.size();
        for (std::size_t column = 0; column < count; column++) {
            const auto &[title, align, flexible] = table.columns[column];
            out_ += padded(title, widths[column], align, Tone::Faint, column + 1 == count);
            out_ += column + 1 == count ? "\n" : std::string(gap, ' ');
        }
        for (const auto &row : table.rows)
            for (std::size_t column = 0; column < count; column++) {
                const std::string text = shortened(row[column].text, widths[column]);
                out_ += padded(text, widths[column], table.columns[column].align, row[column].tone,
                               column + 1 == count);
                out_ += column + 1 == count ? "\n" : std::string(gap, ' ');
            }
    }

    const TextStyle &style_;
    std::string out_;
};

} // namespace

std::string render_text(const Document &document, const TextStyle &style) {
    return TextRenderer(style).render(document);
}

} // namespace triage::advisor
