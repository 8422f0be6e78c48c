#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include "pool/child_pool_test.hpp"
#include "pool/pool_test_support.hpp"
#include "procession/process_pool.hpp"
#include "support/leak_guard.hpp"
#include "support/process_stat.hpp"

// Signals to the program while it works, and the death of the program or its fork server.

namespace procession::test {
namespace {

using std::chrono::steady_clock;

class InterruptTest : public ChildPoolTest {};

INSTANTIATE_TEST_SUITE_P(, InterruptTest, testing::Bool(),
                         [](const auto& isServer) { return isServer.param ? "Server" : "Direct"; });

/// No child is left, zombies neither, but for the fork server.
bool hasNoWorkers() {
  detail::stopForkServer();
  return waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD;
}

int handlerCalls = 0;
void countCall(int) { ++handlerCalls; }

int passGate(const std::string& path, int n) {
  Gate::pass(path);
  return n;
}

TEST_P(InterruptTest, ASignalEndsTheOperationItsWorkersAndNothingElse) {
  for (const int signal : {SIGINT, SIGTERM}) {
    Gate gate;
    const pid_t child = start([&] {
      std::signal(signal, &countCall);
      std::set<pid_t> before;
      ProcessPool pool(2);
      try {
        pool.each(numbersUpTo(1000), bindFront(&passGate, gate.path()));
        return 1;
      } catch (const Interrupted& interrupted) {
        if (interrupted.getSignal() != signal) {
          return 2;
        }
      }
      struct sigaction now {};
      sigaction(signal, nullptr, &now);
      if (now.sa_handler != &countCall || handlerCalls != 1) {
        return 3;
      }
      if (pool.map(numbersUpTo(100), [](int n) { return n; }) != numbersUpTo(100)) {
        return 4;
      }
      pool.shutdown();
      return hasNoWorkers() ? 0 : 5;
    });
    const std::vector<pid_t> workers = gate.awaitArrivals(2);
    kill(child, signal);
    EXPECT_EQ(awaitEnd(child), ProcessStatus::exited(0)) << signal;
  }
}

TEST_P(InterruptTest, ASignalWhileAFutureIsAwaitedSettlesAllThatIsNotDone) {
  Gate gate;
  const pid_t child = start([&] {
    ProcessPool pool(2);
    std::vector<Future<int>> futures;
    for (int i = 0; i < 100; ++i) {
      futures.push_back(pool.submit(&passGate, gate.path(), i));
    }
    Gate::arrive(gate.path());
    for (const Future<int>& future : futures) {
      try {
        (void)future.get();
        return 1;
      } catch (const Interrupted& interrupted) {
        if (interrupted.getSignal() != SIGINT) {
          return 2;
        }
      }
    }
    if (pool.submit([] { return 5; }).get() != 5) {
      return 3;
    }
    pool.shutdown();
    return hasNoWorkers() ? 0 : 4;
  });
  gate.awaitArrivals(3);
  awaitSleep(child);
  kill(child, SIGINT);
  EXPECT_EQ(awaitEnd(child), ProcessStatus::exited(0));
}

/// Behind the gate, the program gets a signal, and the call goes on to its end.
int interruptProgram(const std::string& gate, pid_t program) {
  std::signal(SIGTERM, SIG_IGN);  // whoever asks it to stop
  Gate::pass(gate);
  kill(program, SIGINT);
  return 5;
}

TEST_P(InterruptTest, ASignalOfWhichNoFutureCanTellIsNotLost) {
  Gate gate;
  const pid_t child = start([&] {
    ProcessPool pool(2);
    (void)pool.submit(&interruptProgram, gate.path(), getpid()).get();
    return 1;
  });
  gate.awaitArrivals(1);
  awaitSleep(child);
  gate.letPass(1);
  EXPECT_EQ(awaitEnd(child), ProcessStatus::signaled(SIGINT));
  EXPECT_TRUE(LeakGuard::reapOrphans().empty());
}

TEST_P(InterruptTest, ASubmissionThatASignalKeepsFromBeingTriedAgainTellsOfTheSignal) {
  Gate gate;
  const pid_t child = start([&] {
    ProcessPool pool({.workerCount = 2, .retries = 1});
    const auto interruptAndThrow = [](const std::string& path, pid_t program) -> int {
      interruptProgram(path, program);  // a second attempt, if there is one, waits at the gate
      throw std::runtime_error("once");
    };
    try {
      (void)pool.submit(interruptAndThrow, gate.path(), getpid()).get();
      return 1;
    } catch (const Interrupted& interrupted) {
      return interrupted.getSignal() == SIGINT ? 0 : 2;
    }
  });
  gate.awaitArrivals(1);
  awaitSleep(child);
  gate.letPass(1);
  EXPECT_EQ(awaitEnd(child), ProcessStatus::exited(0));
}

TEST_P(InterruptTest, ASignalEndsAStreamOfResults) {
  Gate gate;
  const pid_t child = start([&] {
    ProcessPool pool(2);
    auto results = pool.mapUnordered(numbersUpTo(1000), bindFront(&passGate, gate.path()));
    Gate::arrive(gate.path());
    try {
      (void)results.begin();
      return 1;
    } catch (const Interrupted&) {
    }
    if (pool.map(numbersUpTo(100), [](int n) { return n; }) != numbersUpTo(100)) {
      return 2;
    }
    pool.shutdown();
    return hasNoWorkers() ? 0 : 3;
  });
  gate.awaitArrivals(3);
  awaitSleep(child);
  kill(child, SIGINT);
  EXPECT_EQ(awaitEnd(child), ProcessStatus::exited(0));
}

TEST_P(InterruptTest, ASignalWhileTheRestOfAStreamIsGivenUpIsNotLost) {
  Gate gate;
  Gate leaving;
  const pid_t child = start([&] {
    ProcessPool pool({.workerCount = 2, .chunkSize = 1});
    const auto work = [](const std::string& path, int n) { return n == 0 ? n : passGate(path, n); };
    for ([[maybe_unused]] const auto& [index, value] :
         pool.mapUnordered(numbersUpTo(1000), bindFront(work, gate.path()))) {
      gate.awaitArrivals(2);
      Gate::arrive(leaving.path());
      break;  // items that are begun are awaited
    }
    return 1;
  });
  leaving.awaitArrivals(1);
  awaitSleep(child);
  kill(child, SIGINT);
  EXPECT_EQ(awaitEnd(child), ProcessStatus::signaled(SIGINT));
  EXPECT_TRUE(LeakGuard::reapOrphans().empty());
}

TEST_P(InterruptTest, SignalsAreTheProgramsOwnWhileItDoesNotWait) {
  Gate gate;
  const pid_t child = start([&] {
    ProcessPool pool(2);
    const auto future = pool.submit(&passGate, gate.path(), 1);
    gate.awaitArrivals(1);
    std::raise(SIGTERM);  // the default: the end of the program, and of its workers with it
    return 1;
  });
  EXPECT_EQ(awaitEnd(child), ProcessStatus::signaled(SIGTERM));
  EXPECT_TRUE(LeakGuard::reapOrphans().empty());
}

TEST_P(InterruptTest, ASecondSignalKillsWorkersThatDoNotListen) {
  Gate gate;
  const pid_t child = start([&] {
    ProcessPool pool(1);
    const auto ignore = [](const std::string& path, int) {
      static std::string pathOfHandler;
      pathOfHandler = path;
      std::signal(SIGTERM, [](int) { Gate::arrive(pathOfHandler); });
      Gate::arrive(path);
      while (true) {
        pause();
      }
    };
    try {
      pool.each(numbersUpTo(3), bindFront(ignore, gate.path()));
    } catch (const Interrupted&) {
      return 0;
    }
    return 1;
  });
  gate.awaitArrivals(1);
  kill(child, SIGINT);
  gate.awaitArrivals(1);  // the worker was asked kindly, and stays
  const auto second = steady_clock::now();
  kill(child, SIGINT);
  EXPECT_EQ(awaitEnd(child), ProcessStatus::exited(0));
  EXPECT_LT(steady_clock::now() - second, std::chrono::milliseconds(1900))
      << "not only after the grace of 2 s";
}

TEST_P(InterruptTest, NoWorkerOutlivesAProgramThatWasKilledInTheMiddle) {
  Gate gate;
  const pid_t child = start([&] {
    ProcessPool pool(3);
    pool.each(numbersUpTo(1000), bindFront(&passGate, gate.path()));
    return 0;
  });
  gate.awaitArrivals(3);
  kill(child, SIGKILL);
  awaitEnd(child);
  EXPECT_TRUE(LeakGuard::reapOrphans().empty());
}

TEST_P(InterruptTest, TheForkServersDeathEndsTheOperationWithASystemError) {
  if (!GetParam()) {
    return;
  }
  Gate gate;
  const pid_t child = start([&] {
    ProcessPool pool(2);
    const auto work = [](const std::string& path, int n) {
      if (n == 10) {
        Gate::arrive(path);
        kill(getppid(), SIGKILL);
        pause();  // until the end of the server is this worker's, too
      }
      return n;
    };
    try {
      pool.each(numbersUpTo(1000), bindFront(work, gate.path()));
      return 1;
    } catch (const SystemError& error) {
      if (std::string(error.what()).find("fork server") == std::string::npos) {
        return 2;
      }
    }
    try {
      pool.each(numbersUpTo(10), [](int) {});
      return 3;
    } catch (const SystemError&) {
      return 0;
    }
  });
  gate.awaitArrivals(1);
  EXPECT_EQ(awaitEnd(child), ProcessStatus::exited(0));
  EXPECT_TRUE(LeakGuard::reapOrphans().empty());
}

}  // namespace
}  // namespace procession::test
