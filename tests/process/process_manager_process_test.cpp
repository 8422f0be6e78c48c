#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <thread>
#include <vector>

#include "process/fork_observer.hpp"
#include "procession/error.hpp"
#include "procession/process_manager.hpp"
#include "support/crash.hpp"

namespace procession {
namespace {

using detail::makePipe;
using detail::Pipe;
using namespace std::chrono_literals;

/// A task that says when it begins and ends when it is told to.
class Gate {
 public:
  char pass() {
    test::sendByte(begun_, 'b');
    return test::waitForByte(open_);
  }
  void awaitBegun(int count = 1) {
    for (int i = 0; i < count; ++i) {
      test::waitForByte(begun_);
    }
  }
  void open(int count = 1) {
    for (int i = 0; i < count; ++i) {
      test::sendByte(open_, 'o');
    }
  }
  [[nodiscard]] bool hasMoreBegun() const { return test::countBytes(begun_) > 0; }

 private:
  Pipe begun_ = makePipe();
  Pipe open_ = makePipe();
};

template <class Failure>
const Failure& failureIn(const TaskOutcome& outcome) {
  return dynamic_cast<const Failure&>(outcome.error());
}

TEST(ProcessManagerProcessTest, EveryTaskHasAProcessOfItsOwn) {
  ProcessManager manager;
  for (int i = 0; i < 6; ++i) {
    manager.add([] { return static_cast<int>(getpid()); });
  }
  std::vector<int> pids = manager.run<int>(2);
  std::sort(pids.begin(), pids.end());
  EXPECT_EQ(std::unique(pids.begin(), pids.end()), pids.end());
  EXPECT_EQ(std::count(pids.begin(), pids.end(), getpid()), 0);
}

// The original hung, or kept a core busy, when there were more tasks than maxConcurrent.
TEST(ProcessManagerProcessTest, ExactlyMaxConcurrentRunWhileTasksAreLeft) {
  constexpr int kTasks = 12;
  constexpr int kMost = 3;
  ProcessManager manager;
  Gate gate;
  const test::SharedCounter running;
  const test::SharedCounter most;
  for (int i = 0; i < kTasks; ++i) {
    manager.add([&] {
      const int now = ++*running;
      int seen = *most;
      while (seen < now && !(*most).compare_exchange_weak(seen, now)) {
      }
      gate.pass();
      --*running;
    });
  }
  std::thread controller([&] {
    gate.awaitBegun(kMost);
    for (int i = kMost; i < kTasks; ++i) {
      EXPECT_FALSE(gate.hasMoreBegun());
      EXPECT_EQ(manager.getRunningCount(), kMost);
      gate.open();
      gate.awaitBegun();
    }
    gate.open(kMost);
  });
  EXPECT_EQ(manager.run(kMost).size(), static_cast<std::size_t>(kTasks));
  controller.join();
  EXPECT_EQ(*most, kMost);
  EXPECT_EQ(manager.getRunningCount(), 0);
}

// The original returned results as they came.
TEST(ProcessManagerProcessTest, TheOrderIsThatOfAddWhicheverEndsFirst) {
  constexpr int kTasks = 6;
  std::vector<Pipe> ended;
  for (int i = 0; i <= kTasks; ++i) {
    ended.push_back(makePipe());
  }
  ProcessManager manager;
  for (std::size_t i = 0; i < kTasks; ++i) {
    manager.add([&ended, i] {  // each ends after the one that was added after it
      if (i + 1 < kTasks) {
        test::waitForByte(ended[i + 1]);
      }
      test::sendByte(ended[i], 'e');
      return i;
    });
  }
  EXPECT_THAT(manager.run<std::size_t>(kTasks), testing::ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(ProcessManagerProcessTest, ATaskThatDiesIsReportedAndStopsNoOther) {
  ProcessManager manager;
  manager.add([] { return 0; });
  manager.add([] {
    test::withoutCoreDump();
    test::writeThroughNull();
    return 1;
  });
  manager.add([] {
    raise(SIGKILL);
    return 2;
  });
  manager.add([]() -> int { _exit(9); });
  manager.add([] { return 4; });
  const auto outcomes = manager.run(2);
  EXPECT_EQ(outcomes[0].get<int>(), 0);
  EXPECT_EQ(failureIn<WorkerLost>(outcomes[1]).getSignal(), SIGSEGV);
  EXPECT_EQ(failureIn<WorkerLost>(outcomes[1]).getItem(), 1U);
  EXPECT_EQ(failureIn<WorkerLost>(outcomes[2]).getSignal(), SIGKILL);
  EXPECT_EQ(failureIn<WorkerLost>(outcomes[3]).getExitCode(), 9);
  EXPECT_EQ(outcomes[4].get<int>(), 4);
}

TEST(ProcessManagerProcessTest, AFailureEndsTheRestWhereItIsThrown) {
  ProcessManager manager;
  Gate gate;
  const auto endless = manager.add([&gate] { return static_cast<int>(gate.pass()); });
  manager.add([&gate]() -> int {
    gate.awaitBegun();
    throw std::runtime_error("second");
  });
  const auto waiting = manager.add([] { return 3; });
  try {
    manager.run<int>(2);
    FAIL();
  } catch (const TaskError& error) {
    EXPECT_EQ(error.getMessage(), "second");
  }
  EXPECT_EQ(endless->getExitCode(), 128 + SIGKILL);
  EXPECT_EQ(waiting->getExitCode(), std::nullopt);
  EXPECT_THROW(waiting->wait(), Interrupted);
}

TEST(ProcessManagerProcessTest, ATaskThatTakesTooLongIsKilled) {
  ProcessManager manager;
  Gate gate;
  manager.add({.timeout = 20ms}, [&gate] {
    std::signal(SIGTERM, SIG_IGN);
    return gate.pass();
  });
  manager.add({.timeout = 10min}, [] { return 'x'; });
  const auto outcomes = manager.run();
  EXPECT_EQ(failureIn<TaskTimeout>(outcomes[0]).getLimit(), 20ms);
  EXPECT_EQ(failureIn<TaskTimeout>(outcomes[0]).getItem(), 0U);
  EXPECT_EQ(outcomes[0].getStatus(), ProcessStatus::signaled(SIGKILL));
  EXPECT_GE(outcomes[0].getDuration(), 20ms);
  EXPECT_EQ(outcomes[1].get<char>(), 'x');
}

TEST(ProcessManagerProcessTest, AFailedTaskIsTriedAgain) {
  const test::SharedCounter attempts;
  const test::SharedCounter hopeless;
  ProcessManager manager;
  manager.add({.retries = 3}, [&attempts] {
    switch (++*attempts) {
      case 1:
        throw std::runtime_error("first");
      case 2:
        raise(SIGKILL);
    }
    return (*attempts).load();
  });
  manager.add({.retries = 2}, [&hopeless]() -> int {
    ++*hopeless;
    throw std::runtime_error("always");
  });
  const auto outcomes = manager.run(1);
  EXPECT_EQ(outcomes[0].get<int>(), 3);
  EXPECT_EQ(outcomes[0].getAttempts(), 3);
  EXPECT_EQ(outcomes[1].getAttempts(), 3);
  EXPECT_EQ(*hopeless, 3);
  EXPECT_EQ(failureIn<TaskError>(outcomes[1]).getMessage(), "always");
}

TEST(ProcessManagerProcessTest, ATimeoutIsTriedAgain) {
  const test::SharedCounter attempts;
  ProcessManager manager;
  manager.add({.timeout = 50ms, .retries = 1}, [&attempts] {
    while (++*attempts == 1) {
      pause();
    }
    return 7;
  });
  const auto outcome = manager.run().front();
  // The second attempt has 50 ms too, which a busy machine may not give it.
  EXPECT_EQ(outcome.getAttempts(), 2);
  EXPECT_TRUE(outcome || dynamic_cast<const TaskTimeout*>(&outcome.error()) != nullptr);
}

TEST(ProcessManagerProcessTest, ATaskStartedByItsHandleIsTriedAgainToo) {
  const test::SharedCounter attempts;
  ProcessManager manager;
  const auto task = manager.add({.retries = 1}, [&attempts] {
    if (++*attempts == 1) {
      raise(SIGKILL);
    }
    return 7;
  });
  task->start();
  EXPECT_EQ(task->wait(), 0);
  EXPECT_EQ(task->getOutput(), 7);
  EXPECT_EQ(manager.run().front().getAttempts(), 2);
}

TEST(ProcessManagerProcessTest, TasksStartedByTheirHandlesCountAmongTheRunning) {
  ProcessManager manager;
  Gate gate;
  std::vector<std::shared_ptr<ManagedProcess<char>>> tasks;
  for (int i = 0; i < 3; ++i) {
    tasks.push_back(manager.add([&gate] { return gate.pass(); }));
  }
  tasks[0]->start();
  tasks[2]->start();
  gate.awaitBegun(2);
  EXPECT_EQ(manager.getRunningCount(), 2);
  EXPECT_TRUE(manager.hasRunning());
  EXPECT_TRUE(tasks[0]->isRunning());
  EXPECT_FALSE(tasks[1]->isRunning());
  EXPECT_GT(tasks[2]->getPid().value(), 0);
  std::thread controller([&] {
    gate.open();  // now there is room for the third
    gate.awaitBegun();
    gate.open(2);
  });
  EXPECT_EQ(manager.run(2).size(), 3U);
  controller.join();
}

TEST(ProcessManagerProcessTest, WaitWaitsForAllThatRun) {
  ProcessManager manager;
  Gate gate;
  const auto first = manager.add([&gate] { return gate.pass(); });
  const auto second = manager.add([] { return std::string(1000000, 'x'); });
  first->start();
  second->start();
  gate.open();
  manager.wait();
  EXPECT_EQ(manager.getRunningCount(), 0);
  EXPECT_EQ(first->getOutput(), 'o');
  EXPECT_EQ(second->getOutput().size(), 1000000U);
}

TEST(ProcessManagerProcessTest, HasRunningIsEnoughToSeeATaskThrough) {
  ProcessManager manager;
  const auto task = manager.add([] { return std::string(3000000, 'x'); });
  task->start();
  while (manager.hasRunning()) {
    std::this_thread::yield();
  }
  EXPECT_EQ(task->getOutput().size(), 3000000U);
}

TEST(ProcessManagerProcessTest, OtherThreadsCanWatchAndWaitDuringARun) {
  ProcessManager manager;
  Gate gate;
  const auto first = manager.add([&gate] { return gate.pass(); });
  const auto last = manager.add([&gate] { return gate.pass(); });
  std::thread other([&] {
    gate.awaitBegun();
    EXPECT_TRUE(first->isRunning());
    EXPECT_EQ(last->getStatus(), ProcessStatus());
    EXPECT_THROW(manager.run(), std::logic_error);  // one at a time
    gate.open();
    EXPECT_EQ(first->wait(), 0);
    EXPECT_EQ(first->getOutput(), 'o');
    gate.awaitBegun();
    gate.open();
    EXPECT_EQ(last->wait(), 0);
    manager.wait();
  });
  const auto outcomes = manager.run(1);
  other.join();
  EXPECT_EQ(outcomes.size(), 2U);
  EXPECT_EQ(last->getOutput(), 'o');
}

TEST(ProcessManagerProcessTest, ARunTakesOverFromAThreadThatWaits) {
  ProcessManager manager;
  Gate gate;
  const auto first = manager.add([&gate] { return gate.pass(); });
  first->start();
  gate.awaitBegun();
  std::thread waiting([&] { manager.wait(); });
  manager.add([] { return 'x'; });
  std::thread opening([&] { gate.open(); });
  EXPECT_THAT(manager.run<char>(2), testing::ElementsAre('o', 'x'));
  waiting.join();
  opening.join();
}

// Killing.

// Children of the original inherited the parent's handlers, and went on.
TEST(ProcessManagerProcessTest, KillAllEndsChildrenThoughTheParentHasHandlers) {
  const auto before = std::signal(SIGTERM, [](int) {});
  ProcessManager manager;
  Gate gate;
  const auto first = manager.add([&gate] { return gate.pass(); });
  const auto second = manager.add([&gate] { return gate.pass(); });
  first->start();
  second->start();
  gate.awaitBegun(2);
  manager.killAll();
  manager.wait();
  EXPECT_EQ(first->getStatus(), ProcessStatus::signaled(SIGTERM));
  EXPECT_EQ(second->wait(), 128 + SIGTERM);
  std::signal(SIGTERM, before);
}

TEST(ProcessManagerProcessTest, KillAllFromAnotherThreadEndsTheRun) {
  ProcessManager manager;
  Gate gate;
  for (int i = 0; i < 5; ++i) {
    manager.add({.retries = 5}, [&gate] { return gate.pass(); });
  }
  std::thread other([&] {
    gate.awaitBegun(2);
    EXPECT_EQ(manager.getRunningCount(), 2);
    manager.killAll(SIGUSR2);
  });
  const auto outcomes = manager.run(2);
  other.join();
  ASSERT_EQ(outcomes.size(), 5U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(failureIn<WorkerLost>(outcomes[i]).getSignal(), SIGUSR2);
    EXPECT_EQ(outcomes[i].getAttempts(), 1);
  }
  for (std::size_t i = 2; i < 5; ++i) {
    EXPECT_FALSE(failureIn<Interrupted>(outcomes[i]).getSignal());
    EXPECT_EQ(outcomes[i].getAttempts(), 0);
  }
  EXPECT_FALSE(gate.hasMoreBegun());
  manager.add([] { return 1; });
  EXPECT_EQ(manager.run<int>(), std::vector{1});  // it goes on being of use
}

TEST(ProcessManagerProcessTest, AHandleCanKillItsProcessDuringARun) {
  ProcessManager manager;
  Gate gate;
  const auto task = manager.add([&gate] { return gate.pass(); });
  std::thread other([&] {
    gate.awaitBegun();
    EXPECT_TRUE(task->kill(SIGKILL));
  });
  EXPECT_EQ(failureIn<WorkerLost>(manager.run().front()).getSignal(), SIGKILL);
  other.join();
  EXPECT_FALSE(task->kill(SIGKILL));
}

TEST(ProcessManagerProcessTest, DestroyingAManagerEndsWhatRuns) {
  Gate gate;
  std::vector<std::shared_ptr<ManagedProcess<char>>> tasks;
  std::vector<detail::FileDescriptor> pidfds;
  {
    ProcessManager manager;
    for (int i = 0; i < 3; ++i) {
      tasks.push_back(manager.add({.retries = 1}, [&gate] {
        std::signal(SIGTERM, SIG_IGN);
        return gate.pass();
      }));
      tasks.back()->start();
      pidfds.push_back(detail::openPidfd(*tasks.back()->getPid()));
    }
  }
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    EXPECT_TRUE(test::hasEnded(pidfds[i].get()));
    EXPECT_EQ(tasks[i]->getStatus(), ProcessStatus::signaled(SIGKILL));
    EXPECT_THROW(tasks[i]->getOutput(), WorkerLost);
  }
}

TEST(ProcessManagerProcessTest, AssigningToAManagerEndsWhatItRuns) {
  Gate gate;
  ProcessManager manager;
  const auto task = manager.add([&gate] { return gate.pass(); });
  task->start();
  manager = ProcessManager();
  EXPECT_EQ(task->getStatus(), ProcessStatus::signaled(SIGKILL));
}

}  // namespace
}  // namespace procession
