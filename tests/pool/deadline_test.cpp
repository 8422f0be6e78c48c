/// Operations that their deadline ends, on every backend.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <procession/procession.hpp>
#include <ranges>
#include <string>
#include <thread>

#include "pool_test_support.hpp"

namespace procession::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;
using testing::ContainsRegex;

int slow(int n) {
  std::this_thread::sleep_for(milliseconds(2));
  return n;
}

TEST(PoolDeadlineTest, EndsAnOperationBeforeItAndTellsHowFarItCame) {
  const auto deadline = system_clock::now() + milliseconds(1500);
  ProcessPool pool({.workerCount = 2, .deadline = deadline});
  const auto error = thrownBy<Interrupted>([&] { (void)pool.map(numbersUpTo(100'000), slow); });
  EXPECT_LT(system_clock::now(), deadline);
  EXPECT_THAT(error.what(), ContainsRegex("the deadline of the pool, [-0-9]+ [0-9:]+, is near: "
                                          "stopped after [1-9][0-9]* of 100000 items"));
  EXPECT_FALSE(error.getSignal());
}

TEST(PoolDeadlineTest, ChunksInFlightAreDone) {
  // Chunks come back in a few milliseconds, and a tenth of the time is left for that: each item
  // that was begun counts.
  const SharedFile file;
  ProcessPool pool(
      {.workerCount = 2, .chunkSize = 1, .deadline = system_clock::now() + milliseconds(2000)});
  const auto note = [](const std::string& path, int n) {
    SharedFile::append(path, std::to_string(n));
    return slow(n);
  };
  EXPECT_THROW((void)pool.map(numbersUpTo(100'000), bindFront(note, file.path())), Interrupted);
  EXPECT_EQ(pool.getProcessedCount(), file.lines().size());
}

TEST(PoolDeadlineTest, WhatIsDoneOfALongChunkCounts) {
  // The first chunks of so many items are long.
  ProcessPool pool({.workerCount = 2, .deadline = system_clock::now() + milliseconds(1000)});
  EXPECT_THROW((void)pool.map(std::views::iota(0, 10'000'000), slow), Interrupted);
  EXPECT_GT(pool.getProcessedCount(), 0u);
}

TEST(PoolDeadlineTest, WhatIsDoneBeforeIsNotDisturbed) {
  ProcessPool pool({.workerCount = 2, .deadline = system_clock::now() + std::chrono::hours(1)});
  EXPECT_EQ(pool.map(numbersUpTo(50), slow), numbersUpTo(50));
}

TEST(PoolDeadlineTest, EndsStreamsAndFutures) {
  ProcessPool pool({.workerCount = 2, .deadline = system_clock::now() + milliseconds(500)});
  int taken = 0;
  EXPECT_THROW(
      {
        for ([[maybe_unused]] const auto& [index, value] :
             pool.mapUnordered(std::views::iota(0, 100'000), slow)) {
          ++taken;
        }
      },
      Interrupted);
  EXPECT_GT(taken, 0);
  // Of a rank's chunk that is given up, some results may have come.
  EXPECT_GE(static_cast<std::uint64_t>(taken), pool.getProcessedCount());
  std::vector<Future<int>> futures;  // more than there is time for
  futures.reserve(1'000);
  for (int n = 0; n < 1'000; ++n) {
    futures.push_back(pool.submit(slow, n));
  }
  EXPECT_THROW(futures.back().get(), Interrupted);
}

TEST(PoolDeadlineTest, ItemsThatTakeTooLongAreGivenUp) {
  const char* backend = std::getenv("PROCESSION_BACKEND");
  if (backend != nullptr && std::string(backend) == "serial") {
    GTEST_SKIP() << "nobody could end the item";
  }
  ProcessPool pool({.workerCount = 2, .deadline = system_clock::now() + milliseconds(300)});
  const auto forEver = [](int /*n*/) { return pause(); };
  EXPECT_THROW((void)pool.map(numbersUpTo(4), forEver), Interrupted);
  ProcessPool next(2);
  EXPECT_EQ(next.map(numbersUpTo(4), slow), numbersUpTo(4));
}

}  // namespace
}  // namespace procession::test
