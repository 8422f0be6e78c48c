#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "procession/error.hpp"
#include "procession/fork_process.hpp"
#include "procession/process_manager.hpp"
#include "support/in_child.hpp"

namespace {

/// Asked before each fork: the errno that it fails with, or 0.
std::function<int()> forkFault;

class ScopedForkFault {
 public:
  explicit ScopedForkFault(std::function<int()> fault) { forkFault = std::move(fault); }
  ~ScopedForkFault() { forkFault = nullptr; }
};

/// Children are reaped by the system, and before their parent gets on.
class ScopedInstantReaping {
 public:
  ScopedInstantReaping() : before_(std::signal(SIGCHLD, SIG_IGN)) { isOn = true; }
  ~ScopedInstantReaping() {
    isOn = false;
    std::signal(SIGCHLD, before_);
  }

  inline static bool isOn = false;

 private:
  void (*before_)(int);
};

}  // namespace

extern "C" pid_t __real_fork();
extern "C" pid_t __wrap_fork() {
  if (const int error = forkFault ? forkFault() : 0; error != 0) {
    errno = error;
    return -1;
  }
  const pid_t child = __real_fork();
  if (child > 0 && ScopedInstantReaping::isOn) {
    waitpid(child, nullptr, 0);  // fails once it has gone
  }
  return child;
}

namespace procession {
namespace {

using testing::HasSubstr;

template <class Call>
SystemError refusalOf(Call call) {
  try {
    call();
  } catch (const SystemError& error) {
    return error;
  }
  throw std::logic_error("nothing was refused");
}

TEST(ForkProcessFaultTest, AForkThatFailsNamesTheLimitAndCountsAsNotStarted) {
  ForkProcess child([] { return 1; });
  {
    const ScopedForkFault fault([] { return EAGAIN; });
    EXPECT_THAT(refusalOf([&] { child.start(); }).what(), HasSubstr("ulimit -u"));
  }
  EXPECT_EQ(child.getStatus(), ProcessStatus());
  child.start();
  EXPECT_EQ(child.wait(), 0);
}

TEST(ForkProcessFaultTest, AProcessThatWasReapedBeforeItCouldBeWatchedIsOver) {
  const ScopedInstantReaping reaping;
  ForkProcess child([] { return 42; });
  child.start();
  EXPECT_FALSE(child.kill(SIGTERM));
  EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(child.getOutput(), 42);
}

TEST(ProcessManagerFaultTest, ProcessesThatWereReapedBeforeTheyCouldBeWatchedAreOver) {
  const ScopedInstantReaping reaping;
  ProcessManager manager;
  manager.add([] { return 1; });
  manager.add([] { return 2; });
  EXPECT_EQ(manager.run<int>(2), (std::vector{1, 2}));
}

// Not for sanitizers, which want descriptors of their own for a look at an object's type.
TEST(NoDescriptorLargeTest, AForkProcessNamesTheLimit) {
  const auto end = test::inChild([] {
    ForkProcess child([] { return 1; });
    const rlimit none{5, 5};
    setrlimit(RLIMIT_NOFILE, &none);
    return refusalOf([&] { child.start(); }).getErrno() == EMFILE ? 0 : 1;
  });
  EXPECT_EQ(end.status.getExitCode(), 0) << end.output;
}

TEST(ProcessManagerFaultTest, WhenForksFailTheRunGoesOnWithTheProcessesItHas) {
  int forks = 0;
  const ScopedForkFault fault([&forks] { return ++forks % 3 == 0 ? EAGAIN : 0; });
  ProcessManager manager;
  for (int i = 0; i < 10; ++i) {
    manager.add([i] { return i; });
  }
  std::vector<int> expected(10);
  std::iota(expected.begin(), expected.end(), 0);
  // With room for all: so each fork that fails follows on two that did not, and something runs.
  EXPECT_EQ(manager.run<int>(10), expected);
  EXPECT_EQ(forks, 14);
}

TEST(ProcessManagerFaultTest, WhenNotOneForkWorksTheLimitIsNamed) {
  ProcessManager manager;
  const auto task = manager.add([] { return 1; });
  {
    const ScopedForkFault fault([] { return EAGAIN; });
    const auto error = refusalOf([&] { manager.run(); });
    EXPECT_EQ(error.getErrno(), EAGAIN);
    EXPECT_THAT(error.what(), HasSubstr("RLIMIT_NPROC"));
  }
  EXPECT_THROW(task->getOutput(), SystemError);
  EXPECT_EQ(task->getStatus(), ProcessStatus());
  manager.add([] { return 2; });
  EXPECT_EQ(manager.run<int>(), std::vector{2});
}

TEST(ProcessManagerFaultTest, AFailureThatIsNoShortageEndsTheRunAtOnce) {
  int forks = 0;
  const ScopedForkFault fault([&forks] { return ++forks == 2 ? ENOSYS : 0; });
  ProcessManager manager;
  manager.add([] { return 1; });
  manager.add([] { return 2; });
  EXPECT_EQ(refusalOf([&] { manager.run(); }).getErrno(), ENOSYS);
  EXPECT_EQ(forks, 2);
  EXPECT_FALSE(manager.hasRunning());
}

TEST(ProcessManagerFaultTest, AHandleWhoseForkFailsLeavesTheTaskToTheRun) {
  ProcessManager manager;
  const auto task = manager.add([] { return 1; });
  {
    const ScopedForkFault fault([] { return EAGAIN; });
    EXPECT_THROW(task->start(), SystemError);
  }
  EXPECT_EQ(manager.run<int>(), std::vector{1});
}

TEST(ProcessManagerFaultTest, AnotherAttemptThatCannotBeForkedIsTheTasksFailure) {
  ProcessManager manager;
  const auto task = manager.add({.retries = 1}, []() -> int { throw 1; });
  task->start();
  const ScopedForkFault fault([] { return EAGAIN; });
  EXPECT_EQ(task->wait(), 1);
  EXPECT_THROW(task->getOutput(), SystemError);
}

TEST(NoDescriptorLargeTest, TheRunGoesOnWithTheProcessesItHas) {
  const auto end = test::inChild([] {
    const rlimit few{24, 24};
    setrlimit(RLIMIT_NOFILE, &few);
    ProcessManager manager;
    for (int i = 0; i < 60; ++i) {
      manager.add([i] { return i; });
    }
    const auto results = manager.run<int>(50);
    return results.size() == 60 && results[59] == 59 ? 0 : 1;
  });
  EXPECT_EQ(end.status.getExitCode(), 0) << end.output;
}

TEST(NoDescriptorLargeTest, WhenNotOneProcessHasRoomTheLimitIsNamed) {
  const auto end = test::inChild([] {
    ProcessManager manager;
    manager.add([] { return 1; });
    const int used = dup(STDIN_FILENO);
    close(used);
    const rlimit few{static_cast<rlim_t>(used) + 2, static_cast<rlim_t>(used) + 2};
    setrlimit(RLIMIT_NOFILE, &few);
    const auto error = refusalOf([&] { manager.run(); });
    return error.getErrno() == EMFILE &&
                   std::string(error.what()).find("ulimit -n") != std::string::npos
               ? 0
               : 1;
  });
  EXPECT_EQ(end.status.getExitCode(), 0) << end.output;
}

}  // namespace
}  // namespace procession
