#include "core/workload.h"

#include <gtest/gtest.h>

using namespace triage;

TEST(Workload, FindsRelationsById) {
    Workload workload;
    EXPECT_EQ(workload.find_relation(1), nullptr);
    for (RelationId id : {3, 7, 9})
        workload.relations.push_back({.id = id, .tuples = id * 10.0});
    EXPECT_EQ(workload.find_relation(7)->tuples, 70);
    EXPECT_EQ(workload.find_relation(9)->tuples, 90);
    for (RelationId missing : {1, 4, 10})
        EXPECT_EQ(workload.find_relation(missing), nullptr);
}
