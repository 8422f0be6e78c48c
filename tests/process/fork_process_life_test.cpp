#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>
#include <thread>
#include <vector>

#include "process/fork_observer.hpp"
#include "procession/fork_process.hpp"
#include "procession/process_manager.hpp"
#include "support/leak_guard.hpp"
#include "system/file_descriptor.hpp"

namespace procession {
namespace {

using detail::makePipe;
using detail::Pipe;

/// Tells its pid and runs for ever, without a system call that could fail.
void reportAndSpin(const Pipe& report) {
  const pid_t own = getpid();
  detail::writeAll(report.write.get(), &own, sizeof own);
  for (volatile bool isOn = true; isOn;) {
  }
}

void reportAndBecomeAnotherProgram(const Pipe& report) {
  const pid_t own = getpid();
  detail::writeAll(report.write.get(), &own, sizeof own);
  execlp("sleep", "sleep", "1000", nullptr);
  _exit(127);
}

TEST(ForkProcessLifeTest, NoChildOutlivesAParentThatWasKilled) {
  constexpr int kChildren = 4;
  const Pipe report = makePipe();
  const pid_t parent = fork();
  if (parent == 0) {
    ForkProcess first([&report] { reportAndSpin(report); });
    ForkProcess second([&report] { reportAndSpin(report); });
    ForkProcess program([&report] { reportAndBecomeAnotherProgram(report); });
    ProcessManager manager;
    const auto task = manager.add([&report] { reportAndSpin(report); });
    first.start();
    std::thread([&second] { second.start(); }).join();
    program.start();
    task->start();
    manager.wait();
    _exit(0);
  }
  std::vector<detail::FileDescriptor> handles;
  for (int i = 0; i < kChildren; ++i) {
    pid_t pid = 0;
    ASSERT_EQ(read(report.read.get(), &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
    handles.push_back(detail::openPidfd(pid));
  }
  kill(parent, SIGKILL);
  EXPECT_EQ(waitpid(parent, nullptr, 0), parent);
  for (const auto& handle : handles) {
    EXPECT_TRUE(test::isReadable(handle.get(), 30000)) << "a child outlived its parent";
  }
  EXPECT_TRUE(test::LeakGuard::reapOrphans().empty());
}

TEST(ForkProcessLifeTest, AChildOutlivesTheThreadThatStartedIt) {
  Pipe gate = makePipe();
  std::optional<ForkProcess<char>> child;
  std::thread([&] {
    child.emplace([&gate] { return test::waitForByte(gate); });
    child->start();
  }).join();
  test::sendByte(gate, 'x');
  EXPECT_EQ(child->wait(), 0);
  EXPECT_EQ(child->getOutput(), 'x');
}

TEST(ForkProcessLifeTest, AChildHasNoHandlerOfTheParent) {
  const auto before = std::signal(SIGTERM, [](int) {});
  ForkProcess child([] { raise(SIGTERM); });
  child.start();
  EXPECT_EQ(child.wait(), 128 + SIGTERM);
  std::signal(SIGTERM, before);
}

TEST(ForkProcessLifeTest, AProgramThatReplacesTheCallbackIsWaitedFor) {
  ForkProcess child([] { execlp("sh", "sh", "-c", "exit 9", nullptr); });
  child.start();
  EXPECT_EQ(child.wait(), 9);
}

TEST(ForkProcessLifeTest, AGrandchildThatLivesOnHoldsUpNobody) {
  Pipe gate = makePipe();
  ForkProcess child([&gate] {
    const pid_t grandchild = fork();
    if (grandchild == 0) {  // has a copy of the channel to the parent
      test::waitForByte(gate);
      _exit(0);
    }
    return static_cast<int>(grandchild);
  });
  child.start();
  EXPECT_EQ(child.wait(), 0);
  EXPECT_GT(child.getOutput(), 0);
  ForkProcess leaving([&gate] {
    if (fork() == 0) {
      test::waitForByte(gate);
      _exit(0);
    }
    _exit(3);  // and sends nothing
  });
  leaving.start();
  EXPECT_EQ(leaving.wait(), 3);
  test::sendByte(gate, 'x');
  test::sendByte(gate, 'x');
  EXPECT_TRUE(test::LeakGuard::reapOrphans().empty());
}

TEST(ForkProcessLifeTest, ChildrenHoldNothingOfTheirSiblings) {
  Pipe gate = makePipe();
  ForkProcess first([&gate] { return test::waitForByte(gate); });
  first.start();
  const auto descriptors = [] { return test::Holdings::take().descriptors.size(); };
  ForkProcess second(descriptors);
  second.start();
  second.wait();
  test::sendByte(gate, 'x');
  first.wait();
  ForkProcess alone(descriptors);
  alone.start();
  alone.wait();
  EXPECT_EQ(second.getOutput(), alone.getOutput());
}

// Then the system reaps children by itself, and nobody can know how they ended.
TEST(ForkProcessLifeTest, ResultsComeBackWhereChildrenAreReapedByTheSystem) {
  const auto before = std::signal(SIGCHLD, SIG_IGN);
  ForkProcess child([] { return 42; });
  child.start();
  EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(child.getOutput(), 42);
  ForkProcess throwing([]() -> int { throw 1; });
  throwing.start();
  EXPECT_EQ(throwing.wait(), 1);
  ForkProcess killed([] { raise(SIGKILL); });
  killed.start();
  EXPECT_EQ(killed.wait(), 255);
  std::signal(SIGCHLD, before);
}

// Some are gone before the parent can take a look at them.
TEST(ForkProcessLifeTest, ManyShortTasksComeBackWhereChildrenAreReapedByTheSystem) {
  const auto before = std::signal(SIGCHLD, SIG_IGN);
  ProcessManager manager;
  for (int n = 0; n < 300; ++n) {
    manager.add([n] { return n; });
  }
  const std::vector<int> results = manager.run<int>(4);
  ASSERT_EQ(results.size(), 300U);
  EXPECT_EQ(results.front(), 0);
  EXPECT_EQ(results.back(), 299);
  std::signal(SIGCHLD, before);
}

}  // namespace
}  // namespace procession
