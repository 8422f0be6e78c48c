#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "process/fork_observer.hpp"
#include "procession/error.hpp"
#include "procession/process_manager.hpp"
#include "support/scoped_environment.hpp"

namespace procession {
namespace {

using detail::makePipe;
using detail::Pipe;

volatile std::sig_atomic_t hostCalls = 0;
ProcessManager* handled = nullptr;

// Tasks know this process by its number: on a rank they are not its children.

/// Blocks for ever, unless a signal ends the process.
[[noreturn]] void stay() {
  while (true) {
    pause();
  }
}

template <class Run>
Interrupted interruptionOf(Run run) {
  try {
    run();
  } catch (const Interrupted& interruption) {
    return interruption;
  }
  throw std::logic_error("run() was not interrupted");
}

TEST(ProcessManagerSignalTest, ASignalEndsTheRunAndAllProcesses) {
  const pid_t parent = getpid();
  for (const int signal : {SIGINT, SIGTERM}) {
    ProcessManager manager;
    const Pipe begun = makePipe();
    const auto patient = manager.add([&begun] {
      test::sendByte(begun, 'b');
      stay();
    });
    manager.add([&begun, signal, parent] {
      test::waitForByte(begun);
      kill(parent, signal);
      stay();
    });
    const auto waiting = manager.add([] { return 3; });
    EXPECT_EQ(interruptionOf([&] { manager.run(2); }).getSignal(), signal);
    EXPECT_FALSE(manager.hasRunning());
    EXPECT_EQ(patient->getStatus(), ProcessStatus::signaled(SIGTERM));
    EXPECT_THROW(waiting->getOutput(), Interrupted);
  }
}

TEST(ProcessManagerSignalTest, AProcessMayEndInItsOwnWayWithinTheGrace) {
  const pid_t parent = getpid();
  ProcessManager manager;
  const auto task = manager.add([parent] {
    static volatile std::sig_atomic_t isToldToEnd = 0;
    std::signal(SIGTERM, [](int) { isToldToEnd = 1; });
    sigset_t term;
    sigset_t before;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, &before);
    kill(parent, SIGINT);
    while (isToldToEnd == 0) {
      sigsuspend(&before);
    }
    return std::string("tidied up");
  });
  EXPECT_EQ(interruptionOf([&] { manager.run(); }).getSignal(), SIGINT);
  EXPECT_EQ(task->getOutput(), "tidied up");
}

TEST(ProcessManagerSignalTest, AProcessThatDoesNotEndIsKilledAfterTheGrace) {
  const pid_t parent = getpid();
  ProcessManager manager;
  const auto task = manager.add([parent] {
    std::signal(SIGTERM, SIG_IGN);
    kill(parent, SIGTERM);
    stay();
  });
  interruptionOf([&] { manager.run(); });
  EXPECT_EQ(task->getStatus(), ProcessStatus::signaled(SIGKILL));
}

TEST(ProcessManagerSignalTest, ASecondSignalKillsAtOnce) {
  const pid_t parent = getpid();
  ProcessManager manager;
  const auto task = manager.add([parent] {
    static pid_t told;
    told = parent;
    std::signal(SIGTERM, [](int) { kill(told, SIGTERM); });  // the second
    kill(parent, SIGINT);                                    // the first
    stay();
  });
  EXPECT_EQ(interruptionOf([&] { manager.run(); }).getSignal(), SIGINT);
  EXPECT_EQ(task->getStatus(), ProcessStatus::signaled(SIGKILL));
}

TEST(ProcessManagerSignalTest, AFailedTaskIsNotTriedAgainAfterASignal) {
  const pid_t parent = getpid();
  ProcessManager manager;
  const test::SharedCounter attempts;
  manager.add({.retries = 5}, [&attempts, parent] {
    ++*attempts;
    kill(parent, SIGTERM);
    stay();
  });
  interruptionOf([&] { manager.run(); });
  EXPECT_EQ(*attempts, 1);
}

TEST(ProcessManagerSignalTest, TheProgramsOwnHandlerIsCalledAndComesBack) {
  const pid_t parent = getpid();
  hostCalls = 0;
  const auto handler = +[](int) { hostCalls = hostCalls + 1; };
  const auto before = std::signal(SIGTERM, handler);
  ProcessManager manager;
  manager.add([parent] {
    kill(parent, SIGTERM);
    stay();
  });
  interruptionOf([&] { manager.run(); });
  EXPECT_EQ(hostCalls, 1);
  EXPECT_EQ(std::signal(SIGTERM, before), handler);
}

TEST(ProcessManagerSignalTest, AfterAnInterruptionTheManagerIsOfUse) {
  const pid_t parent = getpid();
  ProcessManager manager;
  manager.add([parent] {
    kill(parent, SIGINT);
    stay();
  });
  interruptionOf([&] { manager.run(); });
  manager.add([] { return 7; });
  EXPECT_EQ(manager.run<int>(), std::vector{7});
}

TEST(ProcessManagerSignalTest, ASignalHandlerMayCallKillAll) {
  const pid_t parent = getpid();
  ProcessManager manager;
  handled = &manager;
  const auto before = std::signal(SIGUSR1, [](int) { handled->killAll(); });
  manager.add([parent] {
    kill(parent, SIGUSR1);
    stay();
  });
  manager.add([] { return 2; });
  const auto outcomes = manager.run(1);
  std::signal(SIGUSR1, before);
  EXPECT_EQ(dynamic_cast<const WorkerLost&>(outcomes[0].error()).getSignal(), SIGTERM);
  EXPECT_EQ(outcomes[1].getAttempts(), 0);
}

// The handler interrupts the manager at any point of its work, not only where it waits.
TEST(ProcessManagerSignalTest, KillAllFromAHandlerWorksAtEveryMoment) {
  const pid_t parent = getpid();
  for (int round = 0; round < 20; ++round) {
    ProcessManager manager;
    handled = &manager;
    const auto before = std::signal(SIGUSR1, [](int) { handled->killAll(SIGKILL); });
    for (int i = 0; i < 8; ++i) {
      manager.add([i, round, parent] {
        if (i == round % 8) {
          kill(parent, SIGUSR1);
          stay();
        }
        return i;
      });
    }
    const auto outcomes = manager.run(3);
    std::signal(SIGUSR1, before);
    EXPECT_EQ(dynamic_cast<const WorkerLost&>(outcomes[static_cast<std::size_t>(round % 8)].error())
                  .getSignal(),
              SIGKILL);
  }
}

TEST(ProcessManagerSignalTest, OnTheSerialBackendASignalEndsTheRunAfterTheTask) {
  test::ScopedEnvironment environment;
  environment.set("PROCESSION_BACKEND", "serial");
  ProcessManager manager;
  const auto first = manager.add([] { return raise(SIGINT); });
  const auto second = manager.add([] { return 2; });
  EXPECT_EQ(interruptionOf([&] { manager.run(); }).getSignal(), SIGINT);
  EXPECT_EQ(first->getOutput(), 0);
  EXPECT_THROW(second->getOutput(), Interrupted);
}

}  // namespace
}  // namespace procession
