#include "render/document.h"

#include "render/units.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

using namespace triage::advisor;

namespace {

Document sample() {
    Document document;
    document.title = "Title";
    document.subtitle = std::string(150, 'w');
    document.subtitle[70] = ' ';
    Table table{{{"name", Align::Left, true}, {"time", Align::Right}}, {}};
    table.rows.push_back({std::string(300, 'n'), "1.00 ms"});
    table.rows.push_back({"a|b\nc", Cell("FAIL", Tone::Bad)});
    List list;
    list.numbered = true;
    list.items.push_back({Cell("first"), {"a line"}, "CREATE INDEX\n  ON t (x);"});
    document.sections.push_back({"Section", {table, list, Paragraph{"the end"}}});
    return document;
}

std::size_t widest_line(const std::string &text) {
    std::size_t widest = 0;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        widest = std::max(widest, display_width(line));
    return widest;
}

} // namespace

TEST(Document, TextFitsItsWidth) {
    for (const std::size_t width : {80, 100, 140})
        EXPECT_LE(widest_line(render_text(sample(), {width, false})), width);
}

TEST(Document, ColoursAreThereOnlyIfAskedFor) {
    EXPECT_EQ(render_text(sample(), {100, false}).find('\033'), std::string::npos);
    EXPECT_NE(render_text(sample(), {100, true}).find("\033[31mFAIL"), std::string::npos);
}

TEST(Document, MarkdownKeepsCellsApart) {
    const std::string text = render_markdown(sample());
    EXPECT_NE(text.find("# Title\n"), std::string::npos);
    EXPECT_NE(text.find("## Section\n"), std::string::npos);
    EXPECT_NE(text.find("| a\\|b<br>c | **FAIL** |"), std::string::npos);
    EXPECT_NE(text.find("   ```sql\n   CREATE INDEX\n"), std::string::npos);
}
