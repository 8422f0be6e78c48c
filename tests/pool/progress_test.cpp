/// What a terminal shows while operations run, on every backend.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <procession/procession.hpp>
#include <ranges>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "pool_test_support.hpp"
#include "support/begun_thread.hpp"
#include "support/pseudo_terminal.hpp"
#include "support/scoped_environment.hpp"

namespace procession::test {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class PoolProgressTest : public testing::Test {
 protected:
  PoolProgressTest() { environment_.set("TERM", "xterm"); }

  static bool isBackend(const std::string& name) {
    const char* backend = std::getenv("PROCESSION_BACKEND");
    return backend != nullptr && backend == name;
  }
  static bool isSerial() { return isBackend("serial"); }
  /// What a log gets of it.
  template <class Body>
  static std::vector<std::string> logOf(Body body) {
    const SharedFile log;
    const detail::FileDescriptor file(
        open(log.path().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    {
      const Redirected redirected(file.get());
      body();
    }
    return log.lines();
  }

  ScopedEnvironment environment_;
  PseudoTerminal terminal_{10, 70};
};

TEST_F(PoolProgressTest, NamesTheOperationAndCountsItsItems) {
  ProcessPool pool({.workerCount = 2, .progress = Progress::On});
  const auto numbers = numbersUpTo(100);
  const auto same = [](int n) { return n; };
  const auto add = [](int a, int b) { return a + b; };
  EXPECT_THAT(logOf([&] { (void)pool.map(numbers, same); }),
              ElementsAre(StartsWith("procession: map: 100 items in ")));
  EXPECT_THAT(logOf([&] { (void)pool.filter(numbers, [](int n) { return n > 5; }); }),
              ElementsAre(StartsWith("procession: filter: 100 items in ")));
  EXPECT_THAT(logOf([&] { pool.each(numbers, [](int) {}); }),
              ElementsAre(StartsWith("procession: each: 100 items in ")));
  EXPECT_THAT(logOf([&] { (void)pool.reduce(numbers, add, 0); }),
              ElementsAre(StartsWith("procession: reduce: 100 items in ")));
  EXPECT_THAT(logOf([&] { (void)pool.mapReduce(numbers, same, add, 0); }),
              ElementsAre(StartsWith("procession: mapReduce: 100 items in ")));
  EXPECT_THAT(logOf([&] { (void)pool.aggregate(numbers, 0, add, add); }),
              ElementsAre(StartsWith("procession: aggregate: 100 items in ")));
  EXPECT_THAT(
      logOf([&] {
        for ([[maybe_unused]] const auto& [index, value] : pool.mapUnordered(numbers, same)) {
        }
      }),
      ElementsAre(StartsWith("procession: mapUnordered: 100 items in ")));
  EXPECT_THAT(logOf([&] {
                (void)pool.mapSettled(numbers, [](int n) { return n % 20 == 7 ? throw n : n; });
              }),
              ElementsAre(AllOf(StartsWith("procession: mapSettled: 100 items in "),
                                HasSubstr(", 5 failed"))));
}

TEST_F(PoolProgressTest, TellsNothingOfShortOperationsOfFuturesAndWhenOff) {
  ProcessPool pool({.workerCount = 2, .progress = Progress::Auto});
  EXPECT_THAT(logOf([&] { (void)pool.map(numbersUpTo(100), [](int n) { return n; }); }), IsEmpty());
  ProcessPool off({.workerCount = 2, .progress = Progress::Off});
  EXPECT_THAT(logOf([&] { (void)off.map(numbersUpTo(100), [](int n) { return n; }); }), IsEmpty());
  ProcessPool on({.workerCount = 2, .progress = Progress::On});
  EXPECT_THAT(logOf([&] { EXPECT_EQ(on.submit([](int n) { return n; }, 7).get(), 7); }), IsEmpty());
}

TEST_F(PoolProgressTest, TellsWhereAnOperationEndedEarly) {
  ProcessPool pool({.workerCount = 1, .chunkSize = 1, .progress = Progress::On});
  EXPECT_THAT(
      logOf([&] {
        EXPECT_THROW((void)pool.map(numbersUpTo(5), [](int n) { return n == 0 ? throw n : n; }),
                     TaskError);
      }),
      ElementsAre(AllOf(StartsWith("procession: map: ended after "), HasSubstr(" of 5 items"),
                        HasSubstr("1 failed"))));
}

TEST_F(PoolProgressTest, OperationsInsideOfWorkersTellNothing) {
  if (isSerial()) {
    GTEST_SKIP() << "there are no workers";
  }
  ProcessPool pool({.workerCount = 2, .progress = Progress::On});
  const auto lines = logOf([&] {
    (void)pool.map(numbersUpTo(4), [](int n) {
      ProcessPool inner({.workerCount = 2, .progress = Progress::On});
      return inner.reduce(std::views::iota(0, n + 1), std::plus<>(), 0);
    });
  });
  EXPECT_THAT(lines, ElementsAre(StartsWith("procession: map: 4 items")));
}

TEST_F(PoolProgressTest, ABadVariableIsAnError) {
  environment_.set("PROCESSION_PROGRESS", "loud");
  EXPECT_THAT([] { ProcessPool pool(1); }, testing::ThrowsMessage<std::invalid_argument>(
                                               HasSubstr("PROCESSION_PROGRESS is 'loud'")));
}

/// Each item prints two lines, one of them in pieces, and waits at the gate.
int chatter(const std::string& gate, int n) {
  std::fprintf(stderr, "worker: item %d begins\n", n);
  Gate::pass(gate);
  std::fprintf(stderr, "worker: item ");
  std::fprintf(stderr, "%d ends\n", n);
  return n;
}

// Workers that the program forks itself have its terminal; a fork server has the one it was started
// with, and ranks have none.
TEST_F(PoolProgressTest, LocalOnlyWorkersAndTheBarShareATerminal) {
  constexpr int kItems = 6;
  Gate gate;
  terminal_.print("computing ... ");
  {
    const Redirected redirected(terminal_.descriptor());
    ProcessPool pool({.workerCount = 1, .chunkSize = 1, .progress = Progress::On});
    const std::string path = gate.path();
    auto watcher = begunThread([&] {
      for (int item = 0; item < kItems; ++item) {
        gate.awaitArrivals(1);
        gate.letPass(1);
      }
    });
    (void)pool.map(numbersUpTo(kItems), localOnly([&](int n) { return chatter(path, n); }));
    watcher.join();
    terminal_.print("done\n");
  }
  const auto lines = terminal_.look().lines();
  ASSERT_EQ(lines.size(), 2u * kItems + 2);
  EXPECT_EQ(lines[0], "computing ... worker: item 0 begins");
  for (int item = 0; item < kItems; ++item) {
    const auto place = static_cast<std::size_t>(2 * item);
    EXPECT_THAT(lines[place], HasSubstr("worker: item " + std::to_string(item) + " begins"));
    EXPECT_EQ(lines[place + 1], "worker: item " + std::to_string(item) + " ends");
  }
  EXPECT_THAT(lines[2 * kItems], StartsWith("procession: map: 6 items in "));
  EXPECT_EQ(lines.back(), "done");
  EXPECT_TRUE(terminal_.look().isWhole());
}

TEST_F(PoolProgressTest, TheBarIsThereWhileItemsAreWorkedOn) {
  if (isSerial()) {
    GTEST_SKIP() << "the only item is worked on before there is anything to tell";
  }
  Gate gate;
  std::string bar;
  {
    const Redirected redirected(terminal_.descriptor());
    ProcessPool pool({.workerCount = 2, .chunkSize = 1, .progress = Progress::On});
    auto watcher = begunThread([&] {
      gate.letPass(3);
      gate.awaitArrivals(4);  // the last of them has to wait
      terminal_.await([](const Screen& screen) {
        return std::regex_search(screen.bottomLine(), std::regex(" [123] of 4"));
      });
      bar = terminal_.look().bottomLine();
      gate.letPass(1);
    });
    (void)pool.map(numbersUpTo(4), bindFront(
                                       [](const std::string& path, int n) {
                                         Gate::pass(path);
                                         return n;
                                       },
                                       gate.path()));
    watcher.join();
  }
  EXPECT_THAT(bar, StartsWith("map  ["));
  EXPECT_THAT(bar, ContainsRegex("(25|50|75) %  [123] of 4"));
  EXPECT_THAT(terminal_.look().lines(), ElementsAre(StartsWith("procession: map: 4 items in ")));
  EXPECT_TRUE(terminal_.look().isWhole());
}

TEST_F(PoolProgressTest, TheBarCountsTheItemsOfChunksThatAreNotDone) {
  if (isSerial() || isBackend("mpi")) {
    GTEST_SKIP() << "only workers of this machine show which item they are on";
  }
  Gate gate;
  {
    const Redirected redirected(terminal_.descriptor());
    ProcessPool pool({.workerCount = 1, .progress = Progress::On});
    auto watcher = begunThread([&] {
      gate.awaitArrivals(1);
      EXPECT_TRUE(terminal_.await([](const Screen& screen) {
        return screen.bottomLine().find(" 5 of 1,000") != std::string::npos;
      })) << terminal_.look().bottomLine();
      gate.letPass(1);
    });
    (void)pool.map(numbersUpTo(1'000), bindFront(
                                           [](const std::string& path, int n) {
                                             if (n == 5) {
                                               Gate::pass(path);
                                             }
                                             return n;
                                           },
                                           gate.path()));
    watcher.join();
  }
}

TEST_F(PoolProgressTest, TheTerminalIsGivenBackWhenTheOperationThrows) {
  const Redirected redirected(terminal_.descriptor());
  ProcessPool pool({.workerCount = 2, .progress = Progress::On});
  EXPECT_THROW((void)pool.map(numbersUpTo(50), [](int n) { return n == 20 ? throw n : n; }),
               TaskError);
  EXPECT_TRUE(terminal_.look().isWhole());
}

}  // namespace
}  // namespace procession::test
