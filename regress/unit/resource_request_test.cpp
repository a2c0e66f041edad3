#include "core/resource_request.h"

#include <gtest/gtest.h>

namespace triage {
namespace {

TEST(ResourceRequest, IsAHighPercentileWithAMargin) {
    std::vector<double> cores, bytes;
    for (int i = 1; i <= 100; ++i) {
        cores.push_back(i / 100.0);
        bytes.push_back(i * 1e8);
    }
    ResourceRequest request = request_resources(cores, bytes);
    EXPECT_NEAR(request.cpu_cores, 0.9 * 1.15, 1e-9);
    EXPECT_NEAR(request.memory_bytes, 90e8 * 1.15, 1);
}

TEST(ResourceRequest, HasALeastAndKnowsNothingFromNothing) {
    EXPECT_EQ(request_resources({0.001}, {}).cpu_cores, 0.025);
    EXPECT_EQ(request_resources({0.001}, {}).memory_bytes, 0);
}

} // namespace
} // namespace triage
