#include "core/literals.h"

#include <gtest/gtest.h>

using triage::without_literals;

TEST(Literals, NormalisedTextStaysAsItIs) {
    const std::string text = "SELECT p.mrn, \"Last Name\" FROM clinic2.patient_records p "
                             "WHERE p.mrn = $1 AND h2o > $2 LIMIT $3";
    EXPECT_EQ(without_literals(text), text);
}

TEST(Literals, NothingThatWasTypedIsLeft) {
    EXPECT_EQ(without_literals("SELECT 1 FROM t WHERE a = 'Canary'"),
              "SELECT ? FROM t WHERE a = ?");
    EXPECT_EQ(without_literals("a='it''s Canary' AND b=4711.5e-3 AND c=.5"), "a=? AND b=? AND c=?");
    EXPECT_EQ(without_literals("a=E'x\\'Canary' AND b=U&'Canary' AND c=x'1F'"),
              "a=? AND b=U&? AND c=?");
    EXPECT_EQ(without_literals("a=$$Canary$$ AND b=$tag$Ca'na$ry$tag$"), "a=? AND b=?");
    EXPECT_EQ(without_literals("a IN (1,-2)"), "a IN (?,-?)");
}

TEST(Literals, CommentsGo) {
    EXPECT_EQ(without_literals("SELECT a -- Canary\nFROM t"), "SELECT a FROM t");
    EXPECT_EQ(without_literals("/* Canary /* nested */ Canary */ SELECT a /*x*/FROM t"),
              "SELECT a FROM t");
}

TEST(Literals, TextThatWasCutOffLeaksNothing) {
    EXPECT_EQ(without_literals("a = 'Canary"), "a = ?");
    EXPECT_EQ(without_literals("a = $x$Canary"), "a = ?");
    EXPECT_EQ(without_literals("a /* Canary"), "a");
    EXPECT_EQ(without_literals("a = 'Canary\\"), "a = ?");
    EXPECT_EQ(without_literals("a = E'Canary\\"), "a = ?");
    EXPECT_EQ(without_literals("a = $"), "a = $");
}

TEST(Literals, QuotedNamesMayHoldAnything) {
    EXPECT_EQ(without_literals("SELECT \"it's 1\"\"x\" FROM t"), "SELECT \"it's 1\"\"x\" FROM t");
}
