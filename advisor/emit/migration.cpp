#include "emit/migration.h"

#include "emit/index_ddl.h"
#include "exit_status.h"
#include "render/units.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <functional>
#include <ranges>
#include <sstream>

namespace triage::advisor {

namespace {

struct Statement {
    std::string comment; // one or more lines, without marks
    std::string create, drop;
    std::string name; // qualified, as an SQL string for to_regclass
};

std::string commented(const std::string &text, const std::string &mark) {
    std::string out;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        out += line.empty() ? mark + "\n" : mark + " " + line + "\n";
    return out;
}

std::vector<Statement> statements_of(const std::vector<MigrationIndex> &indexes) {
    std::vector<Statement> statements;
    for (const MigrationIndex &index : indexes) {
        const auto parts = parse_create_index(index.ddl);
        if (!parts)
            throw Failure(ExitStatus::ActionFailed, "recommendation has no index name",
                          fmt::format("The statement is: {}", index.ddl));
        const std::string name = index.schema + "." + parts->name;
        Statement statement;
        statement.comment = fmt::format(
            "{} index on {}: estimated improvement {}, estimated size {}, {} statement{}\n{}",
            index.kind, index.relation, show_percent(index.improvement),
            show_bytes(static_cast<double>(index.size_bytes)), index.queries,
            index.queries == 1 ? "" : "s", index.reason);
        statement.create = parts->create_if_not_exists();
        statement.drop = "DROP INDEX CONCURRENTLY IF EXISTS " + name;
        statement.name = quoted_literal(name);
        statements.push_back(statement);
    }
    return statements;
}

// 2025-11-25T02:10:33+00 is 20251125021033.
std::string version_of(const std::string &taken_at) {
    std::string digits;
    for (const char c : taken_at)
        if (std::isdigit(static_cast<unsigned char>(c)) && digits.size() < 14)
            digits.push_back(c);
    return digits;
}

std::string introduction(const MigrationHead &head) {
    return fmt::format("Indexes recommended by {} for database {}, {}.\n"
                       "Figures are estimates of PostgreSQL's planner over the sampled workload.",
                       head.program, head.database, head.taken_at);
}

const char *const timeouts = "-- A build waits for older transactions; a timeout in mid-build "
                             "would leave an invalid index.\n"
                             "SET lock_timeout = 0;\n"
                             "SET statement_timeout = 0;\n";

// IF NOT EXISTS is content with an invalid index, this is not.
std::string validity_check(const std::vector<Statement> &statements) {
    std::string names;
    for (const Statement &statement : statements)
        names += (names.empty() ? "" : ",\n                   ") + statement.name;
    return "-- An interrupted build leaves an invalid index, over which IF NOT EXISTS passes.\n"
           "DO $pg_triage$\n"
           "DECLARE\n"
           "    broken text;\n"
           "BEGIN\n"
           "    SELECT pg_catalog.string_agg(wanted.name, ', ') INTO broken\n"
           "      FROM pg_catalog.unnest(ARRAY[\n"
           "                   " +
           names +
           "]) AS wanted(name)\n"
           "     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_index i\n"
           "                        WHERE i.indexrelid = pg_catalog.to_regclass(wanted.name)\n"
           "                          AND i.indisvalid);\n"
           "    IF broken IS NOT NULL THEN\n"
           "        RAISE EXCEPTION 'missing or invalid index: %', broken\n"
           "            USING HINT = 'Drop what is left by DROP INDEX CONCURRENTLY and run this "
           "again.';\n"
           "    END IF;\n"
           "END\n"
           "$pg_triage$;\n";
}

std::string creations(const std::vector<Statement> &statements) {
    std::string out;
    for (const Statement &statement : statements)
        out += "\n" + commented(statement.comment, "--") + statement.create + ";\n";
    return out;
}

// In reverse, as rollbacks go.
std::string drops(const std::vector<Statement> &statements, const std::string &mark) {
    std::string out;
    for (const Statement &statement : statements | std::views::reverse)
        out += mark + statement.drop + ";\n";
    return out;
}

std::vector<MigrationFile> write_sql(const MigrationHead &head,
                                     const std::vector<Statement> &statements) {
    std::string out =
        commented(introduction(head), "--") +
        "-- For psql; no transaction block may be open (so without --single-transaction).\n"
        "\n\\set ON_ERROR_STOP on\n" +
        timeouts + creations(statements) + "\n" + validity_check(statements) +
        "\n-- Rollback: run these statements, each outside a transaction block.\n" +
        drops(statements, "-- ");
    return {{version_of(head.taken_at) + "_pg_triage_indexes.sql", out}};
}

// Flyway refuses a script that mixes statements of both kinds, so there is nothing but the builds
// here.
std::vector<MigrationFile> write_flyway(const MigrationHead &head,
                                        const std::vector<Statement> &statements) {
    const std::string name = "V" + version_of(head.taken_at) + "__pg_triage_indexes.sql";
    const std::string sql =
        commented(introduction(head), "--") +
        "-- Set flyway.postgresql.transactional.lock=false: otherwise Flyway holds a transaction "
        "open\n"
        "-- for which these builds wait for ever.\n" +
        creations(statements) +
        "\n-- Rollback: run these statements, each outside a transaction block.\n" +
        drops(statements, "-- ");
    return {{name, sql},
            {name + ".conf", "# CREATE INDEX CONCURRENTLY cannot run inside a transaction.\n"
                             "executeInTransaction=false\n"}};
}

std::string indented(const std::string &text, const std::string &indent) {
    std::string out;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        out += line.empty() ? "\n" : indent + line + "\n";
    return out;
}

std::vector<MigrationFile> write_rails(const MigrationHead &head,
                                       const std::vector<Statement> &statements) {
    // A heredoc with a quoted mark takes everything as it is: no interpolation, no escapes.
    const auto execute = [](const std::string &sql) {
        return indented("execute <<~'SQL'\n" + indented(sql + ";\n", "  ") + "SQL\n", "    ");
    };
    std::string up, down;
    for (const Statement &statement : statements)
        up +=
            "\n" + indented(commented(statement.comment, "#"), "    ") + execute(statement.create);
    for (const Statement &statement : statements | std::views::reverse)
        down += execute(statement.drop);
    const std::string out =
        commented(introduction(head), "#") + "class AddPgTriageIndexes" +
        version_of(head.taken_at) +
        " < ActiveRecord::Migration[6.1]\n"
        "  # CREATE INDEX CONCURRENTLY cannot run inside a transaction.\n"
        "  disable_ddl_transaction!\n\n"
        "  def up\n"
        "    # A build waits for older transactions; a timeout would leave an invalid index.\n"
        "    execute 'SET lock_timeout = 0'\n"
        "    execute 'SET statement_timeout = 0'\n" +
        up + "  end\n\n  def down\n" + down + "  end\nend\n";
    return {{fmt::format("{0}_add_pg_triage_indexes_{0}.rb", version_of(head.taken_at)), out}};
}

std::vector<MigrationFile> write_django(const MigrationHead &head,
                                        const std::vector<Statement> &statements) {
    // A JSON string is a Python string.
    const auto python = [](const std::string &text) {
        return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    };
    const auto dot = head.after.find('.');
    if (!head.after.empty() &&
        (dot == std::string::npos || dot == 0 || dot + 1 == head.after.size()))
        throw Failure(ExitStatus::Usage, fmt::format("invalid Django migration \"{}\"", head.after),
                      {}, "Give it as APP.MIGRATION, such as clinic.0007_wards.");
    std::string out = commented(introduction(head), "#") +
                      "from django.db import migrations\n\n\n"
                      "class Migration(migrations.Migration):\n"
                      "    # CREATE INDEX CONCURRENTLY cannot run inside a transaction.\n"
                      "    atomic = False\n\n";
    out += head.after.empty()
               ? "    dependencies = []\n\n"
               : fmt::format("    dependencies = [({}, {})]\n\n", python(head.after.substr(0, dot)),
                             python(head.after.substr(dot + 1)));
    out +=
        "    operations = [\n"
        "        # A build waits for older transactions; a timeout would leave an invalid index.\n"
        "        migrations.RunSQL(\"SET lock_timeout = 0\", migrations.RunSQL.noop),\n"
        "        migrations.RunSQL(\"SET statement_timeout = 0\", migrations.RunSQL.noop),\n";
    for (const Statement &statement : statements)
        out += indented(commented(statement.comment, "#"), "        ") +
               fmt::format("        migrations.RunSQL(\n            sql={},\n            "
                           "reverse_sql={},\n        ),\n",
                           python(statement.create), python(statement.drop));
    out += "    ]\n";
    return {{"pg_triage_indexes_" + version_of(head.taken_at) + ".py", out}};
}

// Sqitch runs scripts by psql, in no transaction but those that a script begins.
std::vector<MigrationFile> write_sqitch(const MigrationHead &head,
                                        const std::vector<Statement> &statements) {
    const std::string change = "pg_triage_indexes_" + version_of(head.taken_at);
    const std::string requires_line = head.after.empty() ? "" : "-- requires: " + head.after + "\n";
    const std::string add =
        fmt::format("-- Register it with: sqitch add {}{} -n 'Add indexes'\n", change,
                    head.after.empty() ? "" : " --requires " + head.after);
    return {
        {"deploy/" + change + ".sql",
         "-- Deploy " + change + "\n" + requires_line + "\n" + commented(introduction(head), "--") +
             add +
             "-- Builds cannot run inside a transaction block, so there is no BEGIN here.\n\n" +
             timeouts + creations(statements)},
        {"revert/" + change + ".sql", "-- Revert " + change + "\n\n" + drops(statements, "")},
        {"verify/" + change + ".sql", "-- Verify " + change + "\n\n" + validity_check(statements)}};
}

} // namespace

std::vector<MigrationFile> write_migration(MigrationTool tool, const MigrationHead &head,
                                           const std::vector<MigrationIndex> &indexes) {
    const auto statements = statements_of(indexes);
    switch (tool) {
    case MigrationTool::Sql:
        return write_sql(head, statements);
    case MigrationTool::Flyway:
        return write_flyway(head, statements);
    case MigrationTool::Rails:
        return write_rails(head, statements);
    case MigrationTool::Django:
        return write_django(head, statements);
    case MigrationTool::Sqitch:
        return write_sqitch(head, statements);
    }
    return {};
}

} // namespace triage::advisor
