#include "server_message.h"

#include <gtest/gtest.h>

using triage::advisor::parse_server_message;

TEST(ServerMessage, PartsAreToldApart) {
    const auto message = parse_server_message("ERROR:  no such thing\n"
                                              "DETAIL:  It was here\nyesterday.\n"
                                              "HINT:  Look again.\n");
    EXPECT_EQ(message.primary, "no such thing");
    EXPECT_EQ(message.detail, "It was here\nyesterday.");
    EXPECT_EQ(message.hint, "Look again.");
}

TEST(ServerMessage, OurOwnSqlIsLeftOut) {
    const auto message = parse_server_message("ERROR:  canceling statement due to lock timeout\n"
                                              "LINE 1: SELECT 1\n               ^\n"
                                              "QUERY:  \n    WITH a AS (\n    SELECT 1)\n"
                                              "CONTEXT:  SQL function \"f\" during startup\n"
                                              "HINT:  Wait.\n");
    EXPECT_EQ(message.primary, "canceling statement due to lock timeout");
    EXPECT_EQ(message.detail, "");
    EXPECT_EQ(message.hint, "Wait.");
}

TEST(ServerMessage, AnyTextIsTaken) {
    EXPECT_EQ(parse_server_message("").primary, "");
    EXPECT_EQ(parse_server_message("server closed the connection\n\tunexpectedly\n").primary,
              "server closed the connection\n\tunexpectedly");
    const auto german = parse_server_message("FEHLER:  gibt es nicht\nTIPP:  Anders.\n");
    EXPECT_EQ(german.primary, "gibt es nicht");
    EXPECT_EQ(german.detail, "TIPP:  Anders.");
}
