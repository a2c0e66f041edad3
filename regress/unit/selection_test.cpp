// What is selected.
#include "selection_fixture.h"

#include <random>

using namespace triage;
using namespace triage::selection_fixture;

namespace {

TEST(Selection, TakesWhatHelpsAndSaysHowMuch) {
    Fixture f;
    f.relation(1);
    CandidateId good = f.candidate(1, {1}), useless = f.candidate(1, {2});
    f.statement({1}, {{1000, {}}, {10, {good}}, {999, {useless}}}, 5);
    Selection s = f.select();
    ASSERT_EQ(chosen(s), Ids{good});
    EXPECT_DOUBLE_EQ(s.workload_cost_before, 5000);
    EXPECT_DOUBLE_EQ(s.workload_cost_after, 50);
    EXPECT_DOUBLE_EQ(s.lower_bound, 50);
    EXPECT_DOUBLE_EQ(s.indexes[0].cost_before, 5000);
    EXPECT_DOUBLE_EQ(s.indexes[0].cost_after, 50);
    EXPECT_DOUBLE_EQ(s.indexes[0].improvement, 0.99);
    EXPECT_EQ(s.indexes[0].statements, std::vector<std::size_t>{0});
    ASSERT_EQ(s.effects.size(), 1u);
    EXPECT_EQ(s.effects[0].used, Ids{good});
    EXPECT_DOUBLE_EQ(s.effects[0].cost_after, 10);
}

TEST(Selection, NothingToDoIsAnAnswer) {
    Fixture f;
    EXPECT_TRUE(f.select().indexes.empty());
    f.relation(1);
    f.statement({1}, {{1000, {}}});
    EXPECT_TRUE(f.select().indexes.empty());
    f.candidate(1, {1});
    Selection s = f.select();
    EXPECT_TRUE(s.indexes.empty());
    EXPECT_DOUBLE_EQ(s.workload_cost_after, 1000);
}

TEST(Selection, IgnoresGainsWithinThePlannersNoise) {
    Fixture f;
    f.relation(1);
    CandidateId id = f.candidate(1, {1});
    f.statement({1}, {{1000, {}}, {960, {id}}}, 1e6);
    EXPECT_TRUE(f.select().indexes.empty());
    f.limits.min_improvement = 0.03;
    EXPECT_EQ(chosen(f.select()), Ids{id});
}

// 4 % for the heavy statement is noise; 99 % for the light one is not, however little it weighs.
TEST(Selection, ALightStatementsGainIsNotDilutedByAHeavyOne) {
    Fixture f;
    f.relation(1);
    CandidateId id = f.candidate(1, {1});
    f.statement({1}, {{1000, {}}, {960, {id}}}, 1e6);
    f.statement({1}, {{1000, {}}, {10, {id}}}, 1);
    Selection s = f.select();
    ASSERT_EQ(chosen(s), Ids{id});
    EXPECT_EQ(s.indexes[0].statements, std::vector<std::size_t>{1});
}

TEST(Selection, RespectsTheBudgetAndTakesTheBestWithinIt) {
    Fixture f;
    f.relation(1);
    CandidateId large = f.candidate(1, {1}, {}, 100 * megabyte);
    CandidateId small_1 = f.candidate(1, {2}, {}, 40 * megabyte);
    CandidateId small_2 = f.candidate(1, {3}, {}, 40 * megabyte);
    f.statement({1}, {{1000, {}}, {100, {large}}}, 10);
    f.statement({1}, {{1000, {}}, {400, {small_1}}}, 10);
    f.statement({1}, {{1000, {}}, {450, {small_2}}}, 10);
    EXPECT_EQ(chosen(f.select()), (Ids{large, small_1, small_2}));
    f.limits.budget_bytes = 120 * megabyte;
    EXPECT_EQ(chosen(f.select()), (Ids{small_1, small_2}));
    f.limits.budget_bytes = 60 * megabyte;
    EXPECT_EQ(chosen(f.select()), Ids{small_1});
    f.limits.budget_bytes = 10 * megabyte;
    EXPECT_TRUE(f.select().indexes.empty());
}

TEST(Selection, UnderABudgetSmallerIndexesThanTheFavouritesCount) {
    Fixture f;
    f.relation(1);
    std::vector<Plan> plans{{1000, {}}};
    for (AttributeNumber a = 1; a <= 20; a++)
        plans.push_back({10.0 + a, {f.candidate(1, {a}, {}, 5 * megabyte)}});
    CandidateId small = f.candidate(1, {21});
    plans.push_back({100, {small}});
    f.statement({1}, plans);
    f.limits.budget_bytes = megabyte;
    EXPECT_EQ(chosen(f.select()), Ids{small});
}

TEST(Selection, OneIndexGivesWayToTwoThatTogetherSaveMore) {
    Fixture f;
    f.relation(1);
    CandidateId large = f.candidate(1, {1}, {}, 6 * megabyte);
    CandidateId one = f.candidate(1, {2}, {}, 5 * megabyte);
    CandidateId two = f.candidate(1, {3}, {}, 5 * megabyte);
    f.statement({1}, {{1000, {}}, {340, {large}}});
    f.statement({1}, {{1000, {}}, {500, {one}}});
    f.statement({1}, {{1000, {}}, {500, {two}}});
    f.limits.budget_bytes = 10 * megabyte;
    EXPECT_EQ(chosen(f.select()), (Ids{one, two}));
}

TEST(Selection, WithFewIndexesAllowedTheSharedOneWins) {
    Fixture f;
    f.relation(1);
    CandidateId shared = f.candidate(1, {1});
    CandidateId own_1 = f.candidate(1, {2}), own_2 = f.candidate(1, {3});
    f.statement({1}, {{1000, {}}, {200, {shared}}, {10, {own_1}}});
    f.statement({1}, {{1000, {}}, {200, {shared}}, {10, {own_2}}});
    EXPECT_EQ(chosen(f.select()), (Ids{own_1, own_2}));
    f.limits.max_indexes = 1;
    EXPECT_EQ(chosen(f.select()), Ids{shared});
    f.limits.max_indexes = 0;
    EXPECT_TRUE(f.select().indexes.empty());
}

TEST(Selection, AWriteHeavyRelationGetsNoIndex) {
    Fixture f;
    f.relation(1, 0);
    CandidateId id = f.candidate(1, {1});
    f.statement({1}, {{1000, {}}, {10, {id}}}, 100);
    Selection s = f.select();
    ASSERT_EQ(chosen(s), Ids{id});
    EXPECT_EQ(s.indexes[0].write_cost, 0);

    f.workload.relations[0].inserted = 10000; // costs something, yet less than it saves
    s = f.select();
    ASSERT_EQ(chosen(s), Ids{id});
    EXPECT_GT(s.indexes[0].write_cost, 1000);

    f.workload.relations[0].inserted = 1e7;
    EXPECT_TRUE(f.select().indexes.empty());
}

TEST(Selection, IndexesThatHelpOnlyTogetherAreFound) {
    Fixture f;
    f.relation(1);
    f.relation(2);
    CandidateId a = f.candidate(1, {1}), b = f.candidate(2, {1});
    f.statement({1, 2}, {{1000, {}}, {1000.5, {a}}, {1000.5, {b}}, {10, {a, b}}});
    EXPECT_EQ(chosen(f.select()), (Ids{a, b}));
    f.limits.max_indexes = 1;
    EXPECT_TRUE(f.select().indexes.empty());
}

TEST(Selection, APrefixPairIsNeverChosenTogether) {
    Fixture f;
    f.relation(1);
    CandidateId narrow = f.candidate(1, {1}, {}, megabyte);
    CandidateId wide = f.candidate(1, {1, 2}, {}, 3 * megabyte);
    f.statement({1}, {{1000, {}}, {10, {narrow}}, {20, {wide}}});
    f.statement({1}, {{1000, {}}, {500, {narrow}}, {10, {wide}}});
    EXPECT_EQ(chosen(f.select()), Ids{wide});
    // Where only the narrow one fits, it is taken.
    f.limits.budget_bytes = 2 * megabyte;
    EXPECT_EQ(chosen(f.select()), Ids{narrow});
}

TEST(Selection, ANarrowerPartialIndexStaysOnlyIfTheFullOneIsFarCostlier) {
    for (double by_partial : {90.0, 40.0}) {
        Fixture f;
        f.relation(1);
        CandidateId full = f.candidate(1, {1}), open = f.candidate(1, {1}, {"status = 'open'"});
        f.statement({1}, {{1000, {}}, {10, {full}}});
        f.statement({1}, {{1000, {}}, {100, {full}}, {by_partial, {open}}});
        Ids expected = by_partial == 40 ? Ids{full, open} : Ids{full};
        EXPECT_EQ(chosen(f.select()), expected) << by_partial;
    }
}

TEST(Selection, APartialIndexThatDoesAboutAsWellTakesThePlaceOfAFullOne) {
    Fixture f;
    f.relation(1);
    CandidateId full = f.candidate(1, {1, 2}),
                partial = f.candidate(1, {2}, {"open"}, megabyte / 10),
                slow = f.candidate(1, {3}, {"open"}, megabyte / 100);
    f.statement({1}, {{1000, {}}, {25, {full}}, {40, {partial}}, {60, {slow}}});
    EXPECT_EQ(chosen(f.select()), Ids{partial});

    // Three times as much, but of next to nothing.
    Fixture cheap;
    cheap.relation(1);
    full = cheap.candidate(1, {1, 2});
    partial = cheap.candidate(1, {2}, {"open"}, megabyte / 10);
    cheap.statement({1}, {{5000, {}}, {37, {full}}, {111, {partial}}});
    EXPECT_EQ(chosen(cheap.select()), Ids{partial});
}

TEST(Selection, OfThePartialIndexesThatDoTheOneWithMostKeysTakesThePlace) {
    Fixture f;
    f.relation(1);
    CandidateId full = f.candidate(1, {1, 2}), cheap = f.candidate(1, {3}, {"open"}, megabyte / 12),
                two_keys = f.candidate(1, {1, 2}, {"open"}, megabyte / 10);
    f.statement({1}, {{1000, {}}, {25, {full}}, {30, {cheap}}, {45, {two_keys}}});
    EXPECT_EQ(chosen(f.select()), Ids{two_keys});
}

// Of the key of a join that no plan looks up nobody has anything; an order is worth having even
// where the planner does not see it.
TEST(Selection, KeysOfJoinsThatChangeNothingAreLeftOut) {
    for (bool through_full : {false, true}) {
        Fixture f;
        f.relation(1);
        CandidateId joined = f.candidate(1, {1, 2, 3}, {"open"}, megabyte / 10),
                    plain = f.candidate(1, {1, 3}, {"open"}, megabyte / 10);
        std::vector<Plan> plans = {{1000, {}}, {40, {joined}}, {40, {plain}}};
        if (through_full) {
            plans.push_back({40, {f.candidate(1, {1}, {"open"}, megabyte / 11)}});
            plans.push_back({25, {f.candidate(1, {1, 2, 3})}});
        }
        std::size_t statement = f.statement({1}, plans);
        RelationAccess &access = f.workload.statements[statement].accesses[0];
        access.clauses = {{.key = {1, {}}, .op = ClauseOperator::Equal},
                          {.key = {2, {}}, .op = ClauseOperator::Equal, .operand = Operand::Join}};
        access.order_by = {{.key = {3, {}}}};
        EXPECT_EQ(chosen(f.select()), Ids{plain}) << through_full;
    }
}

TEST(Selection, OfPartialIndexesWithAsManyKeysTheCheapestTakesThePlace) {
    Fixture f;
    f.relation(1);
    CandidateId full = f.candidate(1, {1, 2}), good = f.candidate(1, {2}, {"open"}, megabyte / 10),
                small = f.candidate(1, {3}, {"open"}, megabyte / 12);
    f.statement({1}, {{1000, {}}, {25, {full}}, {27, {good}}, {45, {small}}});
    EXPECT_EQ(chosen(f.select()), Ids{good});
}

TEST(Selection, APartialIndexTakesNoPlaceThatOtherStatementsNeed) {
    Fixture f;
    f.relation(1);
    CandidateId full = f.candidate(1, {1, 2}),
                partial = f.candidate(1, {2}, {"open"}, megabyte / 10);
    f.statement({1}, {{1000, {}}, {25, {full}}, {26, {partial}}}, 10);
    f.statement({1}, {{1000, {}}, {25, {full}}}, 1);
    EXPECT_EQ(chosen(f.select()), Ids{full});
}

TEST(Selection, APartialIndexOfAboutTheSameSizeIsNoBetter) {
    Fixture f;
    f.relation(1);
    CandidateId full = f.candidate(1, {1, 2}),
                partial = f.candidate(1, {2}, {"active"}, 0.9 * megabyte);
    f.statement({1}, {{1000, {}}, {25, {full}}, {26, {partial}}});
    EXPECT_EQ(chosen(f.select()), Ids{full});
}

TEST(Selection, IncludedColumnsThatSaveLittleBesideTheKeysAreLeftOut) {
    Fixture f;
    f.relation(1);
    CandidateId plain = f.candidate(1, {1}, {}, megabyte),
                covering = f.candidate(1, {1}, {}, 3 * megabyte);
    f.candidates[covering].definition.include = {5, 6};
    f.statement({1}, {{1000, {}}, {30, {plain}}, {5, {covering}}});
    EXPECT_EQ(chosen(f.select()), Ids{plain});
}

TEST(Selection, KeysAreNotLeftOutForTheirSize) {
    Fixture f;
    f.relation(1);
    CandidateId shorter = f.candidate(1, {1}, {}, megabyte),
                covering = f.candidate(1, {1, 2}, {}, 3 * megabyte);
    f.candidates[covering].definition.include = {5, 6};
    f.statement({1}, {{1000, {}}, {30, {shorter}}, {5, {covering}}});
    EXPECT_EQ(chosen(f.select()), Ids{covering});
}

TEST(Selection, IncludedColumnsThatSaveMuchStay) {
    Fixture f;
    f.relation(1);
    CandidateId plain = f.candidate(1, {1}, {}, megabyte),
                covering = f.candidate(1, {1}, {}, 3 * megabyte);
    f.candidates[covering].definition.include = {5, 6};
    f.statement({1}, {{1000, {}}, {400, {plain}}, {50, {covering}}});
    EXPECT_EQ(chosen(f.select()), Ids{covering});
}

TEST(Selection, AnIndexThatIsNobodysFavouriteMayServeSeveral) {
    Fixture f;
    f.relation(1);
    CandidateId a = f.candidate(1, {1}), b_a = f.candidate(1, {2, 1});
    CandidateId a_b_c = f.candidate(1, {1, 2, 3});
    f.statement({1}, {{1000, {}}, {10, {a}}, {12, {a_b_c}}});
    f.statement({1}, {{1000, {}}, {300, {a}}, {10, {b_a}}, {12, {a_b_c}}});
    f.limits.max_indexes = 1;
    EXPECT_EQ(chosen(f.select()), Ids{a_b_c});
}

TEST(Selection, GenericPlansDecideBetweenPartialAndFull) {
    auto with_share = [](double generic_share) {
        Fixture f;
        f.relation(1);
        CandidateId full = f.candidate(1, {1}, {}, 20 * megabyte);
        CandidateId partial = f.candidate(1, {1}, {"status = 'open'"}, 2 * megabyte);
        auto s = f.statement({1}, {{1000, {}}, {20, {full}}, {10, {partial}}}, 100,
                             Operand::Parameter, generic_share);
        f.planner.generic[s] = {{1000, {}}, {20, {full}}};
        return std::pair(f.select(), std::pair(full, partial));
    };
    auto [custom, ids] = with_share(0);
    ASSERT_EQ(chosen(custom), Ids{ids.second});
    EXPECT_FALSE(custom.indexes[0].generic_plan_ok);
    EXPECT_DOUBLE_EQ(custom.effects[0].generic_cost_after, 1000);
    EXPECT_DOUBLE_EQ(custom.effects[0].cost_after, 10);

    auto [generic, same_ids] = with_share(0.9);
    ASSERT_EQ(chosen(generic), Ids{same_ids.first});
    EXPECT_TRUE(generic.indexes[0].generic_plan_ok);
    EXPECT_DOUBLE_EQ(generic.effects[0].generic_cost_after, 20);
    EXPECT_DOUBLE_EQ(generic.workload_cost_before, 100 * 1000);
    EXPECT_DOUBLE_EQ(generic.workload_cost_after, 100 * 20);
}

TEST(Selection, WithoutParametersThereIsNoGenericPlan) {
    Fixture f;
    f.relation(1);
    CandidateId id = f.candidate(1, {1}, {"active"});
    auto s = f.statement({1}, {{1000, {}}, {10, {id}}}, 1, Operand::Literal, 1.0);
    f.planner.generic[s] = {{1000, {}}};
    Selection selection = f.select();
    ASSERT_EQ(chosen(selection), Ids{id});
    EXPECT_TRUE(selection.indexes[0].generic_plan_ok);
    EXPECT_EQ(selection.effects[0].generic_cost_before, 0);
}

// The planner thinks the two statements equal; the clock says one takes a hundred times as long.
TEST(Selection, MeasuredTimeOutweighsThePlannersGuess) {
    Fixture f;
    f.relation(1);
    f.relation(2);
    CandidateId quick = f.candidate(1, {1}), slow = f.candidate(2, {1});
    f.statement({1}, {{1000, {}}, {500, {quick}}}, 10);
    f.statement({2}, {{1000, {}}, {600, {slow}}}, 10);
    f.limits.max_indexes = 1;
    EXPECT_EQ(chosen(f.select()), Ids{quick});
    f.workload.statements[0].mean_ms = 1;
    f.workload.statements[1].mean_ms = 50;
    Selection s = f.select();
    EXPECT_EQ(chosen(s), Ids{slow});
    // On the common scale costs are to each other as the times are.
    EXPECT_NEAR(s.workload_cost_before / s.indexes[0].cost_before, 51.0 / 50, 1e-9);
}

// What the writers' time tells about the planner's unit must not shrink what readers gain.
TEST(Selection, WritersDoNotSetTheScale) {
    auto weighted_before = [](bool with_writers) {
        Fixture f;
        f.relation(1);
        CandidateId id = f.candidate(1, {1});
        f.statement({1}, {{1000, {}}, {10, {id}}}, 10);
        f.workload.statements[0].mean_ms = 200;
        if (with_writers) {
            f.statement({}, {{0.01, {}}}, 1e7); // INSERT ... VALUES
            f.statement({1}, {{8, {}}}, 1e6);
            f.workload.statements[1].mean_ms = 0.1;
            f.workload.statements[2].mean_ms = 0.5;
            f.workload.statements[2].accesses[0].is_target = true;
        }
        return f.select().indexes.at(0).cost_before;
    };
    EXPECT_DOUBLE_EQ(weighted_before(false), 10000);
    EXPECT_DOUBLE_EQ(weighted_before(true), 10000);
}

TEST(Selection, StatementsThatCannotBePlannedAreSkipped) {
    Fixture f;
    f.relation(1);
    CandidateId id = f.candidate(1, {1});
    f.statement({1}, {{5000, {}}});
    f.statement({1}, {{1000, {}}, {10, {id}}});
    f.planner.unplannable = {0};
    Selection s = f.select();
    EXPECT_EQ(chosen(s), Ids{id});
    ASSERT_EQ(s.effects.size(), 1u);
    EXPECT_EQ(s.effects[0].statement, 1u);
    EXPECT_DOUBLE_EQ(s.workload_cost_before, 1000);
}

TEST(Selection, InterruptsComeThroughWhereverTheyHappen) {
    for (std::size_t at = 1;; at++) {
        Fixture f;
        f.relation(1);
        CandidateId a = f.candidate(1, {1}), b = f.candidate(1, {2});
        f.statement({1}, {{1000, {}}, {10, {a}}});
        f.statement({1}, {{1000, {}}, {10, {b}}});
        f.planner.fail_at = at;
        try {
            f.select();
            EXPECT_GT(at, 4u);
            break;
        } catch (const std::runtime_error &) {
        }
    }
}

double objective(const Fixture &f, unsigned subset) {
    double total = 0;
    for (CandidateId id = 0; id < f.candidates.size(); id++)
        if (subset >> id & 1)
            total += maintenance_cost(f.workload, f.candidates[id]);
    for (std::size_t s = 0; s < f.workload.statements.size(); s++) {
        double best = INFINITY;
        for (const Plan &p : f.planner.custom.at(s))
            if (std::all_of(p.needs.begin(), p.needs.end(),
                            [&](CandidateId id) { return subset >> id & 1; }))
                best = std::min(best, p.cost);
        total += f.workload.statements[s].calls * best;
    }
    return total;
}

bool within_limits(const Fixture &f, unsigned subset) {
    double bytes = 0;
    std::size_t count = 0;
    for (CandidateId id = 0; id < f.candidates.size(); id++)
        if (subset >> id & 1) {
            bytes += f.candidates[id].size.bytes;
            count++;
        }
    return bytes <= f.limits.budget_bytes && count <= f.limits.max_indexes;
}

// Random small cases against every possible subset.
TEST(Selection, IsAsGoodAsTryingEverySubset) {
    std::mt19937 random(7);
    auto between = [&](int low, int high) {
        return low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1));
    };
    int optimal = 0;
    constexpr int cases = 400;
    for (int round = 0; round < cases; round++) {
        Fixture f;
        f.relation(1, round % 3 ? between(0, 3000) : 0);
        f.limits.min_improvement = 0;
        constexpr int candidates = 9;
        for (AttributeNumber i = 1; i <= candidates; i++)
            f.candidate(1, {i}, {}, between(1, 50) * megabyte);
        int statements = between(1, 8);
        for (int s = 0; s < statements; s++) {
            std::vector<Plan> plans{{1000, {}}};
            for (int p = between(1, 5); p > 0; p--) {
                CandidateId one = static_cast<CandidateId>(between(0, candidates - 1));
                CandidateId two = static_cast<CandidateId>(between(0, candidates - 1));
                double cost = between(1, 1000);
                if (one == two || p % 2)
                    plans.push_back({cost, {one}});
                else
                    plans.push_back({cost, {std::min(one, two), std::max(one, two)}});
            }
            f.statement({1}, plans, between(1, 20));
        }
        if (round % 2)
            f.limits.budget_bytes = between(10, 150) * megabyte;
        if (round % 5 == 0)
            f.limits.max_indexes = static_cast<std::size_t>(between(1, 4));

        double best = INFINITY;
        for (unsigned subset = 0; subset < 1u << candidates; subset++)
            if (within_limits(f, subset))
                best = std::min(best, objective(f, subset));

        Selection selection = f.select();
        unsigned subset = 0;
        for (CandidateId id : chosen(selection))
            subset |= 1u << id;
        double got = objective(f, subset);
        ASSERT_TRUE(within_limits(f, subset));
        double upkeep = 0;
        for (const ChosenIndex &index : selection.indexes)
            upkeep += index.write_cost;
        EXPECT_NEAR(got, selection.workload_cost_after + upkeep, 1e-6 * got);
        EXPECT_LE(selection.lower_bound, selection.workload_cost_after * (1 + 1e-12));

        double nothing = objective(f, 0);
        EXPECT_GE(nothing - got, 0.9 * (nothing - best)) << "round " << round;
        optimal += got <= best * (1 + 1e-9);
    }
    EXPECT_GE(optimal, cases * 97 / 100) << optimal << " of " << cases;
}

TEST(Selection, IsDeterministic) {
    auto once = [] {
        Fixture f;
        f.relation(1);
        std::vector<Plan> plans{{1000, {}}};
        for (AttributeNumber i = 1; i <= 40; i++)
            plans.push_back({100, {f.candidate(1, {i})}}); // all alike
        f.statement({1}, plans);
        f.statement({1}, plans);
        return chosen(f.select());
    };
    EXPECT_EQ(once(), once());
    EXPECT_EQ(once().size(), 1u);
}

} // namespace
