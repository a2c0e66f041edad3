#include "core/privacy.h"

#include <gtest/gtest.h>

namespace triage {
namespace {

// A column like status: ten different words in it, nothing said about it.
ColumnSecrecy enumeration() {
    ColumnSecrecy column;
    column.safe_type = true;
    column.distinct = 10;
    return column;
}

TEST(Privacy, LetsOutAValueThatEnoughRowsShare) {
    EXPECT_TRUE(may_keep_value(enumeration(), 11, 4, 11));
    EXPECT_FALSE(may_keep_value(enumeration(), 10.9, 4, 11));
}

TEST(Privacy, NeverLetsOutAValueThatIsNoMostCommonOne) {
    ColumnSecrecy column = enumeration();
    EXPECT_FALSE(may_keep_value(column, 0, 4, 11));
    EXPECT_FALSE(may_keep_value(column, 0, 4, 0)) << "not even where k asks for nothing";
    column.label = ColumnLabel::Public;
    EXPECT_FALSE(may_keep_value(column, 0, 4, 11)) << "not even of a public column";
}

TEST(Privacy, KeepsBackColumnsThatAreNoEnumeration) {
    ColumnSecrecy column = enumeration();
    column.distinct = 101;
    EXPECT_FALSE(may_keep_value(column, 1e6, 4, 11));
    column.distinct = -0.1;
    EXPECT_FALSE(may_keep_value(column, 1e6, 4, 11));
    column.distinct = 0;
    EXPECT_FALSE(may_keep_value(column, 1e6, 4, 11)) << "never analyzed";
}

TEST(Privacy, KeepsBackKeys) {
    ColumnSecrecy column = enumeration();
    column.is_key = true;
    EXPECT_FALSE(may_keep_value(column, 1e6, 4, 11));
}

TEST(Privacy, KeepsBackUnsafeTypesWhateverTheLabel) {
    ColumnSecrecy column = enumeration();
    column.safe_type = false;
    EXPECT_FALSE(may_keep_value(column, 1e6, 4, 11));
    column.label = ColumnLabel::Public;
    EXPECT_FALSE(may_keep_value(column, 1e6, 4, 11));
}

TEST(Privacy, PhiWinsOverEverything) {
    ColumnSecrecy column = enumeration();
    column.label = ColumnLabel::Phi;
    EXPECT_FALSE(may_show_values(column));
    EXPECT_FALSE(may_keep_value(column, 1e9, 1, 1));
}

TEST(Privacy, PublicLiftsWhatIsOnlyGuessed) {
    ColumnSecrecy column = enumeration();
    column.label = ColumnLabel::Public;
    column.distinct = -1;
    column.is_key = true;
    column.names_identifier = true;
    EXPECT_TRUE(may_keep_value(column, 11, 4, 11));
    EXPECT_FALSE(may_keep_value(column, 10, 4, 11)) << "k is never lifted";
}

TEST(Privacy, LongValuesAreNoEnumeration) {
    EXPECT_TRUE(may_keep_value(enumeration(), 1e6, 63, 11));
    EXPECT_FALSE(may_keep_value(enumeration(), 1e6, 64, 11));
}

TEST(Privacy, KnowsTheNamesOfIdentifiers) {
    for (const char *name :
         {"mrn",   "patient_mrn",   "SSN",       "first_name", "lastName",   "LastName",
          "name",  "date_of_birth", "birthDate", "dob",        "zip",        "home_address",
          "phone", "phone_number",  "e_mail",    "email",      "ip_address", "deviceSerialNumber",
          "city",  "insurance_id",  "patient_id"})
        EXPECT_TRUE(names_identifier(name)) << name;
    for (const char *name : {"status", "ward", "test_name", "drug_name", "priority", "active",
                             "ethnicity_code", "capacity", "description", "zipped",
                             "encounter_type", "skip", "critical", "acknowledged"})
        EXPECT_FALSE(names_identifier(name)) << name;
}

TEST(Privacy, AnIdentifiersNameKeepsItsValuesBack) {
    ColumnSecrecy column = enumeration();
    column.names_identifier = true;
    EXPECT_FALSE(may_keep_value(column, 1e6, 4, 11));
}

} // namespace
} // namespace triage
