#include <gtest/gtest.h>

#include <vector>

#include "procession/process_pool.hpp"
#include "support/leak_guard.hpp"

namespace procession::test {
namespace {

// The guard judges this test as any other: the fork server was there before it, the workers are
// gone after it.
TEST(ApplicationMainTest, HasAForkServerAndAPoolLeavesNothingBehind) {
  EXPECT_FALSE(Holdings::take().children.empty());
  ProcessPool pool(2);
  EXPECT_EQ(pool.map(std::vector{1, 2, 3}, [](int n) { return n * n; }), (std::vector{1, 4, 9}));
}

}  // namespace
}  // namespace procession::test
