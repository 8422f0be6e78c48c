#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "pool/pool_test_support.hpp"
#include "procession/process_pool.hpp"

// Without Application::run workers are forked from the program itself.

namespace procession::test {
namespace {

int globalNumber = 1;

TEST(DirectPoolTest, WorkersSeeTheParentsMemoryAsItWasWhenThePoolWasMade) {
  globalNumber = 2;
  ProcessPool pool(2);
  globalNumber = 3;
  EXPECT_EQ(pool.map(std::vector{0}, [](int) { return globalNumber; }), std::vector{2});
  EXPECT_EQ(pool.map(std::vector{0}, localOnly([](int) { return globalNumber; })), std::vector{3});
}

TEST(DirectPoolTest, WhatCallbacksWriteToMemoryStaysInTheirWorker) {
  ProcessPool pool(1);
  globalNumber = 5;
  pool.each(std::vector{7}, [](int n) { globalNumber = n; });
  EXPECT_EQ(globalNumber, 5);
}

TEST(DirectPoolTest, WorkersAreChildrenOfTheProgram) {
  ProcessPool pool(1);
  EXPECT_EQ(pool.map(std::vector{0}, [](int) { return getppid(); }), std::vector{getpid()});
}

}  // namespace
}  // namespace procession::test
