// What a command wants to show, without how it looks: headings, paragraphs, tables, lists, code.
// Renderers turn a Document into text or Markdown.
#pragma once

#include <string>
#include <variant>
#include <vector>

namespace triage::advisor {

enum class Tone { Plain, Good, Bad, Warning, Faint };

struct Cell {
    std::string text;
    Tone tone = Tone::Plain;

    Cell(std::string text, Tone tone = Tone::Plain) : text(std::move(text)), tone(tone) {}
    Cell(const char *text, Tone tone = Tone::Plain) : text(text), tone(tone) {}
};

enum class Align { Left, Right };

struct Column {
    std::string title;
    Align align = Align::Left;
    bool flexible = false; // takes the room that is left, and is cut where there is too little
};

struct Table {
    std::vector<Column> columns;
    std::vector<std::vector<Cell>> rows;
};

struct Paragraph {
    std::string text;
    Tone tone = Tone::Plain;
};

struct Item {
    Cell title;
    std::vector<std::string> lines; // below the title
    std::string code;               // below the lines; empty: none
};

struct List {
    std::vector<Item> items;
    bool numbered = false;
};

using Block = std::variant<Paragraph, Table, List>;

struct Section {
    std::string title; // empty: none
    std::vector<Block> blocks;
};

struct Document {
    std::string title;
    std::string subtitle;
    std::vector<Section> sections;
};

struct TextStyle {
    std::size_t width = 100;
    bool colors = false;
};

std::string render_text(const Document &document, const TextStyle &style);
std::string render_markdown(const Document &document);

} // namespace triage::advisor
