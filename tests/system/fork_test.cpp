#include "system/fork.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <thread>

#include "procession/error.hpp"
#include "procession/process_status.hpp"
#include "support/in_child.hpp"
#include "support/scratch_folder.hpp"

namespace {
int forkFailure = 0;  // an errno; 0: fork works
}
extern "C" pid_t __real_fork();
extern "C" pid_t __wrap_fork() {
  if (forkFailure != 0) {
    errno = forkFailure;
    return -1;
  }
  return __real_fork();
}

namespace procession::detail {
namespace {

/// The exit code of a child made by forkChild that runs `body`; 255 for another end.
template <class Body>
int inForkedChild(Body body) {
  const pid_t child = forkChild();
  if (child == 0) {
    _exit(body());
  }
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(child), &info, WEXITED);
  return ProcessStatus::fromWaitid(info.si_code, info.si_status).getExitCode().value_or(255);
}

bool isOpenNumber(int descriptor) { return fcntl(descriptor, F_GETFD) >= 0; }

TEST(ForkTest, AChildClosesWhatIsPrivateToItsParent) {
  Pipe pipe = makePipe();
  const PrivateDescriptor mine(std::move(pipe.write));
  const int kept = pipe.read.get();
  EXPECT_EQ(inForkedChild([&] { return !isOpenNumber(mine.get()) && isOpenNumber(kept) ? 0 : 1; }),
            0);
  EXPECT_TRUE(isOpenNumber(mine.get()));
}

TEST(ForkTest, AnInheritedObjectClosesNoDescriptorThatTheChildOpenedSince) {
  PrivateDescriptor mine{FileDescriptor(dup(STDIN_FILENO))};
  EXPECT_EQ(inForkedChild([&] {
              const int reused = dup(STDIN_FILENO);
              if (reused != mine.get()) {
                return 1;
              }
              mine.reset();
              return isOpenNumber(reused) ? 0 : 2;
            }),
            0);
}

TEST(ForkTest, AChildCanHavePrivateDescriptorsOfItsOwn) {
  const PrivateDescriptor mine{FileDescriptor(dup(STDIN_FILENO))};
  EXPECT_EQ(inForkedChild([] {
              PrivateDescriptor own{FileDescriptor(dup(STDIN_FILENO))};
              const int number = own.get();
              PrivateDescriptor moved(std::move(own));
              own = std::move(moved);
              own.reset();
              return isOpenNumber(number) ? 1 : 0;
            }),
            0);
}

TEST(ForkTest, NoChildIsForkedDuringAPause) {
  std::optional<ForkPause> pause(std::in_place);
  FileDescriptor open(dup(STDIN_FILENO));
  const int number = open.get();
  int result = -1;
  std::thread forking(
      [&] { result = inForkedChild([&] { return isOpenNumber(number) ? 1 : 0; }); });
  const PrivateDescriptor registered(std::move(open));
  pause.reset();
  forking.join();
  EXPECT_EQ(result, 0);
}

TEST(ForkTest, AChildHasDefaultHandlersAndNoBlockedSignals) {
  const auto before = std::signal(SIGTERM, [](int) {});
  const auto beforeIgnored = std::signal(SIGUSR1, SIG_IGN);
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  sigset_t mask;
  pthread_sigmask(SIG_BLOCK, &term, &mask);
  EXPECT_EQ(inForkedChild([] {
              sigset_t blocked;
              pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
              const bool isDefault = std::signal(SIGTERM, SIG_DFL) == SIG_DFL;
              const bool staysIgnored = std::signal(SIGUSR1, SIG_DFL) == SIG_IGN;
              return isDefault && staysIgnored && sigismember(&blocked, SIGTERM) == 0 ? 0 : 1;
            }),
            0);
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, &mask, &after);
  EXPECT_EQ(sigismember(&after, SIGTERM), 1);  // the parent's own mask is untouched
  std::signal(SIGTERM, before);
  std::signal(SIGUSR1, beforeIgnored);
}

TEST(ForkTest, OutputThatWaitsInTheParentIsWrittenOnce) {
  const test::ScratchFolder folder;
  const auto path = folder.path() / "log";
  std::FILE* file = std::fopen(path.c_str(), "w");
  std::fputs("once\n", file);
  EXPECT_EQ(inForkedChild([] { return std::fflush(nullptr); }), 0);
  std::fclose(file);
  std::ifstream written(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator(written), {}), "once\n");
}

TEST(ForkTest, AThreadThatWaitsForInputDoesNotHoldUpAFork) {
  const auto end = test::inChild([] {
    Pipe input = makePipe();
    dup2(input.read.get(), STDIN_FILENO);
    ::flockfile(stdin);  // as a thread does that is inside getchar()
    std::thread forking(
        [] { std::fputs(inForkedChild([] { return 7; }) == 7 ? "forked" : "", stdout); });
    forking.join();
    std::fflush(stdout);
    return 0;
  });
  EXPECT_EQ(end.output, "forked");
}

TEST(ForkTest, AFailureNamesTheLimits) {
  forkFailure = EAGAIN;
  std::string text;
  try {
    forkChild();
  } catch (const SystemError& error) {
    text = error.what();
    EXPECT_EQ(error.getErrno(), EAGAIN);
  }
  forkFailure = 0;
  EXPECT_NE(text.find("RLIMIT_NPROC"), std::string::npos) << text;
  EXPECT_NE(text.find("ulimit -u"), std::string::npos) << text;
}

TEST(ForkTest, AFailureForWantOfMemorySaysSo) {
  forkFailure = ENOMEM;
  std::string text;
  try {
    forkChild();
  } catch (const SystemError& error) {
    text = error.what();
  }
  forkFailure = 0;
  EXPECT_NE(text.find("no memory"), std::string::npos) << text;
}

TEST(ForkTest, AFailedForkLeavesTheLockFree) {
  forkFailure = EAGAIN;
  EXPECT_THROW(forkChild(), SystemError);
  forkFailure = 0;
  std::thread other([] { EXPECT_EQ(inForkedChild([] { return 5; }), 5); });
  other.join();
}

TEST(ForkTest, OnlyAMarkedProcessIsAWorker) {
  EXPECT_FALSE(isInsideWorker());
  EXPECT_EQ(inForkedChild([] {
              const bool before = isInsideWorker();
              markInsideWorker();
              return !before && isInsideWorker() ? 0 : 1;
            }),
            0);
  EXPECT_FALSE(isInsideWorker());
}

}  // namespace
}  // namespace procession::detail
