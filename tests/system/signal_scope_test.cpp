#include "system/signal_scope.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <memory>
#include <thread>
#include <vector>

#include "procession/process_status.hpp"
#include "support/in_child.hpp"

namespace procession::detail {
namespace {

std::atomic<int> hostCalls = 0;  // of several threads
volatile std::sig_atomic_t hostSender = 0;

void hostHandler(int) { ++hostCalls; }
void hostHandlerWithInfo(int, siginfo_t* info, void*) { hostSender = info->si_pid; }

/// Valgrind 3.19 does not let the stack grow for a handler with SA_ONSTACK, though there be no
/// other stack: so it has grown before.
void growStack() {
  std::array<volatile char, 1 << 16> room;
  for (std::size_t i = 0; i < room.size(); i += 1024) {
    room[i] = 0;
  }
}

bool isReadable(int descriptor) {
  pollfd entry{descriptor, POLLIN, 0};
  return poll(&entry, 1, 0) == 1;
}

/// The program's own dispositions of SIGINT and SIGTERM, put back after each test.
class SignalScopeTest : public testing::Test {
 protected:
  void SetUp() override {
    growStack();
    hostCalls = 0;
    sigaction(SIGINT, nullptr, &interrupt_);
    sigaction(SIGTERM, nullptr, &terminate_);
  }
  void TearDown() override {
    sigaction(SIGINT, &interrupt_, nullptr);
    sigaction(SIGTERM, &terminate_, nullptr);
  }
  static auto handlerOf(int signal) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    return action.sa_handler;
  }

 private:
  struct sigaction interrupt_ {};
  struct sigaction terminate_ {};
};

TEST_F(SignalScopeTest, NotesSignalsInsteadOfDying) {
  SignalScope signals;
  EXPECT_EQ(signals.getCount(), 0);
  EXPECT_EQ(signals.getSignal(), std::nullopt);
  EXPECT_FALSE(isReadable(signals.getDescriptor()));
  raise(SIGTERM);
  EXPECT_TRUE(isReadable(signals.getDescriptor()));
  EXPECT_EQ(signals.getCount(), 1);
  EXPECT_EQ(signals.getSignal(), SIGTERM);
  signals.acknowledge();
  EXPECT_FALSE(isReadable(signals.getDescriptor()));
  raise(SIGINT);
  EXPECT_TRUE(isReadable(signals.getDescriptor()));
  EXPECT_EQ(signals.getCount(), 2);
  EXPECT_EQ(signals.getSignal(), SIGTERM);  // the first one
}

TEST_F(SignalScopeTest, PutsBackWhatWasThere) {
  std::signal(SIGINT, hostHandler);
  std::signal(SIGTERM, SIG_DFL);
  { const SignalScope signals; }
  EXPECT_EQ(handlerOf(SIGINT), hostHandler);
  EXPECT_EQ(handlerOf(SIGTERM), SIG_DFL);
}

TEST_F(SignalScopeTest, CallsTheHandlerOfTheProgramEveryTime) {
  std::signal(SIGINT, hostHandler);
  SignalScope signals;
  raise(SIGINT);
  raise(SIGINT);
  EXPECT_EQ(hostCalls, 2);
  EXPECT_EQ(signals.getCount(), 2);
}

TEST_F(SignalScopeTest, HandsOnWhoSentTheSignal) {
  struct sigaction action {};
  action.sa_sigaction = hostHandlerWithInfo;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGTERM, &action, nullptr);
  SignalScope signals;
  hostSender = 0;
  kill(getpid(), SIGTERM);
  EXPECT_EQ(hostSender, getpid());
}

TEST_F(SignalScopeTest, AHandlerForOneSignalIsCalledOnce) {
  struct sigaction action {};
  action.sa_handler = hostHandler;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  {
    SignalScope signals;
    raise(SIGINT);
    raise(SIGINT);
    EXPECT_EQ(hostCalls, 1);
    EXPECT_EQ(signals.getCount(), 2);
    signals.acknowledge();
  }
  EXPECT_EQ(handlerOf(SIGINT), SIG_DFL);
}

TEST_F(SignalScopeTest, WhatIsIgnoredStaysIgnored) {
  std::signal(SIGINT, SIG_IGN);
  SignalScope signals;
  raise(SIGINT);
  EXPECT_EQ(signals.getCount(), 0);
  EXPECT_EQ(handlerOf(SIGINT), SIG_IGN);
}

TEST_F(SignalScopeTest, AHandlerThatTheProgramInstalledMeanwhileStays) {
  std::signal(SIGINT, SIG_DFL);
  {
    const SignalScope signals;
    std::signal(SIGINT, hostHandler);
  }
  EXPECT_EQ(handlerOf(SIGINT), hostHandler);
}

struct sigaction chained {};

TEST_F(SignalScopeTest, AHandlerOfTheProgramMayChainToOurs) {
  {
    const SignalScope signals;
    struct sigaction action {};
    action.sa_handler = [](int signal) {
      ++hostCalls;
      chained.sa_sigaction(signal, nullptr, nullptr);
    };
    sigaction(SIGINT, &action, &chained);
  }
  const SignalScope signals;
  raise(SIGINT);
  EXPECT_EQ(hostCalls, 1);
  EXPECT_GE(signals.getCount(), 1);
}

TEST_F(SignalScopeTest, NestedScopesNoteEachFromItsStart) {
  SignalScope outer;
  raise(SIGINT);
  {
    SignalScope inner;
    EXPECT_FALSE(isReadable(inner.getDescriptor()));
    raise(SIGTERM);
    EXPECT_EQ(inner.getCount(), 1);
    EXPECT_EQ(inner.getSignal(), SIGTERM);
  }
  raise(SIGTERM);
  EXPECT_EQ(outer.getCount(), 3);
  outer.acknowledge();
}

TEST_F(SignalScopeTest, ASignalThatNobodyLookedAtEndsTheProgramAfterAll) {
  std::signal(SIGTERM, SIG_DFL);
  const auto end = test::inChild([] {
    SignalScope outer;
    {
      const SignalScope inner;
      raise(SIGTERM);
    }
    return 0;  // and here ends the last scope
  });
  EXPECT_EQ(end.status, ProcessStatus::signaled(SIGTERM));
}

TEST_F(SignalScopeTest, ASignalThatTheProgramHandlesItselfIsNotRaisedAgain) {
  std::signal(SIGTERM, hostHandler);
  {
    const SignalScope signals;
    raise(SIGTERM);
  }
  EXPECT_EQ(hostCalls, 1);
}

TEST_F(SignalScopeTest, ScopesMayEndInAnyOrder) {
  std::signal(SIGINT, hostHandler);
  auto first = std::make_unique<SignalScope>();
  auto second = std::make_unique<SignalScope>();
  auto third = std::make_unique<SignalScope>();
  second.reset();
  raise(SIGINT);
  EXPECT_EQ(first->getCount(), 1);
  EXPECT_EQ(third->getCount(), 1);
  first.reset();
  raise(SIGINT);
  EXPECT_EQ(third->getCount(), 2);
  third.reset();
  EXPECT_EQ(handlerOf(SIGINT), hostHandler);
}

TEST_F(SignalScopeTest, ScopesOfManyThreadsComeAndGoUnderFire) {
  constexpr int kSignals = 50;
  std::signal(SIGINT, hostHandler);
  std::atomic<bool> isOver = false;
  std::vector<std::thread> threads;
  const SignalScope outer;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&outer] {
      for (int round = 0; round < 500 || outer.getCount() < kSignals; ++round) {
        SignalScope signals;
        signals.acknowledge();
      }
    });
  }
  // One signal at a time: those that take them must get on with something else as well, even where
  // threads take turns, as under valgrind. The thread sanitizer may put one aside until the next.
  std::thread sender([&] {
    while (!isOver) {
      const int before = outer.getCount();
      kill(getpid(), SIGINT);
      for (int turn = 0; turn < 1000 && outer.getCount() == before; ++turn) {
        std::this_thread::yield();
      }
    }
  });
  for (std::thread& thread : threads) {
    thread.join();
  }
  isOver = true;
  sender.join();
  EXPECT_GE(outer.getCount(), kSignals);
}

TEST_F(SignalScopeTest, AProcessForkedByTheProgramBehavesAsWithoutUs) {
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGINT, hostHandler);
  SignalScope signals;
  const auto dead = test::inChild([] {
    raise(SIGTERM);
    return 0;
  });
  EXPECT_EQ(dead.status, ProcessStatus::signaled(SIGTERM));
  const auto handled = test::inChild([] {
    raise(SIGINT);
    return hostCalls + 10;
  });
  EXPECT_EQ(handled.status, ProcessStatus::exited(11));
  EXPECT_EQ(signals.getCount(), 0);
  EXPECT_FALSE(isReadable(signals.getDescriptor()));
}

TEST_F(SignalScopeTest, AForkedChildCanHaveScopesOfItsOwn) {
  SignalScope signals;
  const auto end = test::inChild([] {
    SignalScope own;
    raise(SIGINT);
    own.acknowledge();
    return own.getCount();
  });
  EXPECT_EQ(end.status, ProcessStatus::exited(1));
  EXPECT_EQ(signals.getCount(), 0);
}

}  // namespace
}  // namespace procession::detail
