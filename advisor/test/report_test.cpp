#include "render/report.h"

#include "emit/index_ddl.h"
#include "render/json.h"
#include "render/units.h"

#include <gtest/gtest.h>

#include <sstream>

using namespace triage::advisor;

namespace {

const std::string long_name(63, 'x');

Report full_report() {
    Report report;
    report.identity = {"clinic", "nurse", "15.20", "0.1.0", "2025-11-25T02:10:33+00", false, true};
    report.workflows.push_back({"", 1234567, 0.42, 12.3, 250.0});
    report.workflows.push_back({"clinical_data_analysis", 100, 0.42, 12.3, 250.0});
    StatementFigures statement;
    statement.queryid = 9007199254740993; // needs more than 53 bits
    statement.calls = 1234567;
    statement.total_ms = 7.2e6;
    statement.share = 0.815;
    statement.p50_ms = 1.5;
    statement.workflow = "vital_signs_monitoring";
    statement.data_class = "emergency_data";
    for (int i = 0; i < 40; i++)
        statement.query += "SELECT something FROM " + long_name + " WHERE a = $1 ";
    report.statements.assign(10, statement);
    CostlyAccess access;
    access.relation = "clinic." + long_name;
    access.columns = {"mrn", long_name};
    access.operators = {"equal", "is not null"};
    access.rows_removed = 4e6;
    report.accesses.push_back(access);
    Recommendation recommendation;
    recommendation.id = 12;
    recommendation.kind = "partial";
    recommendation.relation = "clinic." + long_name;
    recommendation.improvement = 0.841;
    recommendation.size_bytes = 1 << 20;
    recommendation.queries = 2;
    recommendation.reason = std::string(300, 'r');
    recommendation.ddl = "CREATE INDEX CONCURRENTLY " + long_name + " ON clinic." + long_name +
                         " USING btree (" + long_name +
                         ", b DESC) INCLUDE (c) WHERE (active AND "
                         "(note = 'kept  together'))";
    report.recommendations.push_back(recommendation);
    Job job;
    job.id = 7;
    job.kind = "create";
    job.status = "kept";
    job.index = long_name;
    job.before_ms = 200;
    job.after_ms = 20;
    job.verdict = "faster";
    report.jobs.push_back(job);
    report.audit.push_back({"2025-11-25 02:10", "operator", "create_index", long_name, 7});
    report.targets.push_back({"p95", 12.3, 2000.0, "ms", "high", true, std::string(200, 'd')});
    report.health.push_back({"preload", false, "not loaded", "Add it."});
    report.health.push_back({"privacy", true, "", ""});
    return report;
}

std::string text_of(const Report &report) {
    return render_text(document_of_report(report), {100, false});
}

bool contains(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST(Report, EveryLineFitsAPage) {
    std::istringstream lines(text_of(full_report()));
    for (std::string line; std::getline(lines, line);)
        EXPECT_LE(display_width(line), 100u) << line;
}

TEST(Report, EveryPartIsThereEvenIfThereIsNothingToTell) {
    for (const Report &report : {Report{}, full_report()}) {
        const std::string markdown = render_markdown(document_of_report(report));
        for (const char *part :
             {"What hurts", "Why", "What to do", "What was done", "Targets", "Health"})
            EXPECT_TRUE(contains(markdown, std::string("\n## ") + part + "\n")) << part;
    }
}

TEST(Report, EstimatedIsCalledEstimatedAndMeasuredIsNot) {
    const std::string text = text_of(full_report());
    EXPECT_TRUE(contains(text, "estimated 84.1 % off the workload"));
    EXPECT_TRUE(contains(text, "-90.0 %"));
}

TEST(Report, WhoSeesOnlyHisOwnStatementsIsTold) {
    Report report = full_report();
    EXPECT_FALSE(contains(text_of(report), "pg_read_all_stats"));
    report.identity.sees_all_statements = false;
    EXPECT_TRUE(contains(text_of(report), "those of nurse only"));
}

TEST(Report, ConditionsComeWithoutValues) {
    Report report = full_report();
    report.accesses[0].relation = "patients";
    report.accesses[0].columns = {"mrn", "active", "note"};
    report.accesses[0].operators = {"equal", "is not null", "other"};
    EXPECT_TRUE(contains(text_of(report), "mrn = ?, active IS NOT NULL"));
}

TEST(Report, JsonHasEverythingInFull) {
    const Json json = Json::parse(json_of_report(full_report()).dump());
    EXPECT_EQ(json["statements"][0]["queryid"], "9007199254740993");
    EXPECT_EQ(json["statements"][0]["p99_ms"], nullptr);
    EXPECT_GT(json["statements"][0]["query"].get<std::string>().size(), 1000u);
    EXPECT_EQ(json["recommendations"][0]["estimated_improvement"], 0.841);
    EXPECT_EQ(json["jobs"][0]["after_ms"], 20.0);
    EXPECT_EQ(json["health"].size(), 2u);
}

TEST(Report, BrokenStatementStaysTheSame) {
    const std::string ddl = full_report().recommendations[0].ddl;
    std::string joined = broken_into_lines(ddl, 92);
    EXPECT_TRUE(contains(joined, "\n    WHERE"));
    EXPECT_TRUE(contains(joined, "'kept  together'"));
    for (auto at = joined.find("\n    "); at != std::string::npos; at = joined.find("\n    "))
        joined.replace(at, 5, " ");
    EXPECT_EQ(joined, ddl);
    EXPECT_EQ(broken_into_lines("CREATE INDEX a ON t (x) WHERE y", 92),
              "CREATE INDEX a ON t (x) WHERE y");
}
