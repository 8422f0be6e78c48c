#include "system/lifeline.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "procession/process_status.hpp"
#include "support/leak_guard.hpp"
#include "system/fork.hpp"

namespace procession::detail {
namespace {

ProcessStatus reap(pid_t child) {
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(child), &info, WEXITED);
  return ProcessStatus::fromWaitid(info.si_code, info.si_status);
}

[[noreturn]] void spin() {
  for (volatile bool isOn = true; isOn;) {
  }
  _exit(0);
}

pid_t readPid(int descriptor) {
  pid_t pid = 0;
  return read(descriptor, &pid, sizeof pid) == sizeof pid ? pid : -1;
}

/// Forks a parent that forks `children` spinning children, tells their pids, and waits. Returns the
/// parent.
pid_t forkFamily(int report, int children) {
  const pid_t parent = forkChild();
  if (parent != 0) {
    return parent;
  }
  std::vector<Lifeline> lifelines(static_cast<std::size_t>(children));
  for (Lifeline& lifeline : lifelines) {
    const pid_t self = getpid();
    const pid_t child = forkChild();
    if (child == 0) {
      lifeline.holdInChild(self);
      const pid_t own = getpid();
      writeAll(report, &own, sizeof own);
      spin();
    }
    lifeline.holdInParent();
  }
  pause();
  _exit(0);
}

TEST(LifelineTest, ChildrenEndWhenTheirParentIsKilled) {
  const Pipe pipe = makePipe();
  const pid_t parent = forkFamily(pipe.write.get(), 3);
  std::vector<FileDescriptor> handles;
  std::vector<pid_t> children;
  for (int i = 0; i < 3; ++i) {
    children.push_back(readPid(pipe.read.get()));
    handles.push_back(openPidfd(children.back()));
  }
  kill(parent, SIGKILL);
  EXPECT_EQ(reap(parent), ProcessStatus::signaled(SIGKILL));
  for (std::size_t i = 0; i < children.size(); ++i) {
    pollfd ended{handles[i].get(), POLLIN, 0};
    ASSERT_EQ(poll(&ended, 1, 30000), 1) << "a child outlived its parent";
    EXPECT_EQ(reap(children[i]),
              ProcessStatus::signaled(SIGKILL));  // orphans come to the subreaper
  }
}

TEST(LifelineTest, AChildOutlivesTheThreadThatForkedIt) {
  Lifeline lifeline;
  Pipe gate = makePipe();
  pid_t child = 0;
  const pid_t self = getpid();
  std::thread([&] {
    child = forkChild();
    if (child == 0) {
      lifeline.holdInChild(self);
      gate.write.reset();
      char byte;
      _exit(read(gate.read.get(), &byte, 1) == 1 ? 42 : 1);
    }
    lifeline.holdInParent();
  }).join();
  EXPECT_TRUE(writeAll(gate.write.get(), "x", 1));
  EXPECT_EQ(reap(child), ProcessStatus::exited(42));
}

TEST(LifelineTest, AChildEndsAtOnceWhenItsParentIsGoneAlready) {
  // The one that arms it is told of a parent that is not its own: as when it was handed to another
  // since.
  Lifeline lifeline;
  const pid_t child = forkChild();
  if (child == 0) {
    lifeline.holdInChild(1 << 30);
    _exit(0);
  }
  lifeline.holdInParent();
  EXPECT_EQ(reap(child), ProcessStatus::exited(127));
}

}  // namespace
}  // namespace procession::detail
