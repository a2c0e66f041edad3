#include "demo/figures.h"
#include "demo/result.h"
#include "demo/workflow.h"

#include <gtest/gtest.h>

using namespace triage::advisor;

namespace {

// Ends at that second, took that many milliseconds.
Sample sample(std::size_t workflow, double ended, double ms) {
    return {workflow, ended, ms};
}

Figures around(double mean, double error) {
    Figures figures;
    figures.transactions = 100;
    figures.mean_ms = mean;
    figures.mean_error_ms = error;
    return figures;
}

WorkflowResult workflow(const std::string &name, bool writes, double before, double after) {
    return {name, writes, around(before, before / 100), around(after, after / 100)};
}

const DemoCheck &find(const std::vector<DemoCheck> &checks, const std::string &what) {
    for (const DemoCheck &check : checks)
        if (check.what.find(what) != std::string::npos)
            return check;
    throw std::out_of_range(what);
}

} // namespace

TEST(Workflow, IsReadFromTheScriptsFirstLine) {
    const auto it =
        parse_workflow("-- workflow: latest vitals; kind: read; weight: 6\nSELECT 1;\n");
    ASSERT_TRUE(it);
    EXPECT_EQ(it->name, "latest vitals");
    EXPECT_FALSE(it->writes);
    EXPECT_EQ(it->weight, 6);
    EXPECT_TRUE(parse_workflow("-- workflow: a; kind: write; weight: 1\n")->writes);
    for (const char *script :
         {"", "SELECT 1;", "-- workflow: a; kind: other; weight: 1\n",
          "-- workflow: a; kind: read; weight: 0\n", "\n-- workflow: a; kind: read; weight: 1\n"})
        EXPECT_FALSE(parse_workflow(script)) << script;
}

TEST(Workflow, TextParametersTakeTheProtocolsForm) {
    const std::string script = "SELECT :'mrn', :id, '12:30', x::text;";
    EXPECT_EQ(script_for(Protocol::Simple, script), "SELECT ':mrn', :id, '12:30', x::text;");
    EXPECT_EQ(script_for(Protocol::Prepared, script), "SELECT :mrn, :id, '12:30', x::text;");
}

TEST(Figures, ReadPgbenchsLog) {
    const auto it = parse_sample("1 42 2500 3 1700000000 250000");
    ASSERT_TRUE(it);
    EXPECT_EQ(it->workflow, 3u);
    EXPECT_DOUBLE_EQ(it->ms, 2.5);
    EXPECT_NEAR(it->ended, 1700000000.25, 1e-6);
    EXPECT_NEAR(it->began(), 1700000000.2475, 1e-6);
    for (const char *line : {"", "1 42 2500 3 1700000000", "1 42 skipped 3 1700000000 250000",
                             "1 42 2500 3 1700000000 2500x"})
        EXPECT_FALSE(parse_sample(line)) << line;
}

TEST(Figures, CountOnlyTheirWorkflowAndInterval) {
    std::vector<Sample> samples;
    for (int i = 1; i <= 100; i++)
        samples.push_back(sample(1, 10 + i / 100.0, i));
    samples.push_back(sample(1, 9.9, 5000));
    samples.push_back(sample(2, 10.5, 5000));
    const Figures figures = figures_of(samples, 1, {10, 12});
    EXPECT_EQ(figures.transactions, 100u);
    EXPECT_DOUBLE_EQ(figures.per_second, 50);
    EXPECT_DOUBLE_EQ(*figures.mean_ms, 50.5);
    EXPECT_DOUBLE_EQ(*figures.p50_ms, 50);
    EXPECT_DOUBLE_EQ(*figures.p95_ms, 95);
    EXPECT_DOUBLE_EQ(*figures.p99_ms, 99);
    EXPECT_DOUBLE_EQ(*figures.max_ms, 100);
    EXPECT_NEAR(figures.mean_error_ms, 2.901, 0.001);

    const Figures none = figures_of(samples, 7, {10, 12});
    EXPECT_EQ(none.transactions, 0u);
    EXPECT_FALSE(none.mean_ms);
}

TEST(Figures, LongestWaitIsOfWhatOverlapsTheInterval) {
    const std::vector<bool> writes = {false, true};
    const std::vector<Sample> samples = {sample(1, 10.1, 500), // began before, ended inside
                                         sample(1, 25, 4000),  // began after the end
                                         sample(1, 9, 8000),   // ended before the start
                                         sample(0, 12, 9000)}; // does not write
    EXPECT_DOUBLE_EQ(*longest_ms(samples, writes, {10, 20}), 500);
    EXPECT_FALSE(longest_ms(samples, writes, {30, 40}));
}

TEST(Figures, NoiseIsNotSlower) {
    EXPECT_TRUE(got_slower(around(10, 0.1), around(15, 0.1)));
    EXPECT_FALSE(got_slower(around(10, 3), around(15, 3)));           // chance
    EXPECT_FALSE(got_slower(around(10, 0.01), around(10.5, 0.01)));   // a twentieth
    EXPECT_FALSE(got_slower(around(0.2, 0.001), around(0.4, 0.001))); // nobody waits for that
    EXPECT_FALSE(got_slower(around(10, 0.1), Figures{}));
}

TEST(Figures, Median) {
    EXPECT_FALSE(median({}));
    EXPECT_DOUBLE_EQ(*median({3}), 3);
    EXPECT_DOUBLE_EQ(*median({9, 1, 3}), 3);
    EXPECT_DOUBLE_EQ(*median({4, 1, 9, 2}), 3);
}

TEST(Demo, PassesOnlyIfReadsGotFasterAndNothingFailed) {
    DemoResult good;
    good.workflows = {workflow("a", false, 100, 1), workflow("b", false, 50, 10),
                      workflow("w", true, 2, 2)};
    BuiltIndex index;
    index.name = "i";
    index.job.status = "kept";
    index.scans = 7;
    good.loop.indexes = {index};
    for (const DemoCheck &check : check_demo(good))
        EXPECT_TRUE(check.ok) << check.what << ": " << check.detail;
    EXPECT_NEAR(*median_read_improvement(good), 0.895, 1e-9);

    DemoResult bad = good;
    bad.loop.indexes[0].scans = 0;
    EXPECT_FALSE(find(check_demo(bad), "is used").ok);
    bad = good;
    bad.loop.indexes[0].job.status = "failed";
    EXPECT_FALSE(find(check_demo(bad), "build succeeded").ok);
    bad = good;
    bad.loop.indexes.clear();
    EXPECT_FALSE(find(check_demo(bad), "were recommended").ok);
    bad = good;
    bad.loop.invalid_indexes = 1;
    EXPECT_FALSE(find(check_demo(bad), "invalid").ok);
    bad = good;
    bad.workflows[2] = workflow("w", true, 2, 20);
    EXPECT_FALSE(find(check_demo(bad), "got slower").ok);
    bad = good;
    bad.workflows[0] = workflow("a", false, 100, 90);
    bad.workflows[1] = workflow("b", false, 100, 70);
    EXPECT_FALSE(find(check_demo(bad), "less time").ok);
    bad = good;
    bad.workflows[1].after = Figures{};
    EXPECT_FALSE(find(check_demo(bad), "ran before and after").ok);
}
