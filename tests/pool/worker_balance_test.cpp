#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "pool/pool_test_support.hpp"
#include "procession/process_pool.hpp"
#include "support/begun_thread.hpp"

namespace procession::test {
namespace {

// DESIGN section 12: `ceil` chunking leaves workers idle (9 items, 4 workers: 3 work).
TEST(WorkerBalanceTest, AsManyItemsAsWorkersAreAllBegunAtOnce) {
  for (const int workers : {1, 2, 4, 6, 9}) {
    ProcessPool pool(workers);
    Gate gate;
    auto keeper = begunThread<std::jthread>([&] {
      gate.awaitArrivals(static_cast<std::size_t>(workers));
      gate.letPass(static_cast<std::size_t>(workers));
    });
    const auto meet = [](const std::string& path, int n) {
      Gate::pass(path);
      return n;
    };
    EXPECT_EQ(pool.map(numbersUpTo(workers), bindFront(meet, gate.path())), numbersUpTo(workers));
  }
}

/// One item lasts until all others are done.
void runWithOneLongItem(int items, int longItem) {
  ProcessPool pool(3);
  Gate gate;
  auto keeper = begunThread<std::jthread>([&] {
    gate.awaitArrivals(static_cast<std::size_t>(items));
    gate.letPass(1);
  });
  const auto work = [](const std::string& path, int longest, int n) {
    if (n == longest) {
      Gate::pass(path);
    } else {
      Gate::arrive(path);
    }
    return n;
  };
  EXPECT_EQ(pool.map(numbersUpTo(items), bindFront(work, gate.path(), longItem)),
            numbersUpTo(items));
}

TEST(WorkerBalanceTest, TheFirstItemMayLastLong) { runWithOneLongItem(30, 0); }

TEST(WorkerBalanceTest, AnItemMayLastLongWhereTheOthersWereShort) {
  runWithOneLongItem(3000, 1500);
  runWithOneLongItem(3000, 2999);
}

}  // namespace
}  // namespace procession::test
