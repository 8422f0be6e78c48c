#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "pool/pool_test_support.hpp"
#include "procession/process_pool.hpp"
#include "support/begun_thread.hpp"
#include "support/scoped_environment.hpp"

// Options, counts, threads, and the end of a pool.

namespace procession::test {
namespace {

using testing::HasSubstr;

int increment(int number) { return number + 1; }

bool onSerial() { return ProcessPool(2).getWorkerCount() == 1; }

TEST(PoolLifeTest, HasTheWorkersThatWereAskedFor) {
  const int expected = onSerial() ? 1 : 3;
  EXPECT_EQ(ProcessPool(3).getWorkerCount(), expected);
  EXPECT_EQ(ProcessPool({.workerCount = 3}).getWorkerCount(), expected);
  ScopedEnvironment environment;
  environment.set("PROCESSION_WORKERS", "3");
  EXPECT_EQ(ProcessPool().getWorkerCount(), expected);
}

TEST(PoolLifeTest, OptionsThatMakeNoSenseAreNamed) {
  const auto messageOf = [](const PoolOptions& options) -> std::string {
    return thrownBy<std::invalid_argument>([&] { ProcessPool pool(options); }).what();
  };
  EXPECT_THAT(messageOf({.workerCount = -1}), HasSubstr("workerCount is -1"));
  EXPECT_THAT(messageOf({.retries = -2}), HasSubstr("retries is -2"));
  EXPECT_THAT(messageOf({.timeout = std::chrono::milliseconds(-3)}), HasSubstr("timeout is -3"));
  EXPECT_THROW(ProcessPool(-1), std::invalid_argument);
}

TEST(PoolLifeTest, AVeryLongTimeLimitIsNone) {
  ProcessPool pool({.workerCount = 2, .timeout = std::chrono::milliseconds::max()});
  EXPECT_EQ(pool.map(std::vector{1, 2}, &increment), (std::vector{2, 3}));
}

TEST(PoolLifeTest, CountsTheItemsOfAllOperations) {
  ProcessPool pool(2);
  EXPECT_EQ(pool.getProcessedCount(), 0u);
  pool.each(numbersUpTo(1000), [](int) {});
  EXPECT_EQ(pool.getProcessedCount(), 1000u);
  static_cast<void>(pool.reduce(numbersUpTo(10), std::plus<>{}, 0));
  EXPECT_EQ(pool.getProcessedCount(), 1010u);
}

TEST(PoolLifeTest, WorksUntilItIsShutDown) {
  ProcessPool pool(2);
  EXPECT_EQ(pool.map(std::vector{1}, &increment), std::vector{2});
  pool.shutdown();
  pool.shutdown();
  EXPECT_THROW(static_cast<void>(pool.map(std::vector{1}, &increment)), std::logic_error);
  EXPECT_THROW(static_cast<void>(pool.map(std::vector<int>(), &increment)), std::logic_error);
  EXPECT_EQ(pool.getProcessedCount(), 1u);
}

TEST(PoolLifeTest, MovesWithItsWorkers) {
  ProcessPool first(2);
  const auto before = first.map(std::vector{1}, [](int) { return getpid(); });
  ProcessPool second(std::move(first));
  EXPECT_EQ(second.getProcessedCount(), 1u);
  first = ProcessPool(1);
  EXPECT_EQ(first.map(std::vector{1}, &increment), std::vector{2});
  second = std::move(first);
  EXPECT_EQ(second.map(std::vector{1}, &increment), std::vector{2});
}

TEST(PoolLifeTest, MovesWhileSubmissionsAreOpen) {
  ProcessPool first(2);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 100; ++i) {
    futures.push_back(first.submit(&increment, i));
  }
  ProcessPool second(std::move(first));
  futures.push_back(second.submit(&increment, 100));
  for (int i = 0; i <= 100; ++i) {
    EXPECT_EQ(futures[static_cast<std::size_t>(i)].get(), i + 1);
  }
}

TEST(PoolLifeTest, MovesWhileResultsAreTaken) {
  ProcessPool first(2);
  auto results = first.mapUnordered(numbersUpTo(100), &increment);
  auto result = results.begin();
  ProcessPool second(std::move(first));
  int sum = 0;
  for (; result != results.end(); ++result) {
    sum += (*result).value;
  }
  EXPECT_EQ(sum, 5050);
  EXPECT_EQ(second.map(std::vector{1}, &increment), std::vector{2});
}

TEST(PoolLifeTest, AssignedToItEndsWhatIsUnderWay) {
  ProcessPool pool(2);
  auto results = pool.mapUnordered(numbersUpTo(100), &increment);
  auto result = results.begin();
  pool = ProcessPool(2);
  EXPECT_THROW(
      {
        while (result != results.end()) {
          ++result;
        }
      },
      Interrupted);
  EXPECT_EQ(pool.map(std::vector{1}, &increment), std::vector{2});
}

TEST(PoolLifeTest, SeveralPoolsWorkSideBySide) {
  ProcessPool one(2);
  ProcessPool two(3);
  EXPECT_EQ(one.map(std::vector{1}, &increment), std::vector{2});
  EXPECT_EQ(two.map(std::vector{2}, &increment), std::vector{3});
  one.shutdown();
  EXPECT_EQ(two.map(std::vector{3}, &increment), std::vector{4});
}

TEST(PoolLifeTest, ASecondThreadIsToldThatThePoolIsBusy) {
  Gate gate;
  ProcessPool pool(2);
  auto intruder = begunThread<std::jthread>([&] {
    gate.awaitArrivals(1);
    EXPECT_THROW(static_cast<void>(pool.map(std::vector{1}, &increment)), std::logic_error);
    gate.letPass(1);
  });
  const auto wait = [](const std::string& path, int n) {
    Gate::pass(path);
    return n;
  };
  EXPECT_EQ(pool.map(std::vector{7}, bindFront(wait, gate.path())), std::vector{7});
}

TEST(PoolLifeTest, ASecondThreadIsRefusedWhateverItWantsAndTheOperationIsUnharmed) {
  Gate gate;
  ProcessPool pool(2);
  const std::vector<int> one{1};
  const auto add = [](int a, int b) { return a + b; };
  auto intruder = begunThread<std::jthread>([&] {
    gate.awaitArrivals(1);
    EXPECT_THROW(static_cast<void>(pool.filter(one, [](int) { return true; })), std::logic_error);
    EXPECT_THROW(pool.each(one, [](int) {}), std::logic_error);
    EXPECT_THROW(static_cast<void>(pool.reduce(one, add, 0)), std::logic_error);
    EXPECT_THROW(static_cast<void>(pool.aggregate(one, 0, add, add)), std::logic_error);
    EXPECT_THROW(static_cast<void>(pool.mapUnordered(one, &increment)), std::logic_error);
    EXPECT_THROW(static_cast<void>(pool.mapSettled(one, &increment)), std::logic_error);
    EXPECT_THROW(static_cast<void>(pool.submit(&increment, 1)), std::logic_error);
    EXPECT_THROW(pool.shutdown(), std::logic_error);
    gate.letPass(1);
  });
  const auto wait = [](const std::string& path, int n) {
    Gate::pass(path);
    return n;
  };
  EXPECT_EQ(pool.map(std::vector{7}, bindFront(wait, gate.path())), std::vector{7});
  intruder.join();
  EXPECT_EQ(pool.map(one, &increment), std::vector{2});
}

TEST(PoolLifeTest, ThreadsMayEachUseAPoolOfTheirOwn) {
  if (onSerial()) {
    return;  // one process does everything there
  }
  std::vector<std::jthread> threads;
  std::vector<long> sums(3);
  for (long& sum : sums) {
    threads.emplace_back([&sum] {
      ProcessPool pool(2);
      for (int round = 0; round < 20; ++round) {
        sum += pool.mapReduce(
            numbersUpTo(1000), [](int n) { return n + 1L; }, std::plus<>{}, 0L);
      }
    });
  }
  threads.clear();
  EXPECT_EQ(sums, std::vector<long>(3, 20 * 500'500L));
}

TEST(PoolLifeTest, ChunkSizeIsTheLargestRunOfItems) {
  const SharedFile file;
  // The chunk of an item that throws is handed out again: its other items are called twice, and no
  // others.
  const auto throwOnce = [](const std::string& path, int n) {
    const auto lines = SharedFile::linesOf(path);
    const bool isFirst = n == 400 && std::ranges::count(lines, "400") == 0;
    SharedFile::append(path, std::to_string(n));
    return isFirst ? throw std::runtime_error("once") : n;
  };
  const std::vector<int> items = numbersUpTo(450);
  const std::vector<int> tail(items.begin() + 300, items.end());
  ProcessPool pool({.workerCount = 1, .chunkSize = 7, .retries = 1});
  EXPECT_EQ(pool.map(tail, bindFront(throwOnce, file.path())), tail);
  EXPECT_GT(file.lines().size(), tail.size());
  EXPECT_LE(file.lines().size(), tail.size() + 7);
}

TEST(PoolLifeTest, ADeadlineThatHasPassedInterrupts) {
  ProcessPool pool({.workerCount = 2,
                    .chunkSize = 1,
                    .deadline = std::chrono::system_clock::now() - std::chrono::hours(1)});
  const auto error = thrownBy<Interrupted>([&] { pool.each(numbersUpTo(10'000), [](int) {}); });
  EXPECT_THAT(error.what(), HasSubstr("deadline"));
  EXPECT_FALSE(error.getSignal().has_value());
  ProcessPool never({.workerCount = 2, .deadline = std::chrono::system_clock::time_point::max()});
  EXPECT_EQ(never.map(std::vector{1}, &increment), std::vector{2});
}

TEST(PoolLifeTest, AThrowingCallbackIsToldWithItemTypeMessageAndProcess) {
  ProcessPool pool(2);
  const auto check = [](int n) { return n == 4711 ? throw std::out_of_range("no such thing") : n; };
  const auto error =
      thrownBy<TaskError>([&] { static_cast<void>(pool.map(numbersUpTo(10'000), check)); });
  EXPECT_EQ(error.getItem(), 4711u);
  EXPECT_EQ(error.getType(), "std::out_of_range");
  EXPECT_EQ(error.getMessage(), "no such thing");
  EXPECT_GT(error.getPid(), 0);
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  EXPECT_EQ(error.getHost(), host);
  EXPECT_THAT(error.what(), HasSubstr("4711"));
  EXPECT_EQ(pool.map(std::vector{1}, &increment), std::vector{2});
}

TEST(PoolLifeTest, AnythingMayBeThrown) {
  ProcessPool pool(2);
  const auto errorOf = [&](auto callback) {
    return thrownBy<TaskError>([&] {
      static_cast<void>(pool.map(std::vector{1, 2, 3}, callback));
    });
  };
  EXPECT_EQ(errorOf([](int n) { return n == 2 ? throw 42 : n; }).getType(), "int");
  const auto nested = errorOf([](int n) {
    try {
      return n == 1 ? throw std::invalid_argument("inner") : n;
    } catch (...) {
      std::throw_with_nested(std::runtime_error("outer " + std::to_string(n)));
    }
  });
  ASSERT_EQ(nested.getChain().size(), 2u);
  EXPECT_EQ(nested.getItem(), 0u);
  EXPECT_EQ(nested.getMessage(), "outer 1");
  EXPECT_EQ(nested.getChain()[1].type, "std::invalid_argument");
  EXPECT_EQ(errorOf([](int n) { return n == 3 ? throw std::bad_alloc() : n; }).getType(),
            "std::bad_alloc");
}

TEST(PoolLifeTest, EveryOperationNamesTheItem) {
  ProcessPool pool(2);
  const auto items = numbersUpTo(1000);
  const auto itemOf = [&](auto operation) { return thrownBy<TaskError>(operation).getItem(); };
  const auto fail = [](int n) { return n == 700 ? throw std::runtime_error("") : n; };
  const auto add = [](int a, int b) { return b == 700 ? throw std::runtime_error("") : a + b; };
  const auto keep = [](int n) { return n == 700 ? throw std::runtime_error("") : true; };
  EXPECT_EQ(itemOf([&] { static_cast<void>(pool.filter(items, keep)); }), 700u);
  EXPECT_EQ(itemOf([&] { pool.each(items, fail); }), 700u);
  EXPECT_EQ(itemOf([&] { static_cast<void>(pool.mapReduce(items, fail, std::plus<>{}, 0)); }),
            700u);
  EXPECT_EQ(itemOf([&] { static_cast<void>(pool.aggregate(items, 0, add, std::plus<>{})); }), 700u);
}

TEST(PoolLifeTest, RetriesCallAgainForItemsThatThrew) {
  const SharedFile file;
  const auto failTwice = [](const std::string& path, int n) {
    if (n == 5) {
      SharedFile::append(path, "5");
      if (SharedFile::linesOf(path).size() <= 2) {
        throw std::runtime_error("not yet");
      }
    }
    return n;
  };
  ProcessPool pool({.workerCount = 2, .retries = 2});
  EXPECT_EQ(pool.map(numbersUpTo(100), bindFront(failTwice, file.path())), numbersUpTo(100));
  EXPECT_EQ(file.lines().size(), 3u);
  ProcessPool impatient({.workerCount = 2, .retries = 1});
  const SharedFile other;
  EXPECT_EQ(
      thrownBy<TaskError>([&] {
        static_cast<void>(impatient.map(numbersUpTo(100), bindFront(failTwice, other.path())));
      }).getItem(),
      5u);
  EXPECT_EQ(other.lines().size(), 2u);
}

}  // namespace
}  // namespace procession::test
