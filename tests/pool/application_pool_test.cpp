#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "pool/pool_test_support.hpp"
#include "procession/process_pool.hpp"

// Under Application::run, which forked the server of these workers before the tests began.

namespace procession::test {
namespace {

int globalNumber = 1;

TEST(ApplicationPoolTest, WorkersSeeGlobalsAsTheyWereWhenRunBegan) {
  globalNumber = 2;
  ProcessPool pool(2);
  EXPECT_EQ(pool.map(std::vector{0}, [](int) { return globalNumber; }), std::vector{1});
}

TEST(ApplicationPoolTest, LocalOnlyCallbacksSeeThemAsTheyAre) {
  globalNumber = 3;
  ProcessPool pool(2);
  EXPECT_EQ(pool.map(std::vector{0}, localOnly([](int) { return globalNumber; })), std::vector{3});
}

TEST(ApplicationPoolTest, WorkersAreChildrenOfTheForkServer) {
  ProcessPool pool(1);
  EXPECT_NE(pool.map(std::vector{0}, [](int) { return getppid(); }), std::vector{getpid()});
}

}  // namespace
}  // namespace procession::test
