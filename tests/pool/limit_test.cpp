#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <string>
#include <vector>

#include "pool/child_pool_test.hpp"
#include "pool/pool_test_support.hpp"
#include "procession/process_pool.hpp"

// Limits of the system, exits, output, and what stays after many operations.

namespace {
int forksLeft = -1;  // then fork fails; negative: it works
}
extern "C" pid_t __real_fork();
extern "C" pid_t __wrap_fork() {
  if (forksLeft == 0) {
    errno = EAGAIN;
    return -1;
  }
  forksLeft -= forksLeft > 0 ? 1 : 0;
  return __real_fork();
}

namespace {
// Registered before main, so that every worker inherits it.
int exitPipe[2] = {-1, -1};
void noteExit() {
  const pid_t self = getpid();
  static_cast<void>(!write(exitPipe[1], &self, sizeof self));
}
const bool exitIsNoted = pipe2(exitPipe, O_CLOEXEC | O_NONBLOCK) == 0 && std::atexit(noteExit) == 0;
}  // namespace

namespace procession::test {
namespace {

using testing::HasSubstr;

class LimitTest : public ChildPoolTest {};
/// Not for sanitizers, which want descriptors of their own for a look at an object's type.
class NoDescriptorLargeTest : public ChildPoolTest {};

INSTANTIATE_TEST_SUITE_P(, LimitTest, testing::Bool(),
                         [](const auto& isServer) { return isServer.param ? "Server" : "Direct"; });
INSTANTIATE_TEST_SUITE_P(, NoDescriptorLargeTest, testing::Bool(),
                         [](const auto& isServer) { return isServer.param ? "Server" : "Direct"; });

void workIn(ProcessPool pool) {
  pool.each(numbersUpTo(10), [](int) {});
}

/// In a child: writes what the SystemError says that is to be thrown. Returns its exit status.
template <class Action>
int tellSystemError(Action action) {
  try {
    action();
  } catch (const SystemError& error) {
    std::puts(error.what());
    std::fflush(stdout);
    return 0;
  }
  return 1;
}

// Limits.

TEST_P(LimitTest, GoesOnWithTheWorkersThatCouldBeForked) {
  const auto end = inChild([&] {
    forksLeft = GetParam() ? 3 : 2;  // one of them for the fork server
    return runBody([] {
      ProcessPool pool(5);
      const auto pids = pool.map(numbersUpTo(1000), [](int) { return getpid(); });
      pool.each(numbersUpTo(1000), [](int) {});  // which tries again, and says nothing new
      const bool areCounted = pool.getWorkerCount() == 2;
      return areCounted ? static_cast<int>(std::set(pids.begin(), pids.end()).size()) : 98;
    });
  });
  const int workers = end.status.getExitCode().value_or(0);
  EXPECT_GE(workers, 1) << end.output;
  EXPECT_LE(workers, 2) << end.output;
  const std::string warning = "some workers could not be started";
  EXPECT_THAT(end.output, HasSubstr(warning));
  EXPECT_EQ(end.output.find(warning), end.output.rfind(warning)) << end.output;
}

TEST_P(LimitTest, WithoutASingleWorkerTheErrorNamesTheLimit) {
  const auto end = inChild([&] {
    forksLeft = GetParam() ? 1 : 0;  // for the fork server itself
    return runBody([] { return tellSystemError([] { workIn(ProcessPool(3)); }); });
  });
  EXPECT_EQ(end.status, ProcessStatus::exited(0)) << end.output;
  EXPECT_THAT(end.output, HasSubstr("ulimit -u"));
}

TEST_P(NoDescriptorLargeTest, GoesOnWithFewerWorkersWhenDescriptorsRunOut) {
  const auto end = run([&] {
    const rlimit few{40, 4096};
    setrlimit(RLIMIT_NOFILE, &few);
    ProcessPool pool(100);
    const auto results = pool.map(numbersUpTo(1000), [](int n) { return n; });
    return results == numbersUpTo(1000) && pool.getWorkerCount() < 100 ? 0 : 1;
  });
  EXPECT_EQ(end.status, ProcessStatus::exited(0)) << end.output;
  EXPECT_THAT(end.output, HasSubstr("too many open files"));
}

TEST_P(NoDescriptorLargeTest, WithoutADescriptorTheErrorNamesTheLimit) {
  const auto end = run([&] {
    std::vector<detail::FileDescriptor> all;
    const rlimit few{64, 4096};
    setrlimit(RLIMIT_NOFILE, &few);
    for (int descriptor = 0; (descriptor = dup(STDIN_FILENO)) >= 0;) {
      all.emplace_back(descriptor);
    }
    return tellSystemError([] { workIn(ProcessPool(2)); });
  });
  EXPECT_EQ(end.status, ProcessStatus::exited(0)) << end.output;
  EXPECT_THAT(end.output, HasSubstr("ulimit -n"));
}

TEST_P(LimitTest, WithoutRoomForSharedMemoryTheErrorNamesTheLimit) {
  const auto end = run([] {
    const rlimit small{1 << 20, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &small);
    return tellSystemError([] { const ProcessPool pool(2); });
  });
  EXPECT_EQ(end.status, ProcessStatus::exited(0)) << end.output;
  EXPECT_THAT(end.output, HasSubstr("ulimit -f"));
}

// Exits and output.

// DESIGN section 12: a child's `exit` flushes the parent's buffers twice.
TEST_P(LimitTest, AnExitInACallbackRunsNothingOfTheParents) {
  ASSERT_TRUE(exitIsNoted);
  const auto end = run([] {
    std::printf("pending in the parent;");
    std::cout << "pending in its stream;";
    ProcessPool pool(2);
    std::printf("and later;");
    try {
      pool.each(numbersUpTo(100), [](int n) {
        if (n == 50) {
          std::exit(3);
        }
      });
    } catch (const WorkerLost& lost) {
      std::printf("code %d", *lost.getExitCode());
    }
    std::cout.flush();
    std::fflush(stdout);
    return 0;
  });
  EXPECT_THAT(end.output, testing::ContainsRegex("code 3"));
  for (const std::string text :
       {"pending in the parent;", "pending in its stream;", "and later;"}) {
    const auto first = end.output.find(text);
    ASSERT_NE(first, std::string::npos) << text;
    EXPECT_EQ(end.output.find(text, first + 1), std::string::npos)
        << text << " came twice: " << end.output;
  }
  pid_t ran = 0;
  EXPECT_LT(read(exitPipe[0], &ran, sizeof ran), 0)
      << "an exit handler of the parent ran in process " << ran;
}

TEST_P(LimitTest, WhatCallbacksPrintAppearsOnceAndBeforeTheOperationReturns) {
  const auto end = run([] {
    ProcessPool pool(2);
    pool.each(numbersUpTo(500), [](int n) {
      if (n % 2 == 0) {
        std::printf("[%d]\n", n);
      } else {
        std::cout << "[" << n << "]\n";
      }
    });
    static_cast<void>(!write(STDOUT_FILENO, "done", 4));
    return 0;
  });
  for (int n = 0; n < 500; ++n) {
    const std::string text = "[" + std::to_string(n) + "]\n";
    const auto first = end.output.find(text);
    ASSERT_NE(first, std::string::npos) << n;
    EXPECT_EQ(end.output.find(text, first + 1), std::string::npos) << n;
  }
  EXPECT_TRUE(end.output.ends_with("done"));
}

TEST_P(LimitTest, WorkersDoNotRunTheHandlersOfTheParent) {
  const auto end = run([] {
    std::signal(SIGTERM, [](int) { _exit(99); });
    ProcessPool pool(1);
    try {
      pool.each(numbersUpTo(3), [](int) { raise(SIGTERM); });
    } catch (const WorkerLost& lost) {
      return lost.getSignal() == SIGTERM ? 0 : 1;
    }
    return 2;
  });
  EXPECT_EQ(end.status, ProcessStatus::exited(0));
}

// What stays after many operations.

std::size_t countDescriptors() {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

std::size_t residentBytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t pages = 0;
  file >> pages >> pages;
  return pages * 4096;
}

void runOperations(ProcessPool& pool, int count) {
  for (int i = 0; i < count; ++i) {
    static_cast<void>(pool.map(numbersUpTo(16), [](int n) { return std::to_string(n); }));
  }
}

TEST_P(LimitTest, AThousandOperationsLeaveNoDescriptor) {
  const auto end = run([] {
    ProcessPool pool(2);
    runOperations(pool, 10);
    const std::size_t before = countDescriptors();
    const auto inWorkers = pool.map(numbersUpTo(1), [](int) { return countDescriptors(); });
    runOperations(pool, 1000);
    return countDescriptors() == before &&
                   pool.map(numbersUpTo(1), [](int) { return countDescriptors(); }) == inWorkers
               ? 0
               : 1;
  });
  EXPECT_EQ(end.status, ProcessStatus::exited(0));
}

TEST(OperationsLargeTest, AThousandOperationsLeaveNoMemory) {
  const auto end = inChild([] {
    ProcessPool pool(2);
    runOperations(pool, 100);
    const std::size_t before = residentBytes();
    runOperations(pool, 1000);
    return residentBytes() < before + (std::size_t{1} << 20) ? 0 : 1;
  });
  EXPECT_EQ(end.status, ProcessStatus::exited(0));
}

}  // namespace
}  // namespace procession::test
