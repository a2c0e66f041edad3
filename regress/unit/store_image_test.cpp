#include "core/store_image.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

namespace triage::store_image {
namespace {

constexpr Origin here{15, 42};

StatementRecord a_statement() {
    StatementRecord record;
    record.key = {10, 5, -123456789};
    record.main_relation = 16400;
    record.rows = 7;
    record.sampled = 3;
    record.total_ns = 123456;
    record.first_seen = 1;
    record.last_seen = -2;
    record.current_plan = 4711;
    record.habits[Habit::Columns] = 12;
    record.counts[3] = 5;
    record.counts[200] = std::uint64_t{1} << 39;
    return record;
}

ScanRecord a_scan() {
    ScanRecord record;
    record.key = {10, 5, 99};
    record.relation = 16400;
    ScanSample sample;
    sample.clause_count = 2;
    sample.clauses[0].identity = {2, ClauseOperator::In, Operand::Parameter, 98};
    sample.clauses[0].selectivity = 0.25f;
    sample.clauses[1].identity = {3, ClauseOperator::Range, Operand::Parameter, 97};
    sample.clauses[1].selectivity = 0.5f;
    sample.value_count = 1;
    sample.values[0].clause = 0;
    std::strcpy(sample.values[0].text, "open");
    sample.values[0].sharing_rows = 5000;
    sample.actual_rows = 17;
    record.totals.add(sample);
    return record;
}

PlanRecord a_plan() {
    PlanRecord record;
    record.key = {10, 5, 99};
    record.shape.add({PlanNode::Limit, 0, 0, 0, 0, 0});
    record.shape.add({PlanNode::IndexScanBackward, 1, 0, 0, 16400, 16500});
    record.planid = record.shape.id();
    record.executions = 12;
    record.taken_up = 70;
    record.succeeded = 4712;
    record.times_taken_up = 2;
    record.counts[CoarseBuckets::count - 1] = UINT32_MAX;
    return record;
}

std::vector<unsigned char> bytes_of(const std::string &text) {
    return {text.begin(), text.end()};
}

std::string an_image() {
    Writer writer(here);
    writer.add(a_statement());
    writer.add(a_scan());
    writer.add(a_plan());
    writer.finish(77);
    return writer.pending();
}

struct Recorder : Visitor {
    std::vector<StatementRecord> statements;
    std::vector<ScanRecord> scans;
    std::vector<PlanRecord> plans;
    void statement(const StatementRecord &record) override { statements.push_back(record); }
    void scan(const ScanRecord &record) override { scans.push_back(record); }
    void plan(const PlanRecord &record) override { plans.push_back(record); }
    bool nothing() const { return statements.empty() && scans.empty() && plans.empty(); }
};

Verdict read_image(const std::string &image, Recorder &recorder, Origin origin = here) {
    std::int64_t since = 0;
    const Verdict verdict = read(bytes_of(image), origin, recorder, since);
    if (verdict != Verdict::Good) {
        EXPECT_TRUE(recorder.nothing()) << "a bad image must not be half believed";
    } else {
        EXPECT_EQ(since, 77);
    }
    return verdict;
}

TEST(StoreImage, ComesBackAsItWas) {
    Recorder recorder;
    ASSERT_EQ(read_image(an_image(), recorder), Verdict::Good);
    ASSERT_EQ(recorder.statements.size(), 1u);
    const StatementRecord &statement = recorder.statements[0];
    EXPECT_EQ(statement.key, a_statement().key);
    EXPECT_EQ(statement.counts[200], std::uint64_t{1} << 39);
    EXPECT_EQ(statement.last_seen, -2);
    EXPECT_EQ(statement.current_plan, 4711u);
    EXPECT_EQ(statement.habits.counts, a_statement().habits.counts);
    ASSERT_EQ(recorder.scans.size(), 1u);
    EXPECT_STREQ(recorder.scans[0].totals.values[0].text, "open");
    EXPECT_EQ(hash_of_clauses(recorder.scans[0].totals), hash_of_clauses(a_scan().totals));
    ASSERT_EQ(recorder.scans[0].totals.range_count, 1u);
    EXPECT_EQ(recorder.scans[0].totals.ranges[0].attribute, 3);
    EXPECT_EQ(recorder.scans[0].totals.ranges[0].third, 0.125);
    ASSERT_EQ(recorder.plans.size(), 1u);
    EXPECT_EQ(recorder.plans[0].taken_up, 70);
    EXPECT_EQ(recorder.plans[0].succeeded, 4712u);
    EXPECT_EQ(recorder.plans[0].times_taken_up, 2u);
    EXPECT_EQ(recorder.plans[0].counts[CoarseBuckets::count - 1], UINT32_MAX);
    EXPECT_EQ(recorder.plans[0].shape.id(), a_plan().planid);
    EXPECT_EQ(recorder.plans[0].shape.nodes[1], a_plan().shape.nodes[1]);
}

TEST(StoreImage, TheChecksumGoesOnOverPieces) {
    Writer writer(here);
    std::string image;
    for (int i = 0; i < 3; i++) {
        writer.add(a_statement());
        image += writer.pending();
        writer.clear_pending();
    }
    writer.finish(77);
    image += writer.pending();
    Recorder recorder;
    EXPECT_EQ(read_image(image, recorder), Verdict::Good);
    EXPECT_EQ(recorder.statements.size(), 3u);
}

TEST(StoreImage, RefusesWhatIsNotOurs) {
    Recorder recorder;
    EXPECT_EQ(read_image("", recorder), Verdict::NotOurs);
    EXPECT_EQ(read_image("something else altogether, quite long", recorder), Verdict::NotOurs);
    EXPECT_EQ(read_image(an_image(), recorder, {17, 42}), Verdict::OtherServer);
    EXPECT_EQ(read_image(an_image(), recorder, {15, 43}), Verdict::OtherServer);
    std::string other = an_image();
    other[8]++;
    EXPECT_EQ(read_image(other, recorder), Verdict::OtherFormat);
}

TEST(StoreImage, EveryTruncationIsNoticed) {
    const std::string image = an_image();
    for (std::size_t length = 0; length < image.size(); length++) {
        Recorder recorder;
        EXPECT_NE(read_image(image.substr(0, length), recorder), Verdict::Good) << length;
    }
}

TEST(StoreImage, EveryFlippedBitIsNoticed) {
    const std::string image = an_image();
    for (std::size_t at = 0; at < image.size(); at++)
        for (int bit = 0; bit < 8; bit++) {
            std::string damaged = image;
            damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
            Recorder recorder;
            EXPECT_NE(read_image(damaged, recorder), Verdict::Good) << at << '.' << bit;
        }
}

// Behind a checksum that is right (of a file that somebody made up), too, nothing out of bounds is
// read or handed on.
TEST(StoreImage, RecordsAreCheckedWithoutTheChecksum) {
    const std::string image = an_image();
    const std::string records = image.substr(24, image.size() - 24 - 4);
    std::mt19937 random(1);
    struct Checker : Visitor {
        void statement(const StatementRecord &) override {}
        void scan(const ScanRecord &record) override {
            ASSERT_LE(record.totals.clause_count, unsigned{most_clauses_a_scan});
            ASSERT_LE(record.totals.value_count, unsigned{most_values_a_scan});
            for (std::uint32_t i = 0; i < record.totals.value_count; i++) {
                ASSERT_LT(record.totals.values[i].clause, record.totals.clause_count);
                ASSERT_LE(strnlen(record.totals.values[i].text, longest_kept_value + 1),
                          longest_kept_value);
            }
        }
        void plan(const PlanRecord &record) override {
            ASSERT_LE(record.shape.count, unsigned{PlanShape::most_nodes});
        }
    };
    for (int round = 0; round < 20000; round++) {
        std::string damaged = records;
        for (unsigned changes = 1 + random() % 4; changes > 0; changes--)
            damaged[random() % damaged.size()] = static_cast<char>(random());
        damaged.resize(damaged.size() - (round % 3 == 0 ? random() % damaged.size() : 0));
        Checker checker;
        std::int64_t since;
        read_records(bytes_of(damaged), &checker, since);
    }
}

} // namespace
} // namespace triage::store_image
