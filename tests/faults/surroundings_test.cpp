#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "faults/outsider.hpp"
#include "faults/rounds.hpp"
#include "faults/values.hpp"
#include "pool/child_pool_test.hpp"
#include "support/leak_guard.hpp"
#include "support/process_stat.hpp"
#include "support/scratch_folder.hpp"

// What happens to the program as a whole while things happen to its items: system calls that are
// interrupted, limits of the system that are reached, signals, its death. A child of the test is
// the program.

namespace {

/// Which forks fail, here and in the fork server.
struct ForkFailures {
  std::atomic<std::uint32_t> percent;
  std::atomic<std::uint64_t> seed;
};

ForkFailures& forkFailures() {
  static auto* const shared = static_cast<ForkFailures*>(mmap(
      nullptr, sizeof(ForkFailures), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  return *shared;
}
// Before main, so that no test leaves it behind.
[[maybe_unused]] const ForkFailures& kForkFailures = forkFailures();

}  // namespace
extern "C" pid_t __real_fork();
extern "C" pid_t __wrap_fork() {
  if (forkFailures().percent == 0) {
    return __real_fork();
  }
  procession::test::Dice dice(procession::test::mixed(++forkFailures().seed));
  if (!dice.chance(forkFailures().percent)) {
    return __real_fork();
  }
  errno = dice.chance(50) ? EAGAIN : ENOMEM;
  return -1;
}

namespace procession::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kWentWrong = 1;
constexpr int kWasInterrupted = 7;

class SurroundingsTest : public ChildPoolTest {
 protected:
  SurroundingsTest() { chmod(folder_.path().c_str(), 0777); }
  void TearDown() override { EXPECT_TRUE(LeakGuard::reapOrphans().empty()); }

  /// The body of a child: rounds, after which it tells what went wrong.
  int live(const RoundsOptions& options) {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    LeakGuard::rebase();
    Book book(folder_.path().string());
    const Outsider outsider(folder_.path().string());
    const std::string problem = runRounds(book, options);
    if (problem.find("nterrupted") != std::string::npos) {  // by its type or its words
      return kWasInterrupted;
    }
    std::printf("%s\n%s", problem.c_str(), book.tally().describe().c_str());
    std::fflush(stdout);
    return problem.empty() ? 0 : kWentWrong;
  }

  void expectRoundsGoWell(const RoundsOptions& options) {
    const ChildEnd end = run([&] { return live(options); });
    EXPECT_EQ(end.status, ProcessStatus::exited(0));
    std::fputs(end.output.c_str(), stdout);
  }

  ScratchFolder folder_;
};

class SurroundingsLargeTest : public SurroundingsTest {};

INSTANTIATE_TEST_SUITE_P(, SurroundingsTest, testing::Bool(),
                         [](const auto& isServer) { return isServer.param ? "Server" : "Direct"; });
INSTANTIATE_TEST_SUITE_P(, SurroundingsLargeTest, testing::Bool(),
                         [](const auto& isServer) { return isServer.param ? "Server" : "Direct"; });

void setLimit(__rlimit_resource resource, rlim_t limit) {
  rlimit now{};
  getrlimit(resource, &now);
  now.rlim_cur = std::min(limit, now.rlim_max);
  setrlimit(resource, &now);
}

void liftLimit(__rlimit_resource resource) { setLimit(resource, RLIM_INFINITY); }

TEST_P(SurroundingsTest, SystemCallsMayBeInterruptedAllTheTime) {
  RoundsOptions options = RoundsOptions::partFromEnvironment(seconds(3));
  options.worsen = [](Dice& dice) {
    struct sigaction action {};
    action.sa_handler = [](int) {};  // without SA_RESTART
    sigaction(SIGALRM, &action, nullptr);
    const itimerval often{{0, 100 + dice.roll(900)}, {0, 100}};
    setitimer(ITIMER_REAL, &often, nullptr);
  };
  options.restore = [] {
    const itimerval never{};
    setitimer(ITIMER_REAL, &never, nullptr);
  };
  expectRoundsGoWell(options);
}

TEST_P(SurroundingsTest, ForksMayFail) {
  RoundsOptions options = RoundsOptions::partFromEnvironment(seconds(3));
  options.mayBeRefused = true;
  options.worsen = [](Dice& dice) {
    forkFailures().seed = dice.roll(1'000'000);
    forkFailures().percent = dice.roll(90);
  };
  options.restore = [] { forkFailures().percent = 0; };
  expectRoundsGoWell(options);
}

TEST_P(SurroundingsTest, TheUserMayHaveTooManyProcesses) {
  if (getuid() != 0) {
    GTEST_SKIP() << "only who is root can become somebody else, whose processes are all known";
  }
  RoundsOptions options = RoundsOptions::partFromEnvironment(seconds(2));
  options.mayBeRefused = true;
  const ChildEnd end = inChild([&] {
    if (setuid(40'000 + static_cast<uid_t>(getpid()) % 20'000) != 0) {
      return kWentWrong;
    }
    setLimit(RLIMIT_NPROC, 7);  // threads count: the test's own are two, and there is the server
    return runBody([&] { return live(options); });
  });
  EXPECT_EQ(end.status, ProcessStatus::exited(0)) << end.output;
}

TEST_P(SurroundingsLargeTest, DescriptorsMayRunOut) {
  RoundsOptions options = RoundsOptions::partFromEnvironment(seconds(3));
  options.mayBeRefused = true;
  options.worsen = [](Dice& dice) {
    const auto open = std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
    setLimit(RLIMIT_NOFILE, static_cast<rlim_t>(open) + dice.roll(40));
  };
  options.restore = [] { liftLimit(RLIMIT_NOFILE); };
  expectRoundsGoWell(options);
}

TEST_P(SurroundingsLargeTest, FilesAndSharedMemoryMayBeLimited) {
  RoundsOptions options = RoundsOptions::partFromEnvironment(seconds(2));
  options.mayBeRefused = true;
  options.worsen = [](Dice& dice) {
    // An arena has 128 MiB; what does not fit one may still go into a smaller file of its own.
    setLimit(RLIMIT_FSIZE, dice.chance(50) ? dice.roll(128 << 20) : (129 << 20));
  };
  options.restore = [] { liftLimit(RLIMIT_FSIZE); };
  expectRoundsGoWell(options);
}

TEST_P(SurroundingsLargeTest, AddressSpaceMayRunOut) {
  RoundsOptions options = RoundsOptions::partFromEnvironment(seconds(2));
  options.mayBeRefused = true;
  options.worsen = [](Dice& dice) {
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    setLimit(RLIMIT_AS,
             pages * 4096 + (std::size_t{16} << 20) + dice.roll(1 << 10) * (std::size_t{1} << 20));
  };
  options.restore = [] { liftLimit(RLIMIT_AS); };
  expectRoundsGoWell(options);
}

// Signals to the program, whenever they come.

TEST_P(SurroundingsTest, TheProgramMayBeStoppedAndContinued) {
  const RoundsOptions options = RoundsOptions::partFromEnvironment(seconds(2));
  const pid_t child = start([&] { return live(options); });
  Dice dice(options.seed);
  while (statOf(child).value_or(ProcessStat{}).state != 'Z') {
    std::this_thread::sleep_for(milliseconds(dice.roll(30)));
    kill(child, SIGSTOP);
    std::this_thread::sleep_for(milliseconds(dice.roll(30)));
    kill(child, SIGCONT);
  }
  EXPECT_EQ(awaitEnd(child), ProcessStatus::exited(0));
}

TEST_P(SurroundingsTest, OfAProgramThatIsEndedNothingStays) {
  const RoundsOptions options = RoundsOptions::partFromEnvironment(seconds(3));
  const auto end = std::chrono::steady_clock::now() + options.time;
  Dice dice(options.seed);
  for (std::uint64_t life = 0; std::chrono::steady_clock::now() < end; ++life) {
    RoundsOptions rounds;
    rounds.time = seconds(60);
    rounds.seed = options.seed + life;
    const pid_t child = start([&] { return live(rounds); });
    std::this_thread::sleep_for(milliseconds(dice.roll(150)));
    const int signal = dice.pick(std::array{SIGKILL, SIGKILL, SIGTERM, SIGINT, SIGQUIT});
    kill(child, signal);
    if (signal == SIGINT) {
      std::this_thread::sleep_for(milliseconds(dice.roll(5)));
      kill(child, signal);
    }
    const ProcessStatus status = awaitEnd(child);
    EXPECT_TRUE(status == ProcessStatus::signaled(signal, status.hasCoreDump()) ||
                (signal != SIGKILL && status == ProcessStatus::exited(kWasInterrupted)))
        << "life " << life << " " << status.describe();
    EXPECT_TRUE(LeakGuard::reapOrphans().empty()) << "life " << life;
    std::filesystem::remove(folder_.path() / "requests");
  }
}

}  // namespace
}  // namespace procession::test
