#include "core/verdict.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace triage {
namespace {

class Load {
  public:
    explicit Load(unsigned seed) : random_(seed) {}

    // Latencies as servers have them: log-normal around a median.
    LatencyHistogram run(int executions, double median_ms, double spread = 0.5) {
        std::lognormal_distribution<double> latency(std::log(median_ms), spread);
        LatencyHistogram histogram;
        for (int i = 0; i < executions; i++)
            add(histogram, latency(random_));
        return histogram;
    }

    static void add(LatencyHistogram &histogram, double ms, int times = 1) {
        histogram.counts[LatencyBuckets::bucket_of(static_cast<std::uint64_t>(ms * 1e6))] += times;
        histogram.total_ms += ms * times;
    }

  private:
    std::mt19937 random_;
};

Evidence evidence_of(std::vector<StatementEvidence> statements, std::uint64_t scans = 100) {
    return {std::move(statements), scans, false};
}

constexpr VerdictRules at_the_end{0.05, true}, meanwhile{0.05, false};

TEST(Verdict, FasterIsKeptWithItsFigures) {
    Load load(1);
    const Verdict verdict = judge(evidence_of({{load.run(500, 20), load.run(500, 1)}}), at_the_end);
    EXPECT_EQ(verdict.decision, Decision::Keep);
    EXPECT_NEAR(verdict.improvement, 0.95, 0.02);
    EXPECT_NEAR(verdict.before_mean_ms, 20 * std::exp(0.125), 2);
    EXPECT_GT(verdict.before_p95_ms, 10 * verdict.after_p95_ms);
    EXPECT_EQ(verdict.executions, 500u);
    EXPECT_NE(verdict.reason.find("faster"), std::string::npos);
}

TEST(Verdict, ClearImprovementNeedsNotWaitForTheEnd) {
    Load load(2);
    EXPECT_EQ(judge(evidence_of({{load.run(500, 20), load.run(300, 1)}}), meanwhile).decision,
              Decision::Keep);
    EXPECT_EQ(judge(evidence_of({{load.run(500, 20), load.run(50, 1)}}), meanwhile).decision,
              Decision::NotEnoughEvidence);
    EXPECT_EQ(judge(evidence_of({{load.run(500, 20), load.run(300, 1)}}, 0), meanwhile).decision,
              Decision::NotEnoughEvidence)
        << "not used so far, so it was something else";
}

TEST(Verdict, SlowerIsReverted) {
    Load load(3);
    const Verdict verdict =
        judge(evidence_of({{load.run(500, 10), load.run(500, 15)}}), at_the_end);
    EXPECT_EQ(verdict.decision, Decision::Revert);
    EXPECT_NE(verdict.reason.find("slower"), std::string::npos);
}

TEST(Verdict, MicrosecondsAreNoReasonToRevert) {
    Load load(12);
    const Verdict verdict =
        judge(evidence_of({{load.run(500, 0.004), load.run(500, 0.007)}}), at_the_end);
    EXPECT_EQ(verdict.decision, Decision::Keep);
}

TEST(Verdict, OnlyADisasterIsRevertedBeforeTheEnd) {
    Load load(4);
    EXPECT_EQ(judge(evidence_of({{load.run(500, 10), load.run(500, 15)}}), meanwhile).decision,
              Decision::NotEnoughEvidence);
    EXPECT_EQ(judge(evidence_of({{load.run(500, 10), load.run(500, 40)}}), meanwhile).decision,
              Decision::Revert);
}

// The same load on either side, a thousand times: noise alone never takes an index back.
TEST(Verdict, NoiseNeverReverts) {
    for (unsigned seed = 0; seed < 1000; seed++) {
        Load load(seed);
        const Evidence evidence = evidence_of(
            {{load.run(200, 5, 1.0), load.run(200, 5, 1.0)}, {load.run(50, 80), load.run(30, 80)}});
        EXPECT_NE(judge(evidence, at_the_end).decision, Decision::Revert) << seed;
        EXPECT_NE(judge(evidence, meanwhile).decision, Decision::Revert) << seed;
    }
}

TEST(Verdict, AFewStuckExecutionsDecideNothing) {
    Load load(5);
    LatencyHistogram after = load.run(1000, 5);
    Load::add(after, 30000, 5); // behind somebody's lock
    EXPECT_NE(judge(evidence_of({{load.run(1000, 5), after}}), at_the_end).decision,
              Decision::Revert);
}

TEST(Verdict, AskingMoreOfTheSlowStatementIsNotSlower) {
    Load load(6);
    const Evidence evidence = evidence_of(
        {{load.run(1000, 1), load.run(100, 1)}, {load.run(100, 100), load.run(1000, 100)}});
    const Verdict verdict = judge(evidence, at_the_end);
    EXPECT_EQ(verdict.decision, Decision::Keep);
    EXPECT_NEAR(verdict.improvement, 0, 0.1);
}

TEST(Verdict, LittleEvidenceIsSaid) {
    Load load(7);
    const Verdict verdict = judge(evidence_of({{load.run(500, 10), load.run(5, 1)}}), at_the_end);
    EXPECT_EQ(verdict.decision, Decision::NotEnoughEvidence);
    EXPECT_NE(verdict.reason.find("too little evidence"), std::string::npos);
    EXPECT_EQ(judge(evidence_of({}), at_the_end).decision, Decision::NotEnoughEvidence);
    EXPECT_EQ(judge(evidence_of({{LatencyHistogram{}, load.run(500, 1)}}), at_the_end).decision,
              Decision::NotEnoughEvidence)
        << "nothing to compare with";
}

TEST(Verdict, NeverUsedWhileItsStatementsRanIsReverted) {
    Load load(8);
    EXPECT_EQ(judge(evidence_of({{LatencyHistogram{}, load.run(2000, 1)}}, 0), at_the_end).decision,
              Decision::Revert);
    EXPECT_EQ(judge(evidence_of({{load.run(500, 10), load.run(100, 10)}}, 0), at_the_end).decision,
              Decision::Revert);
    EXPECT_EQ(judge(evidence_of({{load.run(500, 10), load.run(5, 10)}}, 0), at_the_end).decision,
              Decision::NotEnoughEvidence);
}

TEST(Verdict, AnUnusedIndexGetsNoCreditForWhatOthersDid) {
    Load load(11);
    Evidence evidence = evidence_of({{load.run(500, 10), load.run(300, 1)}}, 0);
    evidence.overlapping_builds = true;
    EXPECT_EQ(judge(evidence, at_the_end).decision, Decision::Revert);
    EXPECT_EQ(
        judge(evidence_of({{load.run(500, 0.005), load.run(300, 0.003)}}, 0), at_the_end).decision,
        Decision::Revert)
        << "microseconds come and go";
}

TEST(Verdict, ScansMayBeCountedLate) {
    Load load(13);
    const Verdict verdict =
        judge(evidence_of({{load.run(500, 10), load.run(300, 1)}}, 0), at_the_end);
    EXPECT_EQ(verdict.decision, Decision::NotEnoughEvidence);
    EXPECT_NE(verdict.reason.find("no use of it was counted"), std::string::npos);
}

TEST(Verdict, UsedWithoutGainIsKeptAndSaidSo) {
    Load load(9);
    const Verdict verdict =
        judge(evidence_of({{load.run(500, 10), load.run(500, 10)}}), at_the_end);
    EXPECT_EQ(verdict.decision, Decision::Keep);
    EXPECT_NE(verdict.reason.find("no improvement"), std::string::npos);
}

TEST(Verdict, OverlappingBuildsAreNamed) {
    Load load(10);
    Evidence evidence = evidence_of({{load.run(500, 20), load.run(500, 1)}});
    evidence.overlapping_builds = true;
    EXPECT_NE(judge(evidence, at_the_end).reason.find("another index"), std::string::npos);
}

TEST(Verdict, ConstantLatenciesAreComparedToo) {
    LatencyHistogram slow, fast;
    Load::add(slow, 8, 100);
    Load::add(fast, 2, 100);
    EXPECT_EQ(judge(evidence_of({{slow, fast}}), at_the_end).decision, Decision::Keep);
    EXPECT_EQ(judge(evidence_of({{fast, slow}}), at_the_end).decision, Decision::Revert);
    EXPECT_NE(judge(evidence_of({{slow, slow}}), at_the_end).decision, Decision::Revert);
}

} // namespace
} // namespace triage
