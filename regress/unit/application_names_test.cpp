#include "core/application_names.h"

#include <gtest/gtest.h>

#include <string>

namespace triage {
namespace {

using Session = ApplicationCounter::Session;

TEST(ApplicationNames, KnowsToolsWithoutTheirTails) {
    EXPECT_EQ(known_application("psql"), "psql");
    EXPECT_EQ(known_application("DBeaver 24.1 - SQLEditor <Jane Doe.sql>"), "DBeaver");
    EXPECT_EQ(known_application("pgAdmin 4 - DB:hospital"), "pgAdmin 4");
    EXPECT_EQ(known_application("psql of Jane Doe"), "");
    EXPECT_EQ(known_application("DBeaverish"), "");
    EXPECT_EQ(known_application(""), "");
}

TEST(ApplicationNames, CountsDifferentSessions) {
    ApplicationCounter counter;
    EXPECT_EQ(counter.count({1, 100}, "rounds"), 1u);
    EXPECT_EQ(counter.count({1, 100}, "rounds"), 1u);
    EXPECT_EQ(counter.count({2, 100}, "rounds"), 2u);
    EXPECT_EQ(counter.count({2, 200}, "rounds"), 3u); // another process with the same number
    EXPECT_EQ(counter.count({3, 100}, "Jane Doe"), 1u);
}

TEST(ApplicationNames, ASessionThatComesBackToANameIsNoNewOne) {
    ApplicationCounter counter;
    for (int look = 0; look < 20; look++) {
        counter.begin_look();
        EXPECT_EQ(counter.count({1, 100}, look % 2 ? "Jane Doe" : "John Doe"), 1u);
        counter.end_look();
    }
}

TEST(ApplicationNames, ASessionCannotCountForAnyNumberOfNames) {
    ApplicationCounter counter;
    for (std::size_t i = 0; i < ApplicationCounter::most_names_a_session; i++)
        EXPECT_EQ(counter.count({1, 100}, "patient " + std::to_string(i)), 1u);
    EXPECT_EQ(counter.count({1, 100}, "one more"), 0u);
}

TEST(ApplicationNames, SessionsThatAreGoneStayCounted) {
    ApplicationCounter counter;
    for (int session = 1; session <= 11; session++) {
        counter.begin_look();
        EXPECT_EQ(counter.count({session, 100}, "rounds"), static_cast<unsigned>(session));
        counter.end_look();
    }
}

TEST(ApplicationNames, ManyNamesGiveWayToThoseThatMoreShare) {
    ApplicationCounter counter;
    counter.count({1, 0}, "rounds");
    counter.count({2, 0}, "rounds");
    for (int i = 0; i < 10'000; i++) {
        counter.begin_look();
        counter.count({i + 3, 1}, "patient " + std::to_string(i));
        counter.end_look();
    }
    EXPECT_EQ(counter.count({3, 0}, "rounds"), 3u);
}

} // namespace
} // namespace triage
