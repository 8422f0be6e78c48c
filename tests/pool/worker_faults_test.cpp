#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "pool/pool_test_support.hpp"
#include "procession/process_pool.hpp"
#include "support/begun_thread.hpp"
#include "support/crash.hpp"

// Callbacks that take their process down: the error names the item and the way it ended, the other
// items are not lost, and the pool goes on with all its workers.

namespace procession::test {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;

constexpr int kWorkers = 3;
constexpr int kCulprit = 4711;

class WorkerFaultTest : public testing::Test {
 protected:
  /// Maps 10,000 items with a callback that takes its worker down on one of them.
  template <class Callback>
  WorkerLost loss(Callback callback) {
    return thrownBy<WorkerLost>(
        [&] { static_cast<void>(pool_.map(numbersUpTo(10'000), callback)); });
  }

  void TearDown() override { expectAllWorkersAtWork(); }

  /// Each of the workers holds an item at the same time.
  void expectAllWorkersAtWork() {
    Gate gate;
    auto keeper = begunThread<std::jthread>([&] {
      const std::vector<pid_t> pids = gate.awaitArrivals(kWorkers);
      EXPECT_EQ(std::set(pids.begin(), pids.end()).size(), static_cast<std::size_t>(kWorkers));
      gate.letPass(kWorkers);
    });
    const auto meet = [](const std::string& path, int n) {
      Gate::pass(path);
      return n;
    };
    EXPECT_EQ(pool_.map(numbersUpTo(kWorkers), bindFront(meet, gate.path())),
              numbersUpTo(kWorkers));
  }

  ProcessPool pool_{kWorkers};
};

// DESIGN section 12: `ceil` chunking leaves workers idle (9 items, 4 workers: 3 work).
TEST(WorkersTest, NineItemsKeepFourWorkersBusy) {
  ProcessPool pool(4);
  Gate gate;
  auto keeper = begunThread<std::jthread>([&] {
    const std::vector<pid_t> pids = gate.awaitArrivals(4);
    EXPECT_EQ(std::set(pids.begin(), pids.end()).size(), 4u);
    gate.letPass(9);
  });
  const auto meet = [](const std::string& path, int n) {
    Gate::pass(path);
    return n;
  };
  EXPECT_EQ(pool.map(numbersUpTo(9), bindFront(meet, gate.path())), numbersUpTo(9));
}

TEST(WorkersTest, AreOtherProcessesAndStayBetweenOperations) {
  ProcessPool pool(1);
  const auto pidOf = [&] { return pool.map(std::vector{1}, [](int) { return getpid(); }).front(); };
  const pid_t worker = pidOf();
  EXPECT_NE(worker, getpid());
  EXPECT_EQ(pidOf(), worker);
}

// DESIGN section 12: a segfault or SIGKILL reports exit code 0 and items silently vanish.
TEST_F(WorkerFaultTest, ACrashNamesItemSignalHostAndProcess) {
  const auto crash = [](int n) { return n == kCulprit ? raise(SIGSEGV) : n; };
  const WorkerLost error = loss(crash);
  EXPECT_EQ(error.getItem(), kCulprit);
  EXPECT_EQ(error.getSignal(), SIGSEGV);
  EXPECT_GT(error.getPid(), 0);
  EXPECT_FALSE(error.getHost().empty());
  EXPECT_THAT(error.what(), AllOf(HasSubstr("4711"), HasSubstr("SIGSEGV")));
}

TEST_F(WorkerFaultTest, AWriteThroughANullPointerIsACrash) {
  const auto crash = [](int n) {
    if (n == kCulprit) {
      writeThroughNull();
    }
    return n;
  };
  const WorkerLost error = loss(crash);
  EXPECT_EQ(error.getItem(), kCulprit);
  EXPECT_EQ(error.getSignal(), SIGSEGV);
}

TEST_F(WorkerFaultTest, AnAbortNamesItsItem) {
  const WorkerLost error = loss([](int n) { return n == kCulprit ? (std::abort(), 0) : n; });
  EXPECT_EQ(error.getItem(), kCulprit);
  EXPECT_EQ(error.getSignal(), SIGABRT);
}

TEST_F(WorkerFaultTest, AnExitNamesItsItemAndCode) {
  const WorkerLost error = loss([](int n) { return n == kCulprit ? (std::exit(3), 0) : n; });
  EXPECT_EQ(error.getItem(), kCulprit);
  EXPECT_EQ(error.getExitCode(), 3);
  EXPECT_FALSE(error.getSignal().has_value());
}

TEST_F(WorkerFaultTest, AnExitWithSuccessIsALossAllTheSame) {
  for (const auto& leave : {+[](int n) { return n == kCulprit ? (_exit(0), 0) : n; },
                            +[](int n) { return n == kCulprit ? (std::exit(0), 0) : n; },
                            +[](int n) { return n == kCulprit ? (std::quick_exit(0), 0) : n; }}) {
    const WorkerLost error = loss(leave);
    EXPECT_EQ(error.getItem(), kCulprit);
    EXPECT_EQ(error.getExitCode(), 0);
  }
}

[[gnu::noinline]] int useUpStack(int depth, volatile char* above) {
  volatile char frame[4096];
  frame[0] = above == nullptr ? '0' : *above;
  return depth == 0 ? frame[0] : useUpStack(depth - 1, frame) + frame[0];
}

TEST_F(WorkerFaultTest, AStackOverflowNamesItsItem) {
  const WorkerLost error =
      loss([](int n) { return n == kCulprit ? useUpStack(1'000'000'000, nullptr) : n; });
  EXPECT_EQ(error.getItem(), kCulprit);
  EXPECT_EQ(error.getSignal(), SIGSEGV);
}

TEST_F(WorkerFaultTest, AKillFromOutsideNamesTheItemThatTheWorkerWasOn) {
  Gate gate;
  pid_t victim = 0;
  auto killer = begunThread<std::jthread>([&] {
    victim = gate.awaitArrivals(1).front();
    kill(victim, SIGKILL);
  });
  const auto wait = [](const std::string& path, int n) {
    if (n == kCulprit) {
      Gate::pass(path);
    }
    return n;
  };
  const WorkerLost error = loss(bindFront(wait, gate.path()));
  killer.join();
  EXPECT_EQ(error.getItem(), kCulprit);
  EXPECT_EQ(error.getSignal(), SIGKILL);
  EXPECT_EQ(error.getPid(), victim);
}

TEST_F(WorkerFaultTest, AWorkerThatIsKilledBetweenOperationsIsReplaced) {
  Gate gate;
  const auto whoIsThere = [](const std::string& path, int) {
    Gate::pass(path);
    return getpid();
  };
  gate.letPass(kWorkers);
  for (const pid_t pid : pool_.map(numbersUpTo(kWorkers), bindFront(whoIsThere, gate.path()))) {
    kill(pid, SIGKILL);
  }
  EXPECT_EQ(pool_.map(numbersUpTo(1000), [](int n) { return n; }), numbersUpTo(1000));
}

TEST_F(WorkerFaultTest, EveryOperationNamesTheItem) {
  const auto items = numbersUpTo(10'000);
  const auto crash = [](int n) { return n == kCulprit ? raise(SIGKILL) : n; };
  const auto itemOf = [](auto operation) { return thrownBy<WorkerLost>(operation).getItem(); };
  EXPECT_EQ(itemOf([&] { static_cast<void>(pool_.filter(items, crash)); }), kCulprit);
  EXPECT_EQ(itemOf([&] { pool_.each(items, crash); }), kCulprit);
  EXPECT_EQ(itemOf([&] { static_cast<void>(pool_.mapReduce(items, crash, std::plus<>{}, 0)); }),
            kCulprit);
}

TEST_F(WorkerFaultTest, LocalOnlyCallbacksNameTheItem) {
  const auto crash = [](int n) { return n == kCulprit ? raise(SIGKILL) : n; };
  const auto error = thrownBy<WorkerLost>(
      [&] { static_cast<void>(pool_.map(numbersUpTo(10'000), localOnly(crash))); });
  EXPECT_EQ(error.getItem(), kCulprit);
}

TEST_F(WorkerFaultTest, OfSeveralFailuresTheLowestItemIsReported) {
  ProcessPool pool({.workerCount = 2, .chunkSize = 1});
  Gate gate;
  // Item 1 fails only when item 0 has been begun elsewhere; item 0 fails when 1 surely has,
  // whichever comes first to the parent.
  const auto failTogether = [](const std::string& path, int n) {
    if (n < 2) {
      Gate::pass(path);
      throw std::runtime_error(std::to_string(n));
    }
    return n;
  };
  auto keeper = begunThread<std::jthread>([&] {
    gate.awaitArrivals(2);
    gate.letPass(2);
  });
  const auto error = thrownBy<TaskError>(
      [&] { static_cast<void>(pool.map(numbersUpTo(100), bindFront(failTogether, gate.path()))); });
  EXPECT_EQ(error.getItem(), 0u);
}

TEST_F(WorkerFaultTest, ARetryMaySucceedAfterACrash) {
  const SharedFile file;
  ProcessPool pool({.workerCount = 2, .retries = 1});
  const auto crashOnce = [](const std::string& path, int n) {
    if (n == kCulprit) {
      SharedFile::append(path, "attempt");
      if (SharedFile::linesOf(path).size() == 1) {
        raise(SIGSEGV);
      }
    }
    return n;
  };
  EXPECT_EQ(pool.map(numbersUpTo(10'000), bindFront(crashOnce, file.path())), numbersUpTo(10'000));
  EXPECT_EQ(file.lines().size(), 2u);
}

TEST_F(WorkerFaultTest, ARetryThatCrashesTooIsTheEnd) {
  const SharedFile file;
  ProcessPool pool({.workerCount = 2, .retries = 2});
  const auto crash = [](const std::string& path, int n) {
    if (n == 17) {
      SharedFile::append(path, "attempt");
      raise(SIGSEGV);
    }
    return n;
  };
  const auto error = thrownBy<WorkerLost>(
      [&] { static_cast<void>(pool.map(numbersUpTo(100), bindFront(crash, file.path()))); });
  EXPECT_EQ(error.getItem(), 17u);
  EXPECT_EQ(file.lines().size(), 3u);
}

// Time limits.

void spinFor(milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

TEST_F(WorkerFaultTest, AHangingCallbackIsEndedAtItsTimeLimit) {
  ProcessPool pool({.workerCount = 2, .timeout = milliseconds(300)});
  const auto start = std::chrono::steady_clock::now();
  const auto error = thrownBy<TaskTimeout>([&] {
    static_cast<void>(pool.map(numbersUpTo(100), [](int n) { return n == 17 ? pause() : n; }));
  });
  const auto elapsed = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(error.getItem(), 17u);
  EXPECT_EQ(error.getLimit(), milliseconds(300));
  EXPECT_GE(elapsed, milliseconds(300));
  EXPECT_LT(elapsed, std::chrono::seconds(5));
  EXPECT_EQ(pool.map(std::vector{1}, [](int n) { return n; }), std::vector{1});
}

TEST_F(WorkerFaultTest, ASpinningCallbackThatIgnoresSignalsIsEndedToo) {
  ProcessPool pool({.workerCount = 2, .timeout = milliseconds(100)});
  const auto spin = [](int n) {
    if (n == 3) {
      std::signal(SIGTERM, SIG_IGN);
      spinFor(std::chrono::hours(1));
    }
    return n;
  };
  EXPECT_EQ(
      thrownBy<TaskTimeout>([&] { static_cast<void>(pool.map(numbersUpTo(10), spin)); }).getItem(),
      3u);
}

TEST_F(WorkerFaultTest, ARetryMaySucceedAfterATimeout) {
  const SharedFile file;
  ProcessPool pool({.workerCount = 1, .retries = 1, .timeout = milliseconds(200)});
  const auto hangOnce = [](const std::string& path, int n) {
    if (n == 5) {
      SharedFile::append(path, "attempt");
      if (SharedFile::linesOf(path).size() == 1) {
        pause();
      }
      spinFor(milliseconds(100));  // half of the limit, which the attempt before has used up
    }
    return n;
  };
  EXPECT_EQ(pool.map(numbersUpTo(20), bindFront(hangOnce, file.path())), numbersUpTo(20));
  EXPECT_EQ(file.lines().size(), 2u);
}

TEST_F(WorkerFaultTest, EachAttemptHasTheWholeTimeLimit) {
  const SharedFile file;
  ProcessPool pool({.workerCount = 1, .chunkSize = 1, .retries = 1, .timeout = milliseconds(500)});
  const auto throwOnce = [](const std::string& path, int n) {
    spinFor(milliseconds(300));
    SharedFile::append(path, "attempt");
    return SharedFile::linesOf(path).size() == 1 ? throw std::runtime_error("once") : n;
  };
  EXPECT_EQ(pool.map(std::vector{7}, bindFront(throwOnce, file.path())), std::vector{7});
}

TEST_F(WorkerFaultTest, ManyShortItemsAreNotTakenForALongOne) {
  ProcessPool pool({.workerCount = 2, .timeout = milliseconds(300)});
  const auto items = numbersUpTo(100);
  EXPECT_EQ(pool.map(items,
                     [](int n) {
                       spinFor(milliseconds(10));
                       return n;
                     }),
            items);
}

// Out of memory. Address-space limits and sanitizers exclude each other.

TEST(WorkerMemoryLargeTest, RunningOutOfAddressSpaceNamesItsItem) {
  ProcessPool pool(2);
  const auto useUp = [](int n) {
    if (n == 50) {
      useUpMemory();
    }
    return n;
  };
  const auto error =
      thrownBy<TaskError>([&] { static_cast<void>(pool.map(numbersUpTo(100), useUp)); });
  EXPECT_EQ(error.getItem(), 50u);
  EXPECT_EQ(error.getType(), "std::bad_alloc");
  EXPECT_EQ(pool.map(std::vector{1}, [](int n) { return n; }), std::vector{1});
}

}  // namespace
}  // namespace procession::test
