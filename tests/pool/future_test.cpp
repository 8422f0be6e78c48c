#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include "pool/pool_test_support.hpp"
#include "procession/node_shared.hpp"
#include "procession/process_pool.hpp"
#include "support/crash.hpp"

// What submit, Future and asCompleted promise on every backend.

namespace procession::test {
namespace {

using namespace std::chrono_literals;

static_assert(std::ranges::input_range<CompletedFutures<int>>);
static_assert(!std::is_copy_constructible_v<Future<int>>);

int add(int a, int b) { return a + b; }
int twice(int n) { return 2 * n; }

class PoolFutureTest : public testing::Test {
 protected:
  ProcessPool pool_{3};
};

TEST_F(PoolFutureTest, GivesTheResultOfTheCall) {
  Future<int> sum = pool_.submit(add, 2, 3);
  Future<std::string> text =
      pool_.submit([](const std::string& first,
                      std::vector<int> rest) { return first + std::to_string(rest.size()); },
                   std::string("n="), std::vector{1, 2, 3});
  const int factor = 7;
  Future<int> closure = pool_.submit([factor](int n) { return factor * n; }, 6);
  Future<int> bound = pool_.submit(bindFront(add, 40), 2);
  EXPECT_EQ(bound.get(), 42);
  EXPECT_EQ(sum.get(), 5);
  EXPECT_EQ(text.get(), "n=3");
  EXPECT_EQ(closure.get(), 42);
}

TEST_F(PoolFutureTest, GetMayBeCalledAgainAndGivesAValueOfItsOwn) {
  const auto future = pool_.submit([] { return std::make_unique<int>(5); });
  const std::unique_ptr<int> first = future.get();
  const std::unique_ptr<int> second = future.get();
  EXPECT_NE(first, second);
  EXPECT_EQ(*first + *second, 10);
}

TEST_F(PoolFutureTest, OfVoidTellsThatTheCallWasMade) {
  const SharedFile file;
  Future<void> future =
      pool_.submit([](const std::string& path) { SharedFile::append(path, "x"); }, file.path());
  future.get();
  EXPECT_EQ(file.lines(), std::vector<std::string>{"x"});
}

TEST_F(PoolFutureTest, ManyAreAllDoneWhateverTheOrderInWhichTheyAreAsked) {
  std::vector<Future<int>> futures;
  for (int i = 0; i < 20'000; ++i) {
    futures.push_back(pool_.submit(twice, i));
  }
  for (int i = 19'999; i >= 0; --i) {
    ASSERT_EQ(futures[static_cast<std::size_t>(i)].get(), 2 * i);
  }
}

TEST_F(PoolFutureTest, AFailureIsThatOfOneCallAlone) {
  std::vector<Future<int>> futures;
  for (int i = 0; i < 1000; ++i) {
    futures.push_back(pool_.submit(
        [](int n) {
          if (n % 100 == 50) {
            throw std::out_of_range("no " + std::to_string(n));
          }
          return n;
        },
        i));
  }
  for (int i = 0; i < 1000; ++i) {
    const auto& future = futures[static_cast<std::size_t>(i)];
    if (i % 100 == 50) {
      const auto error = thrownBy<TaskError>([&] { (void)future.get(); });
      EXPECT_EQ(error.getType(), "std::out_of_range");
      EXPECT_EQ(error.getMessage(), "no " + std::to_string(i));
      EXPECT_NE(error.getPid(), 0);
      EXPECT_THROW((void)future.get(), TaskError) << "again";
    } else {
      ASSERT_EQ(future.get(), i);
    }
  }
}

TEST_F(PoolFutureTest, WaitThrowsNothingThatTheCallCameTo) {
  const auto future = pool_.submit([]() -> int { throw std::runtime_error("bad"); });
  future.wait();
  EXPECT_TRUE(future.isReady());
  EXPECT_TRUE(future.waitFor(0s));
  EXPECT_THROW((void)future.get(), TaskError);
}

TEST_F(PoolFutureTest, OtherOperationsCompleteWhatWasSubmittedFirst) {
  const SharedFile file;
  const auto note = [](const std::string& path, int n) {
    SharedFile::append(path, std::to_string(n));
    return n;
  };
  std::vector<Future<int>> futures;
  for (int i = 0; i < 100; ++i) {
    futures.push_back(pool_.submit(note, file.path(), i));
  }
  EXPECT_EQ(pool_.map(std::vector{1, 2}, twice), (std::vector{2, 4}));
  EXPECT_EQ(file.lines().size(), 100u);
  EXPECT_EQ(pool_.getProcessedCount(), 102u);
  EXPECT_EQ(pool_.submit(twice, 4).get(), 8);
  EXPECT_EQ(futures.back().get(), 99);
}

TEST_F(PoolFutureTest, AsCompletedYieldsEachFutureOnce) {
  std::vector<Future<int>> futures;
  for (int i = 0; i < 1000; ++i) {
    futures.push_back(pool_.submit(twice, i));
  }
  std::vector<int> results;
  for (Future<int>& future : pool_.asCompleted(futures)) {
    EXPECT_TRUE(future.isReady());
    results.push_back(future.get());
  }
  std::ranges::sort(results);
  ASSERT_EQ(results.size(), 1000u);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(results[static_cast<std::size_t>(i)], 2 * i);
  }
}

TEST_F(PoolFutureTest, AsCompletedTakesFuturesOfSeveralPoolsAndNone) {
  ProcessPool other(2);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 50; ++i) {
    futures.push_back((i % 2 == 0 ? pool_ : other).submit(twice, i));
  }
  long sum = 0;
  for (const Future<int>& future : asCompleted(futures)) {
    sum += future.get();
  }
  EXPECT_EQ(sum, 49 * 50);
  futures.clear();
  auto none = asCompleted(futures);
  EXPECT_TRUE(none.begin() == none.end());
}

TEST_F(PoolFutureTest, OutlivesThePool) {
  std::optional<ProcessPool> pool(std::in_place, 2);
  const auto done = pool->submit(twice, 4);
  done.wait();
  std::vector<Future<int>> futures;
  for (int i = 0; i < 1000; ++i) {
    futures.push_back(pool->submit([](int n) { return usleep(20'000) == 0 ? n : -1; }, i));
  }
  pool.reset();
  EXPECT_EQ(done.get(), 8);
  const auto& last = futures.back();
  EXPECT_TRUE(last.isReady());
  const auto error = thrownBy<Interrupted>([&] { (void)last.get(); });
  EXPECT_NE(std::string(error.what()).find("the pool ended"), std::string::npos);
  EXPECT_FALSE(futures.back().cancel());
}

TEST_F(PoolFutureTest, MayBeDropped) {
  const SharedFile file;
  {
    const auto dropped =
        pool_.submit([](const std::string& path) { SharedFile::append(path, "x"); }, file.path());
  }
  EXPECT_EQ(pool_.map(std::vector{1}, twice), std::vector{2});
  EXPECT_EQ(file.lines().size(), 1u);
}

TEST_F(PoolFutureTest, ThatWasMovedFromIsNotValid) {
  Future<int> first = pool_.submit(twice, 1);
  const Future<int> second = std::move(first);
  EXPECT_FALSE(first.isValid());  // NOLINT(bugprone-use-after-move): documented
  EXPECT_TRUE(second.isValid());
  EXPECT_THROW((void)first.get(), std::logic_error);
  EXPECT_THROW((void)Future<int>().isReady(), std::logic_error);
  EXPECT_EQ(second.get(), 2);
}

TEST_F(PoolFutureTest, SubmitAfterShutdownIsAnError) {
  pool_.shutdown();
  EXPECT_THROW((void)pool_.submit(twice, 1), std::logic_error);
}

TEST_F(PoolFutureTest, SubmitRefusesACallbackThatHoldsAnAddress) {
  int local = 0;
  int* const pointer = &local;
  EXPECT_THROW((void)pool_.submit([pointer] { return *pointer; }), PortabilityError);
  EXPECT_EQ(pool_.submit(twice, 1).get(), 2);
}

TEST_F(PoolFutureTest, SubmitIsRefusedWhileResultsAreStreamed) {
  auto results = pool_.mapUnordered(std::views::iota(0, 100), twice);
  EXPECT_THROW((void)pool_.submit(twice, 1), std::logic_error);
  EXPECT_EQ(std::ranges::distance(results.begin(), results.end()), 100);
  EXPECT_EQ(pool_.submit(twice, 1).get(), 2);
}

TEST_F(PoolFutureTest, IsNestedInACallback) {
  const auto sums = pool_.map(std::vector{10, 20}, [](int n) {
    ProcessPool inner(2);
    std::vector<Future<int>> futures;
    for (int i = 0; i < n; ++i) {
      futures.push_back(inner.submit(twice, i));
    }
    int sum = 0;
    for (const auto& future : futures) {
      sum += future.get();
    }
    return sum;
  });
  EXPECT_EQ(sums, (std::vector{90, 380}));
}

TEST_F(PoolFutureTest, CallsSeeValuesSharedAfterTheFirstSubmit) {
  EXPECT_EQ(pool_.submit(twice, 1).get(), 2);
  const auto table = nodeShared(std::vector<int>{3, 4, 5});
  const auto view = table.view();
  std::vector<Future<int>> futures;
  for (std::size_t i = 0; i < 3; ++i) {
    futures.push_back(pool_.submit([view](std::size_t at) { return (*view)[at]; }, i));
  }
  EXPECT_EQ(futures[0].get() + futures[1].get() + futures[2].get(), 12);
}

TEST_F(PoolFutureTest, RetriesACallThatThrewWithoutMakingAnotherOneAgain) {
  ProcessPool pool(PoolOptions{.workerCount = 2, .retries = 2});
  const SharedFile file;
  std::vector<Future<int>> futures;
  for (int i = 0; i < 100; ++i) {
    futures.push_back(pool.submit(
        [](const std::string& path, int n) {
          SharedFile::append(path, std::to_string(n));
          if (n == 7 && std::ranges::count(SharedFile::linesOf(path), "7") < 3) {
            throw std::runtime_error("not yet");
          }
          return n;
        },
        file.path(), i));
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(futures[static_cast<std::size_t>(i)].get(), i);
  }
  EXPECT_EQ(file.lines().size(), 102u);
}

TEST_F(PoolFutureTest, CarriesLargeArgumentsAndResults) {
  std::vector<Future<std::string>> futures;
  for (int i = 0; i < 8; ++i) {
    futures.push_back(pool_.submit([](const std::string& text) { return text + "!"; },
                                   std::string(std::size_t{3} << 20, static_cast<char>('a' + i))));
  }
  for (const auto& future : futures) {
    EXPECT_EQ(future.get().size(), (std::size_t{3} << 20) + 1);
  }
}

// Of workers that can be waited for, stopped and lost.

TEST(WorkerFutureTest, BeginsBeforeItIsAskedForItsResult) {
  ProcessPool pool(2);
  Gate gate;
  const auto arrive = [](const std::string& path) { Gate::arrive(path); };
  const auto first = pool.submit(arrive, gate.path());
  const auto second = pool.submit(arrive, gate.path());
  EXPECT_EQ(gate.awaitArrivals(2).size(), 2u);  // nothing of the pool is called meanwhile
  first.get();
  second.get();
}

TEST(WorkerFutureTest, WaitForWaitsNoLongerThanThatAndIsReadyNotAtAll) {
  ProcessPool pool(2);
  Gate gate;
  const auto future = pool.submit([](const std::string& path) { Gate::pass(path); }, gate.path());
  gate.awaitArrivals(1);
  EXPECT_FALSE(future.isReady());
  EXPECT_FALSE(future.waitFor(20ms));
  gate.letPass(1);
  EXPECT_TRUE(future.waitFor(std::chrono::hours::max()));
  EXPECT_TRUE(future.isReady());
}

TEST(WorkerFutureTest, AsCompletedYieldsWhatIsReadyFirst) {
  ProcessPool pool(2);
  Gate gate;
  const auto wait = [](const std::string& path) { return Gate::pass(path), 1; };
  const auto quick = [](const std::string&) { return 2; };
  std::vector<Future<int>> futures;
  futures.push_back(pool.submit(wait, gate.path()));
  futures.push_back(pool.submit(quick, gate.path()));
  std::vector<int> order;
  for (const Future<int>& future : asCompleted(futures)) {
    order.push_back(future.get());
    gate.letPass(1);
  }
  EXPECT_EQ(order, (std::vector{2, 1}));
}

TEST(WorkerFutureTest, AResultDoesNotWaitForTheCallBehindIt) {
  ProcessPool pool(1);
  Gate gate;
  const auto quick = pool.submit(twice, 4);
  const auto behind = pool.submit([](const std::string& path) { Gate::pass(path); }, gate.path());
  EXPECT_EQ(quick.get(), 8);
  gate.letPass(1);
  behind.get();
}

TEST(WorkerFutureTest, CancelsWhatNoWorkerHas) {
  ProcessPool pool(1);
  Gate gate;
  const SharedFile file;
  const auto wait = [](const std::string& path) { Gate::pass(path); };
  const auto note = [](const std::string& path) { SharedFile::append(path, "x"); };
  auto running = pool.submit(wait, gate.path());
  gate.awaitArrivals(1);
  std::vector<Future<void>> waiting;
  for (int i = 0; i < 20; ++i) {
    waiting.push_back(pool.submit(note, file.path()));
  }
  EXPECT_FALSE(running.cancel());
  EXPECT_TRUE(waiting.back().cancel());
  EXPECT_FALSE(waiting.back().cancel()) << "a second time";
  EXPECT_TRUE(waiting.back().isReady());
  EXPECT_THROW(waiting.back().get(), Interrupted);
  gate.letPass(1);
  running.get();
  for (std::size_t i = 0; i + 1 < waiting.size(); ++i) {
    waiting[i].get();
  }
  EXPECT_FALSE(waiting.front().cancel()) << "it is done";
  EXPECT_EQ(file.lines().size(), 19u);
}

TEST(WorkerFutureTest, ACrashIsThatOfOneCallAlone) {
  ProcessPool pool(2);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 300; ++i) {
    futures.push_back(pool.submit(
        [](int n) {
          if (n % 100 == 50) {
            writeThroughNull();
          }
          return n;
        },
        i));
  }
  for (int i = 0; i < 300; ++i) {
    const auto& future = futures[static_cast<std::size_t>(i)];
    if (i % 100 == 50) {
      EXPECT_EQ(thrownBy<WorkerLost>([&] { (void)future.get(); }).getSignal(), SIGSEGV);
    } else {
      ASSERT_EQ(future.get(), i);
    }
  }
  EXPECT_EQ(pool.submit(twice, 1).get(), 2);
}

TEST(WorkerFutureTest, RetriesACallWhoseWorkerWasLost) {
  ProcessPool pool(PoolOptions{.workerCount = 2, .retries = 1});
  const SharedFile file;
  const auto future = pool.submit(
      [](const std::string& path) {
        SharedFile::append(path, "x");
        if (SharedFile::linesOf(path).size() < 2) {
          _exit(3);
        }
        return 5;
      },
      file.path());
  EXPECT_EQ(future.get(), 5);
  EXPECT_EQ(file.lines().size(), 2u);
}

TEST(WorkerFutureTest, ACallThatTakesTooLongIsEnded) {
  ProcessPool pool(PoolOptions{.workerCount = 2, .timeout = 100ms});
  const auto hang = pool.submit([] { return pause(); });
  const auto quick = pool.submit(twice, 4);
  EXPECT_EQ(quick.get(), 8);
  EXPECT_THROW((void)hang.get(), TaskTimeout);
  EXPECT_EQ(pool.submit(twice, 1).get(), 2);
}

}  // namespace
}  // namespace procession::test
