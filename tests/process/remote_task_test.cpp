// What is new where a job has several ranks. On one rank, and without MPI, the same holds with
// fewer of them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "backend/ranks.hpp"
#include "procession/error.hpp"
#include "procession/fork_process.hpp"
#include "procession/process_manager.hpp"
#include "procession/process_pool.hpp"
#include "support/crash.hpp"
#include "support/leak_guard.hpp"
#include "support/process_stat.hpp"
#include "support/scoped_environment.hpp"
#include "support/scratch_folder.hpp"

namespace procession {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

bool isJob() { return detail::activeRanks() != nullptr; }
int countRanks() { return isJob() ? detail::activeRanks()->size() : 1; }

/// Of the process that calls it, or of the one whose fork it is; 0 without a launcher.
int rankHere() {
  for (const char* variable : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"}) {
    if (const char* rank = std::getenv(variable)) {
      return std::atoi(rank);
    }
  }
  return 0;
}

int sleepForever() {
  while (true) {
    pause();
  }
  return 0;
}

bool isThere(pid_t pid) { return ::kill(pid, 0) == 0; }

/// Errors, origins and hosts are right, wherever it was.
void expectTells(const Origin& origin, std::optional<int> pid) {
  EXPECT_FALSE(origin.host.empty());
  EXPECT_EQ(origin.rank.has_value(), isJob());
  EXPECT_EQ(origin.pid, pid);
}

template <class Failure>
const Failure& failureIn(const TaskOutcome& outcome) {
  return dynamic_cast<const Failure&>(outcome.error());
}

/// What a rank makes at its first task stays there for the next ones.
class FirstTasks : public testing::Environment {
 public:
  void SetUp() override {
    if (isJob()) {
      ProcessManager manager;
      for (int i = 0; i < countRanks(); ++i) {
        manager.add([] {});
      }
      manager.run();
    }
  }
};
const auto* const firstTasks = testing::AddGlobalTestEnvironment(new FirstTasks);

TEST(RemoteTaskTest, TasksAreSpreadOverAllRanks) {
  ProcessManager manager;
  const int tasks = 4 * countRanks();
  for (int i = 0; i < tasks; ++i) {
    manager.add([] {
      std::this_thread::sleep_for(20ms);
      return std::pair(rankHere(), getpid());
    });
  }
  std::set<int> ranks;
  std::set<pid_t> pids;
  for (const auto& [rank, pid] : manager.run<std::pair<int, pid_t>>(tasks)) {
    ranks.insert(rank);
    pids.insert(pid);
  }
  EXPECT_EQ(pids.size(), static_cast<std::size_t>(tasks));
  EXPECT_FALSE(pids.contains(getpid()));
  EXPECT_EQ(ranks.size(), static_cast<std::size_t>(countRanks()));
}

TEST(RemoteTaskTest, ARankThatHasFewerTasksGetsTheNext) {
  ProcessManager manager;
  std::vector<std::shared_ptr<ManagedProcess<int>>> handles;
  for (int i = 0; i < countRanks(); ++i) {
    handles.push_back(manager.add(sleepForever));
    handles.back()->start();
  }
  std::set<std::optional<int>> ranks;
  for (const auto& handle : handles) {
    EXPECT_TRUE(handle->kill(SIGKILL));
    handle->wait();
    try {
      handle->getOutput();
      ADD_FAILURE() << "a killed task has a result";
    } catch (const WorkerLost& lost) {
      ranks.insert(lost.getOrigin().rank);
    }
  }
  EXPECT_EQ(ranks.size(), static_cast<std::size_t>(countRanks()));
}

TEST(RemoteTaskTest, MaxConcurrentIsOfTheWholeJob) {
  using Span = std::pair<std::int64_t, std::int64_t>;
  const int most = countRanks() + 1;
  ProcessManager manager;
  for (int i = 0; i < 6 * most; ++i) {
    manager.add([] {
      const auto now = [] { return Clock::now().time_since_epoch().count(); };
      const auto begin = now();
      std::this_thread::sleep_for(5ms);
      return Span(begin, now());
    });
  }
  const auto spans = manager.run<Span>(most);
  for (const Span& one : spans) {
    const auto beside = std::count_if(spans.begin(), spans.end(), [&](const Span& other) {
      return other.first <= one.first && one.first < other.second;
    });
    EXPECT_LE(beside, most);
  }
}

TEST(RemoteTaskTest, AHandleTellsOfItsProcess) {
  ProcessManager manager;
  const auto handle = manager.add(sleepForever);
  EXPECT_FALSE(handle->isRunning());
  EXPECT_FALSE(handle->getPid());
  handle->start();
  ASSERT_TRUE(handle->getPid());
  const pid_t pid = *handle->getPid();
  EXPECT_TRUE(isThere(pid));
  EXPECT_TRUE(handle->isRunning());
  EXPECT_TRUE(handle->getStatus().isRunning());
  EXPECT_EQ(manager.getRunningCount(), 1);
  EXPECT_THROW(handle->start(), std::logic_error);
  for (const int signal : {0, SIGUSR1}) {  // which pool workers ignore
    EXPECT_TRUE(handle->kill(signal));
  }
  EXPECT_EQ(handle->wait(), 128 + SIGUSR1);
  EXPECT_EQ(handle->getStatus(), ProcessStatus::signaled(SIGUSR1));
  EXPECT_EQ(handle->getPid(), pid);
  EXPECT_FALSE(handle->kill());
  EXPECT_FALSE(isThere(pid));
  EXPECT_FALSE(manager.hasRunning());
}

TEST(RemoteTaskTest, TheGroupsSignalsAreDeadlyFromTheFirstMoment) {
  for (int round = 0; round < 5; ++round) {
    for (const int signal : {SIGINT, SIGHUP, SIGQUIT, SIGTERM, SIGUSR2}) {
      ForkProcess process(sleepForever);
      process.start();
      EXPECT_TRUE(process.kill(signal));
      EXPECT_EQ(process.wait(), 128 + signal);
    }
  }
}

TEST(RemoteTaskTest, IsRunningIsEnoughToSeeATaskThrough) {
  ProcessManager manager;
  const auto handle = manager.add([] { return 42; });
  handle->start();
  const auto end = Clock::now() + 20s;
  while (handle->isRunning() && Clock::now() < end) {
  }
  EXPECT_EQ(handle->getExitCode(), 0);
  EXPECT_EQ(handle->getOutput(), 42);
}

TEST(RemoteTaskTest, ATimeLimitIsOfEachAttempt) {
  ProcessManager manager;
  const auto handle = manager.add({.timeout = 50ms, .retries = 1}, sleepForever);
  const auto outcomes = manager.run();
  const auto& timeout = failureIn<TaskTimeout>(outcomes[0]);
  EXPECT_EQ(timeout.getLimit(), 50ms);
  expectTells(timeout.getOrigin(), handle->getPid());
  EXPECT_EQ(outcomes[0].getAttempts(), 2);
  EXPECT_EQ(outcomes[0].getStatus(), ProcessStatus::signaled(SIGKILL));
}

/// Fails as long as it is not the third process that comes along.
int failTwice(const std::string& folder) {
  for (const char* name : {"first", "second"}) {
    if (std::filesystem::create_directory(std::filesystem::path(folder) / name)) {
      throw std::runtime_error(name);
    }
  }
  return 3;
}

TEST(RemoteTaskTest, AFailedTaskIsTriedAgain) {
  const test::ScratchFolder folder;
  ProcessManager manager;
  manager.add({.retries = 2}, failTwice, folder.path().string());
  const auto outcomes = manager.run();
  EXPECT_EQ(outcomes[0].get<int>(), 3);
  EXPECT_EQ(outcomes[0].getAttempts(), 3);
  EXPECT_FALSE(outcomes[0].getHost().empty());
}

TEST(RemoteTaskTest, ExitCodesAndSignalsAreTold) {
  for (int i = 0; i < countRanks(); ++i) {
    ForkProcess leaving([] { std::exit(7); });
    ForkProcess crashing([] { test::writeThroughNull(); });
    leaving.start();
    crashing.start();
    EXPECT_EQ(leaving.wait(), 7);
    EXPECT_THROW(leaving.getOutput(), WorkerLost);
    EXPECT_EQ(crashing.wait(), 128 + SIGSEGV);
    try {
      crashing.getOutput();
      ADD_FAILURE() << "a crash has a result";
    } catch (const WorkerLost& lost) {
      EXPECT_EQ(lost.getSignal(), SIGSEGV);
      expectTells(lost.getOrigin(), crashing.getPid());
    }
  }
}

TEST(RemoteTaskTest, AnExceptionComesBackWithItsPlace) {
  ProcessManager manager;
  std::vector<std::shared_ptr<ManagedProcess<int>>> handles;
  for (int i = 0; i < countRanks(); ++i) {
    handles.push_back(manager.add(
        [](int index) -> int {
          std::this_thread::sleep_for(20ms);
          throw std::range_error(std::to_string(index));
        },
        i));
  }
  const auto outcomes = manager.run(countRanks());
  std::set<std::optional<int>> ranks;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const auto& error = failureIn<TaskError>(outcomes[i]);
    EXPECT_EQ(error.getType(), "std::range_error");
    EXPECT_EQ(error.getMessage(), std::to_string(i));
    EXPECT_EQ(error.getItem(), i);
    expectTells(error.getOrigin(), handles[i]->getPid());
    EXPECT_EQ(outcomes[i].getStatus(), ProcessStatus::exited(1));
    ranks.insert(error.getOrigin().rank);
  }
  EXPECT_EQ(ranks.size(), static_cast<std::size_t>(countRanks()));
}

TEST(RemoteTaskTest, LargeArgumentsAndResultsArrive) {
  std::vector<double> values(1'000'000);
  std::iota(values.begin(), values.end(), 0.0);
  ProcessManager manager;
  for (int i = 0; i < 2 * countRanks(); ++i) {
    manager.add(
        [](std::vector<double> given) {
          std::reverse(given.begin(), given.end());
          return given;
        },
        values);
  }
  const auto results = manager.run<std::vector<double>>(countRanks());
  std::reverse(values.begin(), values.end());
  for (const auto& result : results) {
    EXPECT_TRUE(result == values);
  }
}

int changed = 0;

TEST(RemoteTaskTest, PortableTasksSeeGlobalsAsTheyWereAtTheStart) {
  changed = 1;
  ForkProcess portable([] { return changed; });
  const std::string text = "not portable";
  ForkProcess other([text] { return changed; });
  portable.start();
  other.start();
  portable.wait();
  other.wait();
  EXPECT_EQ(portable.getOutput(), isJob() ? 0 : 1);
  EXPECT_EQ(other.getOutput(), 1);
  changed = 0;
}

TEST(RemoteTaskTest, WhatIsNotPortableIsForkedByThisProcess) {
  int number = 3;
  int* address = &number;
  ProcessManager manager;
  manager.add([&number] { return std::pair(getppid(), number); });
  manager.add([address] { return std::pair(getppid(), *address); });
  manager.add([](const char* text) { return std::pair(getppid(), std::atoi(text)); }, "3");
  for (const auto& [parent, value] : manager.run<std::pair<pid_t, int>>()) {
    EXPECT_EQ(parent, getpid());
    EXPECT_EQ(value, 3);
  }
}

TEST(RemoteTaskTest, ForksOfThisProcessCanBeForbidden) {
  if (!isJob()) {
    GTEST_SKIP() << "no MPI, no need";
  }
  test::ScopedEnvironment environment;
  environment.set("PROCESSION_FORK_AFTER_MPI", "off");
  const std::string text = "not portable";
  ProcessManager manager;
  EXPECT_THROW(manager.add([&text] { return text; })->start(), PortabilityError);
  EXPECT_EQ(ForkProcess([&text] { return text; }).getPid(), std::nullopt);
  ForkProcess portable([] { return 1; });
  portable.start();
  EXPECT_EQ(portable.wait(), 0);
}

TEST(RemoteTaskTest, WhoDestroysAManagerLeavesNothing) {
  std::vector<pid_t> pids;
  {
    ProcessManager manager;
    for (int i = 0; i < 2 * countRanks(); ++i) {
      const auto handle = manager.add(sleepForever);
      handle->start();
      pids.push_back(*handle->getPid());
    }
    ForkProcess process(sleepForever);
    process.start();
    pids.push_back(*process.getPid());
  }
  for (const pid_t pid : pids) {
    EXPECT_FALSE(isThere(pid));
  }
}

TEST(RemoteTaskTest, TasksRunWhileAPoolWorks) {
  ProcessManager manager;
  std::vector<std::shared_ptr<ManagedProcess<std::vector<int>>>> handles;
  for (int i = 0; i < 2 * countRanks(); ++i) {
    handles.push_back(manager.add([i] {
      std::this_thread::sleep_for(10ms);
      return std::vector<int>(500'000, i);  // more than a socket holds
    }));
    handles.back()->start();
  }
  ProcessPool pool;
  std::vector<int> items(2'000);
  std::iota(items.begin(), items.end(), 0);
  for (int round = 0; round < 3; ++round) {
    const auto squares = pool.map(items, [](int item) {
      std::this_thread::sleep_for(10us);
      return item * item;
    });
    EXPECT_EQ(squares[1'999], 1'999 * 1'999);
  }
  for (int i = 0; i < 2 * countRanks(); ++i) {
    const auto& handle = handles[static_cast<std::size_t>(i)];
    EXPECT_EQ(handle->wait(), 0);
    EXPECT_EQ(handle->getOutput(), std::vector<int>(500'000, i));
  }
}

TEST(RemoteTaskTest, AnotherThreadForksHere) {
  const pid_t self = getpid();
  std::thread([self] {
    ProcessManager manager;
    manager.add([] { return getppid(); });
    EXPECT_EQ(manager.run<pid_t>(), std::vector{self});
  }).join();
}

TEST(RemoteTaskTest, OnlyTheThreadOfTheRanksWaitsForThem) {
  if (!isJob()) {
    GTEST_SKIP() << "without ranks any thread may";
  }
  ProcessManager manager;
  const auto handle = manager.add(sleepForever);
  handle->start();
  std::thread([&] {
    EXPECT_THROW(handle->wait(), std::logic_error);
    EXPECT_TRUE(handle->isRunning());
    EXPECT_TRUE(handle->kill(SIGTERM));
  }).join();
  EXPECT_EQ(handle->wait(), 128 + SIGTERM);
}

TEST(RemoteTaskTest, KillAllOfAnotherThreadEndsTheRun) {
  ProcessManager manager;
  for (int i = 0; i < 2 * countRanks(); ++i) {
    manager.add(sleepForever);
  }
  std::thread killer([&] {
    while (!manager.hasRunning()) {
      std::this_thread::yield();
    }
    manager.killAll(SIGKILL);
  });
  const auto outcomes = manager.run(countRanks());
  killer.join();
  for (const TaskOutcome& outcome : outcomes) {
    EXPECT_FALSE(outcome);
  }
  EXPECT_EQ(outcomes[0].getStatus(), ProcessStatus::signaled(SIGKILL));
  EXPECT_EQ(outcomes.back().getAttempts(), 0);
}

/// Some rank that is not this process, by way of one of its tasks: the parent of that is the rank's
/// fork server.
pid_t findOtherRank() {
  for (int i = 0; i < countRanks(); ++i) {
    ProcessManager manager;
    std::vector<std::shared_ptr<ManagedProcess<int>>> handles;
    for (int k = 0; k <= i; ++k) {
      handles.push_back(manager.add(sleepForever));
      handles.back()->start();
    }
    const pid_t rank = test::parentOf(test::parentOf(*handles.back()->getPid()));
    if (rank != getpid()) {
      return rank;
    }
  }
  return 0;
}

/// While it lives, a process can open no file or socket that gets this number or a higher one.
class DescriptorLimit {
 public:
  DescriptorLimit(pid_t process, int limit) : process_(process) {
    EXPECT_EQ(prlimit(process_, RLIMIT_NOFILE, nullptr, &before_), 0);
    const rlimit soft{static_cast<rlim_t>(limit), before_.rlim_max};
    EXPECT_EQ(prlimit(process_, RLIMIT_NOFILE, &soft, nullptr), 0);
  }
  ~DescriptorLimit() { prlimit(process_, RLIMIT_NOFILE, &before_, nullptr); }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

 private:
  pid_t process_;
  rlimit before_{};
};

// The names keep them away from sanitizers, which need descriptors of their own to look at objects.
TEST(RemoteTaskLargeTest, WhatARankHasNoRoomForRunsElsewhere) {
  if (countRanks() < 2) {
    GTEST_SKIP() << "there is no other rank";
  }
  const pid_t rank = findOtherRank();
  ASSERT_NE(rank, 0);
  const DescriptorLimit full(rank, 0);
  ProcessManager manager;
  for (int i = 0; i < 5 * countRanks(); ++i) {
    manager.add([] { return test::parentOf(getppid()); });
  }
  for (const TaskOutcome& outcome : manager.run(countRanks())) {
    EXPECT_NE(outcome.get<pid_t>(), rank);
    EXPECT_EQ(outcome.getAttempts(), 1);
  }
  std::vector<std::shared_ptr<ManagedProcess<int>>> handles;
  for (int i = 0; i < 2 * countRanks(); ++i) {
    handles.push_back(manager.add(sleepForever));
    handles.back()->start();
    EXPECT_NE(test::parentOf(test::parentOf(*handles.back()->getPid())), rank);
  }
}

TEST(RemoteTaskLargeTest, WhereNoRankHasRoomTheLimitIsNamed) {
  if (countRanks() != 1 || !isJob()) {
    GTEST_SKIP() << "told of one rank";
  }
  ProcessManager manager;
  const auto handle = manager.add(sleepForever);
  {
    // Room for what notes signals during run(), and not for a task.
    const int free = dup(STDIN_FILENO);
    close(free);
    const DescriptorLimit full(getpid(), free + 2);
    try {
      handle->start();
      ADD_FAILURE() << "it was started";
    } catch (const SystemError& error) {
      EXPECT_EQ(error.getErrno(), EMFILE) << error.what();
    }
    EXPECT_EQ(handle->getPid(), std::nullopt);
    EXPECT_THROW(manager.run(), SystemError);
  }
  EXPECT_FALSE(manager.hasRunning());
  EXPECT_THROW(handle->getOutput(), SystemError);
}

TEST(RemoteTaskTest, ThatAnyRankWasToldToStopEndsTheRun) {
  if (countRanks() < 2) {
    GTEST_SKIP() << "there is no other rank";
  }
  const pid_t rank = findOtherRank();
  ASSERT_NE(rank, 0);
  ProcessManager manager;
  std::vector<std::shared_ptr<ManagedProcess<int>>> handles;
  for (int i = 0; i < 2 * countRanks(); ++i) {
    handles.push_back(manager.add(sleepForever));
  }
  handles[0]->start();
  const pid_t pid = *handles[0]->getPid();
  std::thread teller([&] {
    while (!handles[1]->isRunning()) {
      std::this_thread::yield();
    }
    ::kill(rank, SIGTERM);
  });
  try {
    manager.run(countRanks());
    ADD_FAILURE() << "the run was not interrupted";
  } catch (const Interrupted& interrupted) {
    EXPECT_EQ(interrupted.getSignal(), SIGTERM);
  }
  teller.join();
  EXPECT_FALSE(manager.hasRunning());
  EXPECT_EQ(handles[0]->getStatus(), ProcessStatus::signaled(SIGTERM));
  EXPECT_FALSE(isThere(pid));
}

TEST(RemoteTaskTest, WhatARankWasToldMeanwhileEndsTheNextRun) {
  if (countRanks() < 2) {
    GTEST_SKIP() << "there is no other rank";
  }
  const pid_t rank = findOtherRank();
  ASSERT_NE(rank, 0);
  ProcessManager manager;
  manager.add([] {});
  manager.run();  // ends what the test before was told
  ::kill(rank, SIGTERM);
  // More messages than one are on their way: the rank has answered when this task has ended.
  for (int i = 0; i < 2 * countRanks(); ++i) {
    ForkProcess process([] { std::this_thread::sleep_for(2ms); });
    process.start();
    process.wait();
  }
  manager.add(sleepForever);
  EXPECT_THROW(manager.run(), Interrupted);
}

}  // namespace
}  // namespace procession
