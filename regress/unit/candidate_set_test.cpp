// CandidateSet against std::set, on random sets of members that lie close together or far apart.
#include "core/candidate_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <set>

using namespace triage;

namespace {

using Plain = std::set<CandidateId>;

std::vector<CandidateId> list(const Plain &set) {
    return {set.begin(), set.end()};
}

TEST(CandidateSet, DoesWhatASetDoes) {
    std::mt19937 random(1);
    for (int round = 0; round < 3000; round++) {
        std::size_t base = random() % 3 * 300, spread = round % 2 ? 90 : 900;
        Plain x, y;
        for (std::size_t i = random() % 8; i > 0; i--)
            x.insert(base + random() % spread);
        for (std::size_t i = random() % 8; i > 0; i--)
            y.insert(random() % spread);
        if (round % 5 == 0)
            y.insert(x.begin(), x.end());
        CandidateSet a(list(x)), b(list(y));
        Plain both, either = x, left = x;
        std::set_intersection(x.begin(), x.end(), y.begin(), y.end(),
                              std::inserter(both, both.end()));
        either.insert(y.begin(), y.end());
        for (CandidateId id : y)
            left.erase(id);
        EXPECT_EQ(a.members(), list(x));
        EXPECT_EQ(a.size(), x.size());
        EXPECT_EQ((a & b).members(), list(both));
        EXPECT_EQ((a | b).members(), list(either));
        EXPECT_EQ((a - b).members(), list(left));
        EXPECT_EQ(a & b, CandidateSet(list(both)));
        EXPECT_EQ(a - b, CandidateSet(list(left)));
        EXPECT_EQ(a.intersects(b), !both.empty());
        EXPECT_EQ(a.is_subset_of(b), both == x);
        for (CandidateId id : either)
            EXPECT_EQ(a.contains(id), x.contains(id));
        for (CandidateId id : x)
            a.erase(id);
        EXPECT_EQ(a, CandidateSet());
    }
}

} // namespace
