#include "render/units.h"

#include "progress.h"

#include <gtest/gtest.h>

using namespace triage::advisor;

TEST(Units, MillisecondsChangeTheirUnitAsTheyGrow) {
    EXPECT_EQ(show_ms(0.4231), "0.42 ms");
    EXPECT_EQ(show_ms(12.34), "12.3 ms");
    EXPECT_EQ(show_ms(999.4), "999 ms");
    EXPECT_EQ(show_ms(1250), "1.25 s");
    EXPECT_EQ(show_ms(204e3), "3.40 min");
    EXPECT_EQ(show_ms(std::nullopt), "–");
}

TEST(Units, BytesCountsAndPercents) {
    EXPECT_EQ(show_bytes(512), "512 bytes");
    EXPECT_EQ(show_bytes(8192), "8.00 kB");
    EXPECT_EQ(show_bytes(12.5 * 1024 * 1024), "12.5 MB");
    EXPECT_EQ(show_count(950), "950");
    EXPECT_EQ(show_count(12300), "12.3 k");
    EXPECT_EQ(show_percent(0.8731), "87.3 %");
    EXPECT_EQ(show_figure(85.0, "percent"), "85.0 %");
    EXPECT_EQ(show_figure(500.0, "requests/s"), "500 /s");
}

TEST(Units, SizesAreReadAsPostgreSQLWritesThem) {
    EXPECT_EQ(parse_bytes("4096"), 4096);
    EXPECT_EQ(parse_bytes("500MB"), 500 * 1024 * 1024);
    EXPECT_EQ(parse_bytes("1.5 GB"), 1536LL * 1024 * 1024);
    EXPECT_EQ(parse_bytes("8 kB"), 8192);
    EXPECT_EQ(parse_bytes("0"), 0);
    for (const char *wrong : {"", "MB", "-1MB", "10 apples", "1e3", "nan", "99999999 PB", "5M B!"})
        EXPECT_EQ(parse_bytes(wrong), std::nullopt) << wrong;
}

TEST(Units, TextIsCutByCharactersNotBytes) {
    EXPECT_EQ(display_width("Müller"), 6u);
    EXPECT_EQ(shortened("Müller", 6), "Müller");
    EXPECT_EQ(shortened("Müllerin", 4), "Mül…");
    EXPECT_EQ(shortened("a\nb", 5), "a b");
}

TEST(Progress, LineFitsTheTerminal) {
    using namespace std::chrono_literals;
    EXPECT_EQ(progress_line("reading", {}, 3s, 80), "reading 3 s");
    EXPECT_EQ(progress_line("building", 0.5, 75s, 80),
              "building [##########..........]  50 % 1:15 min");
    EXPECT_EQ(progress_line("building", 1.7, 3s, 80), "building [####################] 100 % 3 s");
    EXPECT_LE(display_width(progress_line(std::string(200, 'x'), 0.1, 3s, 60)), 60u);
}
