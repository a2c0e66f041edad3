#include "render/document.h"

#include <fmt/format.h>

#include <sstream>

namespace triage::advisor {

namespace {

// Text from the server must not become markup; inside a table a bar or a line break would end the
// cell.
std::string escaped(const std::string &text) {
    std::string out;
    for (const char c : text) {
        if (c == '\n') {
            out += "<br>";
            continue;
        }
        if (std::string_view("\\`*_{}[]<>#|").find(c) != std::string_view::npos)
            out.push_back('\\');
        out.push_back(c);
    }
    return out;
}

std::string toned(const Cell &cell) {
    const bool strong = cell.tone == Tone::Bad || cell.tone == Tone::Warning;
    return strong && !cell.text.empty() ? "**" + escaped(cell.text) + "**" : escaped(cell.text);
}

void show(const Paragraph &paragraph, std::string &out) {
    out += escaped(paragraph.text) + "\n\n";
}

void show(const List &list, std::string &out) {
    std::size_t number = 0;
    for (const Item &item : list.items) {
        const std::string mark = list.numbered ? fmt::format("{}. ", ++number) : "- ";
        const std::string indent(mark.size(), ' ');
        out += mark + toned(item.title) + "\n";
        for (const std::string &line : item.lines)
            out += "\n" + indent + escaped(line) + "\n";
        if (!item.code.empty()) {
            out += "\n" + indent + "```sql\n";
            std::istringstream lines(item.code);
            for (std::string line; std::getline(lines, line);)
                out += indent + line + "\n";
            out += indent + "```\n";
        }
    }
    out += "\n";
}

void show(const Table &table, std::string &out) {
    std::string rule = "|";
    out += "|";
    for (const Column &column : table.columns) {
        out += " " + escaped(column.title) + " |";
        rule += column.align == Align::Right ? " ---: |" : " --- |";
    }
    out += "\n" + rule + "\n";
    for (const auto &row : table.rows) {
        out += "|";
        for (const Cell &cell : row)
            out += " " + toned(cell) + " |";
        out += "\n";
    }
    out += "\n";
}

} // namespace

std::string render_markdown(const Document &document) {
    std::string out;
    if (!document.title.empty())
        out += "# " + escaped(document.title) + "\n\n";
    if (!document.subtitle.empty())
        out += escaped(document.subtitle) + "\n\n";
    for (const Section &section : document.sections) {
        if (!section.title.empty())
            out += "## " + escaped(section.title) + "\n\n";
        for (const Block &block : section.blocks)
            std::visit([&out](const auto &it) { show(it, out); }, block);
    }
    while (out.ends_with("\n\n"))
        out.pop_back();
    return out;
}

} // namespace triage::advisor
