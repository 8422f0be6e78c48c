#include "backend/fork_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <vector>

#include "backend/arena.hpp"
#include "backend/spawner.hpp"
#include "procession/error.hpp"
#include "support/in_child.hpp"
#include "support/leak_guard.hpp"
#include "support/process_stat.hpp"
#include "system/file_descriptor.hpp"
#include "system/fork.hpp"
#include "system/host_name.hpp"

namespace procession::detail {
namespace {

using Report = Spawner::Report;
using test::LeakGuard;

void awaitReadable(int descriptor) {
  pollfd polled{descriptor, POLLIN, 0};
  ASSERT_EQ(poll(&polled, 1, 30'000), 1) << "nothing came within half a minute";
}

std::size_t countDescriptors(pid_t pid) {
  const auto folder = std::filesystem::path("/proc") / std::to_string(pid) / "fd";
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

/// Some workers of one spawner, without a backend: channels that are merely held open.
class Crew {
 public:
  Crew(std::unique_ptr<Spawner> spawner, int count) : spawner_(std::move(spawner)) {
    for (int worker = 0; worker < count; ++worker) {
      SocketPair sockets = makeSocketPair();
      channels_[worker] = PrivateDescriptor(std::move(sockets.first));
      spawner_->start(worker, std::move(sockets.second), arena_.file());
    }
    for (int worker = 0; worker < count; ++worker) {
      const Report report = next(worker);
      EXPECT_EQ(report.type, Report::Type::Started);
      pids_[worker] = report.pid;
      watches_[worker] = openPidfd(report.pid);
    }
  }

  /// The next report of the worker; those of others are kept.
  Report next(int worker) {
    while (reports_[worker].empty()) {
      awaitReadable(spawner_->descriptor());
      for (const Report& report : spawner_->takeReports()) {
        reports_[report.worker].push_back(report);
      }
      if (testing::Test::HasFatalFailure()) {
        throw std::runtime_error("no report");
      }
    }
    const Report report = reports_[worker].front();
    reports_[worker].erase(reports_[worker].begin());
    return report;
  }

  /// The worker is in its loop: it answers (that it could not set up this empty operation).
  void awaitAnswer(int worker) {
    arena_.offer(0, ++lastChunk_);
    FrameSender sender;
    FrameHeader header{.kind = FrameKind::Begin, .operation = 1};
    sender.add(channels_[worker].get(), header);
    header.kind = FrameKind::Run;
    header.chunk = lastChunk_;
    header.ticket = lastChunk_;
    header.count = 1;
    sender.add(channels_[worker].get(), header);
    sender.flush(channels_[worker].get());
    FrameReceiver receiver;
    ASSERT_EQ(receiver.receive(channels_[worker].get(), true), FrameReceiver::Outcome::Message);
    EXPECT_EQ(receiver.frames().at(0).header.kind, FrameKind::Threw);
  }
  void closeChannel(int worker) { channels_[worker].reset(); }
  void dropSpawner() { spawner_.reset(); }
  Spawner& spawner() { return *spawner_; }
  [[nodiscard]] pid_t pid(int worker) const { return pids_.at(worker); }
  [[nodiscard]] bool hasEnded(int worker) const {
    pollfd polled{watches_.at(worker).get(), POLLIN, 0};
    return poll(&polled, 1, 0) == 1;
  }
  void awaitEnd(int worker) const { awaitReadable(watches_.at(worker).get()); }

 private:
  std::unique_ptr<Spawner> spawner_;
  WorkerArena arena_;
  std::uint32_t lastChunk_ = 0;
  std::map<int, PrivateDescriptor> channels_;
  std::map<int, pid_t> pids_;
  std::map<int, FileDescriptor> watches_;
  std::map<int, std::vector<Report>> reports_;
};

/// The contract of a spawner, for the fork server and for the direct one.
class SpawnerTest : public testing::TestWithParam<bool> {
 protected:
  SpawnerTest() {
    if (GetParam()) {
      startForkServer();
    }
  }
  ~SpawnerTest() override { stopForkServer(); }
  static std::unique_ptr<Spawner> make() {
    return GetParam() ? makeServerSpawner() : makeDirectSpawner();
  }
};

INSTANTIATE_TEST_SUITE_P(, SpawnerTest, testing::Bool(),
                         [](const auto& isServer) { return isServer.param ? "Server" : "Direct"; });

TEST_P(SpawnerTest, StartsWorkersAndTellsTheirProcesses) {
  Crew crew(make(), 3);
  EXPECT_NE(crew.pid(0), crew.pid(1));
  EXPECT_NE(crew.pid(1), crew.pid(2));
  EXPECT_FALSE(crew.hasEnded(0));
  EXPECT_EQ(test::parentOf(crew.pid(0)) == getpid(), !GetParam())
      << "the server's workers are the server's children";
}

TEST_P(SpawnerTest, TellsAnExitWhenAChannelIsClosed) {
  Crew crew(make(), 2);
  crew.closeChannel(1);
  const Report report = crew.next(1);
  EXPECT_EQ(report.type, Report::Type::Ended);
  EXPECT_EQ(report.status, ProcessStatus::exited(0));
  EXPECT_FALSE(crew.hasEnded(0));
}

TEST_P(SpawnerTest, TellsTheSignalThatEndedAWorker) {
  Crew crew(make(), 2);
  crew.spawner().signal(0, SIGTERM);
  EXPECT_EQ(crew.next(0).status.getSignal(), SIGTERM);
  kill(crew.pid(1), SIGSEGV);
  EXPECT_EQ(crew.next(1).status.getSignal(), SIGSEGV);
  crew.spawner().signal(0, SIGTERM);  // no such worker any more: no effect
}

TEST_P(SpawnerTest, EndsItsWorkersWhenItIsDropped) {
  Crew crew(make(), 3);
  crew.dropSpawner();
  for (int worker = 0; worker < 3; ++worker) {
    crew.awaitEnd(worker);
  }
}

TEST_P(SpawnerTest, ASpawnerKnowsOnlyItsOwnWorkers) {
  Crew one(make(), 1);
  Crew two(make(), 1);
  one.dropSpawner();
  one.awaitEnd(0);
  EXPECT_FALSE(two.hasEnded(0));
  two.closeChannel(0);
  EXPECT_EQ(two.next(0).status, ProcessStatus::exited(0));
}

// A launcher and Ctrl-C signal the whole process group.
TEST_P(SpawnerTest, SignalsToTheGroupDoNotEndWorkers) {
  Crew crew(make(), 1);
  crew.awaitAnswer(0);
  for (const int signal : {SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) {
    if (GetParam()) {
      kill(-getpgid(crew.pid(0)), signal);
    } else {
      kill(crew.pid(0), signal);  // its group is the test's, too
    }
  }
  crew.awaitAnswer(0);
  crew.closeChannel(0);
  EXPECT_EQ(crew.next(0).status, ProcessStatus::exited(0))
      << "ended because its work was over, not by a signal";
}

TEST_P(SpawnerTest, TwoHundredPoolsLeaveNoDescriptor) {
  Crew first(make(), 1);
  const pid_t server = GetParam() ? test::parentOf(first.pid(0)) : getpid();
  const std::size_t before = countDescriptors(getpid());
  const std::size_t serverBefore = countDescriptors(server);
  for (int pool = 0; pool < 200; ++pool) {
    Crew crew(make(), 2);
    crew.closeChannel(pool % 2);
    crew.next(pool % 2);
  }
  EXPECT_EQ(countDescriptors(getpid()), before);
  Crew last(make(), 1);  // the server has served all that came before
  first.dropSpawner();
  first.awaitEnd(0);
  EXPECT_LE(countDescriptors(server), serverBefore + 8);
}

/// A process between the test and the workers, which the test kills.
pid_t startMiddle(const std::function<void(int output)>& body, FileDescriptor& output) {
  Pipe pipe = makePipe();
  const pid_t middle = fork();
  if (middle == 0) {
    pipe.read.reset();
    body(pipe.write.get());
    pause();
    _exit(0);
  }
  output = std::move(pipe.read);
  return middle;
}

TEST_P(SpawnerTest, NoWorkerOutlivesAParentThatWasKilled) {
  FileDescriptor output;
  const bool isServer = GetParam();
  const pid_t middle = startMiddle(
      [&](int pipe) {
        if (isServer) {
          startForkServer();
        }
        auto* crew = new Crew(isServer ? makeServerSpawner() : makeDirectSpawner(), 3);
        for (int worker = 0; worker < 3; ++worker) {
          const pid_t pid = crew->pid(worker);
          writeAll(pipe, &pid, sizeof pid);
        }
      },
      output);
  std::vector<FileDescriptor> watches;
  for (int worker = 0; worker < 3; ++worker) {
    pid_t pid = 0;
    ASSERT_EQ(read(output.get(), &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
    watches.push_back(openPidfd(pid));
  }
  kill(middle, SIGKILL);
  waitpid(middle, nullptr, 0);
  for (const FileDescriptor& watch : watches) {
    awaitReadable(watch.get());
  }
  stopForkServer();  // the one of this test, which has nothing to do with it
  EXPECT_TRUE(LeakGuard::reapOrphans().empty());
}

TEST(ForkServerTest, ItsWorkersDieWithItAndTheParentIsToldSo) {
  startForkServer();
  {
    Crew crew(makeServerSpawner(), 2);
    kill(test::parentOf(crew.pid(0)), SIGKILL);
    crew.awaitEnd(0);
    crew.awaitEnd(1);
    EXPECT_THROW(
        {
          while (true) {
            awaitReadable(crew.spawner().descriptor());
            crew.spawner().takeReports();
          }
        },
        SystemError);
    EXPECT_THROW(makeServerSpawner(), SystemError);
  }
  stopForkServer();
  EXPECT_FALSE(hasForkServer());
  EXPECT_TRUE(LeakGuard::reapOrphans().empty());
}

TEST(ForkServerTest, IsInAProcessGroupOfItsOwnAndDeafToLaunchersSignals) {
  startForkServer();
  {
    Crew crew(makeServerSpawner(), 1);
    const pid_t server = test::parentOf(crew.pid(0));
    EXPECT_EQ(getpgid(server), server);
    EXPECT_NE(getpgid(server), getpgid(0));
    for (const int signal : {SIGINT, SIGHUP, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2}) {
      kill(server, signal);
    }
    Crew next(makeServerSpawner(), 1);
    EXPECT_EQ(test::parentOf(next.pid(0)), server);
  }
  stopForkServer();
}

/// What is on stderr of a process with a fork server that ends after `last`, by no way that its
/// fork server could have expected.
std::string lastWordsAfter(const std::function<void()>& last) {
  const test::ChildEnd end = test::inChild([&] {
    startForkServer();
    last();
    return 0;
  });
  EXPECT_TRUE(LeakGuard::reapOrphans().empty());
  return end.output;
}

TEST(ForkServerTest, AsAGuardianItSaysThatItsRankIsGone) {
  EXPECT_EQ(lastWordsAfter([] { guardRank(3); }),
            "procession: error: rank 3 on host " + hostName() +
                " is gone; its workers end, and the job cannot go on\n");
}

TEST(ForkServerTest, SaysNothingWhereThereIsNoJobOrTheEndWasExpected) {
  EXPECT_EQ(lastWordsAfter([] {}), "");
  EXPECT_EQ(lastWordsAfter([] {
              guardRank(3);
              dismissGuardian();
            }),
            "");
  EXPECT_EQ(test::inChild([] {
              startForkServer();
              guardRank(3);
              stopForkServer();
              return 0;
            }).output,
            "");
}

TEST(ForkServerTest, ManyWorkersAreStartedBeforeTheFirstReportIsTaken) {
  constexpr int kWorkers = 1000;  // their starts and reports fill the sockets several times over
  startForkServer();
  {
    const std::unique_ptr<Spawner> spawner = makeServerSpawner();
    const WorkerArena arena;
    for (int worker = 0; worker < kWorkers; ++worker) {
      spawner->start(worker, makeSocketPair().second, arena.file());  // it ends at once
    }
    std::map<Report::Type, int> count;
    while (count[Report::Type::Ended] < kWorkers) {
      awaitReadable(spawner->descriptor());
      for (const Report& report : spawner->takeReports()) {
        ++count[report.type];
      }
    }
    EXPECT_EQ(count[Report::Type::Started], kWorkers);
  }
  stopForkServer();
}

TEST(ForkServerTest, TellsHowWorkersEndWhereTheProgramIgnoresItsChildren) {
  const auto before = std::signal(SIGCHLD, SIG_IGN);
  startForkServer();
  std::signal(SIGCHLD, before);
  {
    Crew crew(makeServerSpawner(), 1);
    kill(crew.pid(0), SIGSEGV);
    EXPECT_EQ(crew.next(0).status.getSignal(), SIGSEGV);
  }
  stopForkServer();
}

TEST(ForkServerTest, BelongsToTheProcessThatStartedIt) {
  startForkServer();
  EXPECT_TRUE(hasForkServer());
  const pid_t child = fork();
  if (child == 0) {
    _exit(hasForkServer() ? 1 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  stopForkServer();
  stopForkServer();
  EXPECT_FALSE(hasForkServer());
}

}  // namespace
}  // namespace procession::detail
