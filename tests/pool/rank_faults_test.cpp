#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "backend/ranks.hpp"
#include "pool/pool_test_support.hpp"
#include "procession/process_pool.hpp"
#include "support/begun_thread.hpp"
#include "support/crash.hpp"
#include "support/rank_here.hpp"
#include "system/host_name.hpp"

// Callbacks that fail in the workers of one rank only, the last, which is another than the parent's
// where there are several: the error names item, host, rank, process and what happened, and the
// rank lives on.

namespace procession::test {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;

constexpr int kWorkersPerRank = 2;

int rankCount() { return detail::activeRanks()->size(); }
int lastRank() { return rankCount() - 1; }

/// Who failed first; it wrote itself down before.
struct Culprit {
  std::uint64_t item = 0;
  pid_t pid = 0;
};

/// True in one call of all that are made for `path`.
bool isFirst(const std::string& path, int item) {
  const detail::FileDescriptor file(
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.isOpen()) {
    return false;
  }
  const std::string line = std::to_string(item) + " " + std::to_string(getpid());
  detail::writeAll(file.get(), line.data(), line.size());
  return true;
}

/// Fails on the first item that the rank's workers begin.
template <void (*Fail)()>
int failOnce(const std::string& path, int rank, int item) {
  if (rankHere() == rank && isFirst(path, item)) {
    Fail();
  }
  return item;
}

[[gnu::noinline]] int useUpStack(int depth, volatile char* above) {
  volatile char frame[4096];
  frame[0] = above == nullptr ? '0' : *above;
  return depth == 0 ? frame[0] : useUpStack(depth - 1, frame) + frame[0];
}

void crash() { writeThroughNull(); }
void killItself() { raise(SIGKILL); }
void terminateItself() { raise(SIGTERM); }
void leave() { std::exit(3); }
void leaveAtOnce() { _exit(0); }
void overflow() { static_cast<void>(useUpStack(1'000'000'000, nullptr)); }
void complain() { throw std::domain_error("no such luck"); }
void throwANumber() { throw 42; }
void hang() {
  std::signal(SIGTERM, SIG_IGN);
  while (true) {
    pause();
  }
}

using Callback = int (*)(const std::string&, int, int);

struct Death {
  std::string name;
  Callback callback;
  ProcessStatus status;
};

class RankFaultTest : public testing::Test {
 protected:
  RankFaultTest()
      : pool_({.workerCount = kWorkersPerRank * rankCount(), .chunkSize = 1}),
        servers_(serversOfRanks()) {}

  /// Every rank has its workers, from the same fork server as before the test.
  void TearDown() override { EXPECT_EQ(serversOfRanks(), servers_); }

  /// Maps with a callback that fails; the culprit is known afterwards.
  template <class Failure>
  Failure failure(ProcessPool& pool, Callback callback) {
    const Failure error = thrownBy<Failure>(
        [&] { static_cast<void>(pool.map(items(), bindFront(callback, path(), lastRank()))); });
    culprit_ = whoFailed();
    return error;
  }

  void expectNamesTheCulprit(const Error& error, const Origin& origin) {
    EXPECT_EQ(origin.item, culprit_.item);
    EXPECT_EQ(origin.rank, lastRank());
    EXPECT_EQ(origin.host, detail::hostName());
    EXPECT_EQ(origin.pid, culprit_.pid);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("item " + std::to_string(culprit_.item)),
                                    HasSubstr("rank " + std::to_string(lastRank())),
                                    HasSubstr(detail::hostName())));
  }

  [[nodiscard]] Culprit whoFailed() const {
    Culprit culprit;
    std::ifstream(path()) >> culprit.item >> culprit.pid;
    return culprit;
  }

  [[nodiscard]] std::string path() const { return (folder_.path() / "culprit").string(); }
  static std::vector<int> items() { return numbersUpTo(100 * rankCount()); }

  ProcessPool pool_;
  Culprit culprit_;

 private:
  /// The fork server of each rank, asked from all workers at the same time.
  std::map<int, std::set<pid_t>> serversOfRanks() {
    const auto count = static_cast<std::size_t>(pool_.getWorkerCount());
    Gate gate;
    auto keeper = begunThread<std::jthread>([&] {
      const std::vector<pid_t> pids = gate.awaitArrivals(count);
      EXPECT_EQ(std::set(pids.begin(), pids.end()).size(), count);
      gate.letPass(count);
    });
    const auto whereIsIt = [](const std::string& path, int) {
      Gate::pass(path);
      return std::pair(rankHere(), getppid());
    };
    std::map<int, std::set<pid_t>> servers;
    for (const auto& [rank, server] :
         pool_.map(numbersUpTo(pool_.getWorkerCount()), bindFront(whereIsIt, gate.path()))) {
      servers[rank].insert(server);
    }
    EXPECT_EQ(servers.size(), static_cast<std::size_t>(rankCount()));
    return servers;
  }

  ScratchFolder folder_;
  std::map<int, std::set<pid_t>> servers_;
};

class RankDeathTest : public RankFaultTest, public testing::WithParamInterface<Death> {};

INSTANTIATE_TEST_SUITE_P(
    , RankDeathTest,
    testing::Values(Death{"Segfault", failOnce<crash>, ProcessStatus::signaled(SIGSEGV)},
                    Death{"Abort", failOnce<std::abort>, ProcessStatus::signaled(SIGABRT)},
                    Death{"Kill", failOnce<killItself>, ProcessStatus::signaled(SIGKILL)},
                    Death{"Terminate", failOnce<terminateItself>, ProcessStatus::signaled(SIGTERM)},
                    Death{"StackOverflow", failOnce<overflow>, ProcessStatus::signaled(SIGSEGV)},
                    Death{"Exit", failOnce<leave>, ProcessStatus::exited(3)},
                    Death{"ExitWithSuccess", failOnce<leaveAtOnce>, ProcessStatus::exited(0)}),
    [](const auto& death) { return death.param.name; });

TEST_P(RankDeathTest, NamesItemHostRankProcessAndTheWayItEnded) {
  const auto error = failure<WorkerLost>(pool_, GetParam().callback);
  expectNamesTheCulprit(error, error.getOrigin());
  EXPECT_EQ(error.getSignal(), GetParam().status.getSignal());
  EXPECT_EQ(error.getExitCode(), GetParam().status.getExitCode());
  EXPECT_THAT(error.what(), HasSubstr(GetParam().status.describe()));
}

TEST_P(RankDeathTest, ARetryBringsAllResults) {
  ProcessPool pool({.workerCount = kWorkersPerRank * rankCount(), .chunkSize = 1, .retries = 1});
  EXPECT_EQ(pool.map(items(), bindFront(GetParam().callback, path(), lastRank())), items());
  EXPECT_GT(whoFailed().pid, 0) << "nothing failed";
}

TEST_F(RankFaultTest, AThrowNamesTypeMessageItemHostAndRank) {
  const auto error = failure<TaskError>(pool_, failOnce<complain>);
  expectNamesTheCulprit(error, error.getOrigin());
  EXPECT_EQ(error.getType(), "std::domain_error");
  EXPECT_EQ(error.getMessage(), "no such luck");
#if defined(__x86_64__)
  ASSERT_FALSE(error.getBacktrace().empty());
  EXPECT_THAT(error.getBacktrace().front(), HasSubstr("ranks_test+0x"));
#endif
}

TEST_F(RankFaultTest, AThrowOfAnyTypeNamesIt) {
  const auto error = failure<TaskError>(pool_, failOnce<throwANumber>);
  expectNamesTheCulprit(error, error.getOrigin());
  EXPECT_EQ(error.getType(), "int");
}

TEST_F(RankFaultTest, AHangIsEndedAtItsTimeLimitAndNamed) {
  ProcessPool pool(
      {.workerCount = kWorkersPerRank * rankCount(), .chunkSize = 1, .timeout = milliseconds(300)});
  const auto error = failure<TaskTimeout>(pool, failOnce<hang>);
  expectNamesTheCulprit(error, error.getOrigin());
  EXPECT_EQ(error.getLimit(), milliseconds(300));
}

TEST_F(RankFaultTest, ARetryMaySucceedAfterAThrowOrAHang) {
  for (const Callback callback : {failOnce<complain>, failOnce<hang>}) {
    ProcessPool pool({.workerCount = kWorkersPerRank * rankCount(),
                      .chunkSize = 1,
                      .retries = 1,
                      .timeout = milliseconds(300)});
    EXPECT_EQ(pool.map(items(), bindFront(callback, path(), lastRank())), items());
    EXPECT_GT(whoFailed().pid, 0) << "nothing failed";
    std::filesystem::remove(path());
  }
}

int crashThere(const std::string& path, int rank, int item) {
  if (rankHere() == rank) {
    SharedFile::append(path, std::to_string(item));
    raise(SIGKILL);
  }
  return item;
}

TEST_F(RankFaultTest, ItemsThatFailInEveryAttemptAreTriedSoOften) {
  const SharedFile file;
  ProcessPool pool({.workerCount = kWorkersPerRank * rankCount(), .chunkSize = 1, .retries = 2});
  const auto error = thrownBy<WorkerLost>([&] {
    static_cast<void>(pool.map(items(), bindFront(crashThere, file.path(), lastRank())));
  });
  ASSERT_TRUE(error.getItem().has_value());
  const std::vector<std::string> attempts = file.lines();
  EXPECT_EQ(std::count(attempts.begin(), attempts.end(), std::to_string(*error.getItem())), 3);
}

TEST_F(RankFaultTest, EveryOperationNamesTheCulprit) {
  const auto check = [&](auto operation) {
    std::filesystem::remove(path());
    const auto error = thrownBy<WorkerLost>(
        [&] { operation(bindFront(failOnce<killItself>, path(), lastRank())); });
    culprit_ = whoFailed();
    expectNamesTheCulprit(error, error.getOrigin());
  };
  check([&](auto callback) { static_cast<void>(pool_.filter(items(), callback)); });
  check([&](auto callback) { pool_.each(items(), callback); });
  check([&](auto callback) {
    static_cast<void>(pool_.mapReduce(items(), callback, std::plus<>{}, 0));
  });
}

TEST_F(RankFaultTest, WorkersThatAreKilledBetweenOperationsAreReplaced) {
  Gate gate;
  const auto whoIsThere = [](const std::string& path, int) {
    Gate::pass(path);
    return std::pair(rankHere(), getpid());
  };
  const auto count = static_cast<std::size_t>(pool_.getWorkerCount());
  gate.letPass(count);
  int killed = 0;
  for (const auto& [rank, pid] :
       pool_.map(numbersUpTo(pool_.getWorkerCount()), bindFront(whoIsThere, gate.path()))) {
    if (rank == lastRank()) {
      killed += kill(pid, SIGKILL) == 0 ? 1 : 0;
    }
  }
  EXPECT_GT(killed, 0);
  EXPECT_EQ(pool_.map(items(), [](int n) { return n; }), items());
}

/// Every seventh item ends its worker at the first attempt, on whatever rank.
int crashAtFirst(const std::string& folder, int item) {
  if (item % 7 == 0 && isFirst(folder + "/" + std::to_string(item), item)) {
    item % 2 == 0 ? crash() : leave();
  }
  return 2 * item;
}

TEST_F(RankFaultTest, ManyDeathsOnAllRanksLoseNoItem) {
  const ScratchFolder folder;
  ProcessPool pool({.workerCount = kWorkersPerRank * rankCount(), .retries = 1});
  std::vector<int> expected = items();
  for (int& item : expected) {
    item *= 2;
  }
  EXPECT_EQ(pool.map(items(), bindFront(crashAtFirst, folder.path().string())), expected);
}

using RankFaultLargeTest = RankFaultTest;

TEST_F(RankFaultLargeTest, RunningOutOfMemoryIsAnExceptionThatNamesTheCulprit) {
  const auto error = failure<TaskError>(pool_, failOnce<useUpMemory>);
  expectNamesTheCulprit(error, error.getOrigin());
  EXPECT_EQ(error.getType(), "std::bad_alloc");
}

}  // namespace
}  // namespace procession::test
