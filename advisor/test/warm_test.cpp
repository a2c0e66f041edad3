#include "exit_status.h"
#include "warm/capture.h"
#include "warm/hour.h"

#include <gtest/gtest.h>

namespace triage::advisor {
namespace {

Capture example() {
    Capture capture;
    capture.system_identifier = "7123456789012345678";
    capture.database = "hospital \"ü\"";
    capture.taken_at = "2026-11-23T07:00:00+01";
    capture.relations = {{"public.patients", "patient_data", 16384, false, {100, 3, 1}},
                         {"public.\"Odd Name\"", "other", 16390, true, {7, 0, 0}}};
    capture.extents = {{0, 0, 1, ~BlockMask{0}, 0xF0, 0, 123.5}, {1, 2, 0, 1, 0, 1, 0.25}};
    return capture;
}

TEST(Capture, SurvivesItsFile) {
    const Capture before = example(), after = parse_capture(text_of_capture(before), "file");
    EXPECT_EQ(after.system_identifier, before.system_identifier);
    EXPECT_EQ(after.database, before.database);
    ASSERT_EQ(after.relations.size(), 2u);
    EXPECT_EQ(after.relations[1].name, before.relations[1].name);
    EXPECT_EQ(after.relations[0].blocks, before.relations[0].blocks);
    ASSERT_EQ(after.extents.size(), 2u);
    EXPECT_EQ(after.extents[0].blocks, ~BlockMask{0});
    EXPECT_EQ(after.extents[0].heat, 123.5);
    EXPECT_EQ(after.extents[1].fork, 2u);
    EXPECT_EQ(after.extents[1].upper, 1u);
}

// The message with which a text is refused; empty if it is taken.
std::string refusal_of(const std::string &text) {
    try {
        parse_capture(text, "file");
    } catch (const Failure &failure) {
        return failure.message;
    }
    return "";
}

TEST(Capture, RefusesWhatIsNone) {
    EXPECT_EQ(refusal_of(""), "\"file\" is not a capture");
    EXPECT_EQ(refusal_of("{}"), "\"file\" is not a capture");
    EXPECT_EQ(refusal_of("\x01\x02"), "\"file\" is not a capture");
    EXPECT_EQ(refusal_of("[1, 2]"), "\"file\" is not a capture");
}

TEST(Capture, RefusesDamage) {
    std::string text = text_of_capture(example());
    text.replace(text.find("123.5"), 5, "923.5");
    EXPECT_EQ(refusal_of(text), "\"file\" is damaged");
    EXPECT_EQ(refusal_of(text.substr(0, text.size() / 2)), "\"file\" is not a capture");
    EXPECT_EQ(refusal_of(R"({"pg_triage_capture": 1})"), "\"file\" is damaged");
    EXPECT_EQ(refusal_of(R"({"pg_triage_capture": 1, "checksum": 5, "content": {}})"),
              "\"file\" is damaged");
}

TEST(Capture, RefusesAnotherVersion) {
    EXPECT_EQ(refusal_of(R"({"pg_triage_capture": 2})"),
              "another version of pg_triage has written \"file\"");
}

TEST(Capture, RefusesWhatContradictsItself) {
    Capture capture = example();
    capture.extents[0].relation = 9;
    EXPECT_EQ(refusal_of(text_of_capture(capture)), "\"file\" contradicts itself");
    capture = example();
    capture.extents[0].fork = 3;
    EXPECT_EQ(refusal_of(text_of_capture(capture)), "\"file\" contradicts itself");
}

TEST(HourOfWeek, IsReadAsPeopleWriteIt) {
    EXPECT_EQ(parse_hour_of_week("Mon 07"), 7);
    EXPECT_EQ(parse_hour_of_week("monday-0"), 0);
    EXPECT_EQ(parse_hour_of_week("SUN 23:00"), 167);
    EXPECT_EQ(parse_hour_of_week("tu 5"), 29);
    EXPECT_EQ(parse_hour_of_week("Thursday 12"), 84);
}

TEST(HourOfWeek, RefusesWhatIsNone) {
    for (const char *text :
         {"", "07", "Mon", "Mon 24", "Mon 7x", "x 7", "Xyz 7", "Mon 7:30"})
        EXPECT_FALSE(parse_hour_of_week(text)) << text;
}

} // namespace
} // namespace triage::advisor
