#include "emit/migration.h"

#include "emit/index_ddl.h"
#include "exit_status.h"

#include <gtest/gtest.h>

using namespace triage::advisor;

namespace {

MigrationHead head() {
    return {"clinic", "2025-11-25T02:10:33+00", "pg_triage 0.1.0", ""};
}

MigrationIndex index(const std::string &name) {
    MigrationIndex index;
    index.ddl = "CREATE INDEX CONCURRENTLY " + name +
                " ON ward.\"Patient\" USING btree (mrn) WHERE note = 'it''s \"\"\"'";
    index.schema = "ward";
    index.relation = "ward.\"Patient\"";
    index.kind = "partial";
    index.reason = "Two statements\nread 5 %.";
    index.improvement = 0.84;
    index.size_bytes = 8192;
    index.queries = 2;
    return index;
}

std::string content(MigrationTool tool, std::size_t file = 0) {
    return write_migration(tool, head(), {index("a"), index("\"B c\"")}).at(file).content;
}

bool contains(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

std::size_t count(const std::string &text, const std::string &part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        found++;
    return found;
}

} // namespace

TEST(IndexDdl, NameIsFoundHoweverItIsWritten) {
    const auto name = [](const std::string &ddl) {
        const auto parts = parse_create_index(ddl);
        return parts ? parts->name : "none";
    };
    EXPECT_EQ(name("CREATE INDEX CONCURRENTLY a ON t (x)"), "a");
    EXPECT_EQ(name("create unique index concurrently if not exists a_1 on t (x);"), "a_1");
    EXPECT_EQ(name("CREATE INDEX CONCURRENTLY \"it's \"\"ON\"\"\" ON t (x)"),
              "\"it's \"\"ON\"\"\"");
    EXPECT_EQ(name("CREATE INDEX CONCURRENTLY größe ON t (x)"), "größe");
    EXPECT_EQ(name("CREATE INDEX CONCURRENTLY ON t (x)"), "none");
    EXPECT_EQ(name("CREATE INDEX a ON t (x)"), "none");
    EXPECT_EQ(name("DROP INDEX a"), "none");
    EXPECT_EQ(name(""), "none");
}

TEST(IndexDdl, ExistenceIsTolerated) {
    EXPECT_EQ(parse_create_index("CREATE INDEX CONCURRENTLY a ON t (x) ;")->create_if_not_exists(),
              "CREATE INDEX CONCURRENTLY IF NOT EXISTS a ON t (x)");
}

TEST(IndexDdl, LiteralsAreQuoted) {
    EXPECT_EQ(quoted_literal("it's"), "'it''s'");
    EXPECT_EQ(quoted_literal("a\\b"), "E'a\\\\b'");
}

TEST(Migration, SqlBuildsChecksAndTellsHowToRollBack) {
    const std::string sql = content(MigrationTool::Sql);
    EXPECT_EQ(count(sql, "\nCREATE INDEX CONCURRENTLY IF NOT EXISTS "), 2u);
    EXPECT_TRUE(
        contains(sql, "-- read 5 %.\nCREATE INDEX")); // each line of the reason is a comment
    EXPECT_TRUE(contains(sql, "estimated improvement 84.0 %"));
    EXPECT_TRUE(contains(sql, "NOT EXISTS (SELECT FROM pg_catalog.pg_index"));
    EXPECT_TRUE(contains(sql, "'ward.\"B c\"'"));
    // The last one built is the first to go, and only as a comment.
    EXPECT_LT(sql.find("-- DROP INDEX CONCURRENTLY IF EXISTS ward.\"B c\";"),
              sql.find("-- DROP INDEX CONCURRENTLY IF EXISTS ward.a;"));
    EXPECT_FALSE(contains(sql, "\nDROP"));
    EXPECT_FALSE(contains(sql, "BEGIN;"));
}

TEST(Migration, FlywayGetsBuildsOnlyAndRunsThemOutsideATransaction) {
    const auto files = write_migration(MigrationTool::Flyway, head(), {index("a")});
    ASSERT_EQ(files.size(), 2u);
    EXPECT_EQ(files[0].path, "V20251125021033__pg_triage_indexes.sql");
    EXPECT_EQ(files[1].path, files[0].path + ".conf");
    EXPECT_TRUE(contains(files[1].content, "executeInTransaction=false"));
    EXPECT_FALSE(contains(files[0].content, "\nSET "));
    EXPECT_FALSE(contains(files[0].content, "\nDO "));
}

TEST(Migration, RailsDisablesItsTransaction) {
    const std::string ruby = content(MigrationTool::Rails);
    EXPECT_TRUE(contains(ruby, "disable_ddl_transaction!"));
    EXPECT_TRUE(contains(ruby, "class AddPgTriageIndexes20251125021033 < ActiveRecord::Migration"));
    EXPECT_EQ(count(ruby, "<<~'SQL'"), 4u);
}

TEST(Migration, DjangoIsNotAtomicAndNamesItsPredecessor) {
    MigrationHead after = head();
    after.after = "clinic.0007_wards";
    const std::string python =
        write_migration(MigrationTool::Django, after, {index("a")}).at(0).content;
    EXPECT_TRUE(contains(python, "atomic = False"));
    EXPECT_TRUE(contains(python, "dependencies = [(\"clinic\", \"0007_wards\")]"));
    EXPECT_TRUE(contains(python, "note = 'it''s \\\"\\\"\\\"'\""));
    after.after = "0007_wards";
    EXPECT_THROW(write_migration(MigrationTool::Django, after, {index("a")}), Failure);
}

TEST(Migration, SqitchGetsDeployRevertAndVerify) {
    const auto files = write_migration(MigrationTool::Sqitch, head(), {index("a"), index("b")});
    ASSERT_EQ(files.size(), 3u);
    EXPECT_EQ(files[1].path, "revert/pg_triage_indexes_20251125021033.sql");
    EXPECT_LT(files[1].content.find("ward.b"), files[1].content.find("ward.a"));
    EXPECT_FALSE(contains(files[0].content, "BEGIN;"));
}

TEST(Migration, AnIndexWithoutANameIsRefused) {
    MigrationIndex nameless;
    nameless.ddl = "CREATE INDEX CONCURRENTLY ON t (x)";
    EXPECT_THROW(write_migration(MigrationTool::Sql, head(), {nameless}), Failure);
}
