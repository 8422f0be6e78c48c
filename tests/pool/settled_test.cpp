#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include "pool/child_pool_test.hpp"
#include "pool/pool_test_support.hpp"
#include "procession/process_pool.hpp"
#include "support/crash.hpp"

// What ProcessPool::mapSettled promises.

namespace procession::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::string hostHere() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

void spinFor(std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

/// Notes the item in a file; returns how often it was there.
std::size_t noteAttempt(const std::string& path, int item) {
  const std::string file = path + "." + std::to_string(item);
  SharedFile::append(file, "attempt");
  return SharedFile::linesOf(file).size();
}

int halve(int n) { return n % 2 == 0 ? n / 2 : throw std::domain_error(std::to_string(n)); }

TEST(PoolSettledTest, GivesAValueOrAnErrorForEachItemInOrder) {
  ProcessPool pool(3);
  const std::vector<Outcome<int>> outcomes = pool.mapSettled(numbersUpTo(1000), halve);
  ASSERT_EQ(outcomes.size(), 1000u);
  for (int n = 0; n < 1000; ++n) {
    const Outcome<int>& outcome = outcomes[static_cast<std::size_t>(n)];
    ASSERT_EQ(static_cast<bool>(outcome), n % 2 == 0) << n;
    EXPECT_EQ(outcome.getAttempts(), 1);
    EXPECT_FALSE(outcome.getHost().empty());
    if (outcome) {
      EXPECT_EQ(*outcome, n / 2);
      continue;
    }
    const auto& error = dynamic_cast<const TaskError&>(outcome.error());
    EXPECT_EQ(error.getItem(), static_cast<std::uint64_t>(n));
    EXPECT_EQ(error.getType(), "std::domain_error");
    EXPECT_EQ(error.getMessage(), std::to_string(n));
    EXPECT_EQ(error.getHost(), outcome.getHost());
    EXPECT_GT(error.getPid(), 0);
    EXPECT_THROW(static_cast<void>(outcome.value()), TaskError);
  }
  EXPECT_EQ(pool.getProcessedCount(), 1000u) << "a settled item is one that is done with";
}

TEST(PoolSettledTest, GivesNothingForNoItems) {
  ProcessPool pool(2);
  EXPECT_TRUE(pool.mapSettled(std::vector<int>(), halve).empty());
}

TEST(PoolSettledTest, ErrorsTellWhereItWasThrown) {
  ProcessPool pool(1);
  const auto outcomes = pool.mapSettled(std::vector{1}, halve);
  const auto& error = dynamic_cast<const TaskError&>(outcomes.at(0).error());
#if defined(__x86_64__)
  EXPECT_FALSE(error.getBacktrace().empty());
#endif
  EXPECT_THAT(error.what(), HasSubstr("item 0"));
}

TEST(PoolSettledTest, CallbacksMayReturnNothing) {
  ProcessPool pool(2);
  const std::vector<Outcome<void>> outcomes =
      pool.mapSettled(std::vector{2, 3, 4}, [](int n) { static_cast<void>(halve(n)); });
  ASSERT_EQ(outcomes.size(), 3u);
  EXPECT_TRUE(outcomes[0]);
  EXPECT_FALSE(outcomes[1]);
  EXPECT_TRUE(outcomes[2]);
  EXPECT_NO_THROW(outcomes[2].value());
}

/// Neither made from nothing nor assigned.
struct Fixed {
  explicit Fixed(int given) : number(given) {}
  const int number;
};

TEST(PoolSettledTest, TakesItemsAndResultsOfEveryKind) {
  ProcessPool pool(2);
  const auto valuesOf = [](auto outcomes) {
    std::vector<std::remove_cvref_t<decltype(*outcomes[0])>> values;
    values.reserve(outcomes.size());
    for (auto& outcome : outcomes) {
      values.push_back(*std::move(outcome));
    }
    return values;
  };
  EXPECT_EQ(
      valuesOf(pool.mapSettled(std::views::iota(0, 500), [](int n) { return 2 * n; })).at(499),
      998);
  EXPECT_EQ(valuesOf(pool.mapSettled(std::vector<std::string>{"a", "bc"},
                                     [](const std::string& word) { return word + word; })),
            (std::vector<std::string>{"aa", "bcbc"}));
  std::vector<std::unique_ptr<int>> owners;
  owners.push_back(std::make_unique<int>(4));
  const auto owned = pool.mapSettled(
      owners, [](const std::unique_ptr<int>& item) { return std::make_unique<int>(*item + 1); });
  EXPECT_EQ(**owned.at(0), 5);
  const auto fixed = pool.mapSettled(numbersUpTo(300), [](int n) { return Fixed(n); });
  EXPECT_EQ(fixed.at(299)->number, 299);
  EXPECT_EQ(valuesOf(pool.mapSettled(std::vector{true, false}, [](bool b) { return !b; })),
            (std::vector{false, true}));
}

TEST(PoolSettledTest, CountsTheAttemptsOfEachItem) {
  const SharedFile file;
  ProcessPool pool({.workerCount = 2, .retries = 2});
  const auto failOften = [](const std::string& path, int n) {
    if (n % 10 == 3 && noteAttempt(path, n) <= static_cast<std::size_t>(n / 10)) {
      throw std::runtime_error("not yet");
    }
    return n;
  };
  const auto outcomes = pool.mapSettled(numbersUpTo(50), bindFront(failOften, file.path()));
  ASSERT_EQ(outcomes.size(), 50u);
  for (int n = 0; n < 50; ++n) {
    const Outcome<int>& outcome = outcomes[static_cast<std::size_t>(n)];
    const int failures = n % 10 == 3 ? n / 10 : 0;
    EXPECT_EQ(outcome.getAttempts(), std::min(failures, 2) + 1) << n;
    EXPECT_EQ(static_cast<bool>(outcome), failures <= 2) << n;
    EXPECT_FALSE(outcome.getHost().empty()) << n;
  }
}

TEST(PoolSettledTest, ARetrySeesTheRandomStreamOfItsItem) {
  const SharedFile file;
  ProcessPool pool({.workerCount = 2, .retries = 1, .seed = 7});
  const auto draw = [](const std::string& path, int n, Random& random) {
    const std::uint64_t number = random();
    if (n % 2 == 0 && noteAttempt(path, n) == 1) {
      throw std::runtime_error("once");
    }
    return number;
  };
  const auto outcomes = pool.mapSettled(numbersUpTo(20), bindFront(draw, file.path()));
  const auto expected =
      pool.map(numbersUpTo(20), [](int, Random& random) { return std::uint64_t{random()}; });
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(*outcomes.at(i), expected[i]) << i;
    EXPECT_EQ(outcomes.at(i).getAttempts(), i % 2 == 0 ? 2 : 1) << i;
  }
}

TEST(PoolSettledTest, TellsHowLongTheLastAttemptTook) {
  for (const int retries : {0, 1}) {
    ProcessPool pool({.workerCount = 2, .retries = retries});
    const auto start = std::chrono::steady_clock::now();
    const auto outcomes = pool.mapSettled(numbersUpTo(20), [](int n) {
      spinFor(n == 5 || n == 6 ? 30ms : 0ms);
      return n == 6 ? throw std::runtime_error("late") : n;
    });
    const auto all = std::chrono::steady_clock::now() - start;
    std::chrono::nanoseconds sum{0};
    for (const auto& outcome : outcomes) {
      EXPECT_GT(outcome.getDuration().count(), 0);
      sum += outcome.getDuration();
    }
    EXPECT_GE(outcomes.at(5).getDuration(), 30ms);
    EXPECT_GE(outcomes.at(6).getDuration(), 30ms);
    EXPECT_LE(sum, all * 2) << "two workers";
  }
}

TEST(PoolSettledTest, IsNestedInACallback) {
  ProcessPool pool(2);
  const auto counts = pool.map(std::vector{10, 21}, [](int n) {
    ProcessPool inner(2);
    const auto outcomes = inner.mapSettled(std::views::iota(0, n), halve);
    return std::ranges::count_if(outcomes, [](const auto& outcome) { return !outcome; });
  });
  EXPECT_THAT(counts, testing::ElementsAre(5, 10));
}

/// What was not begun when the deadline came has no attempts, what was done is there.
TEST(PoolSettledTest, ReturnsWhatIsDoneWhenTheDeadlineComes) {
  const SharedFile file;
  ProcessPool pool({.workerCount = 2, .deadline = std::chrono::system_clock::now() + 200ms});
  const auto work = [](const std::string& path, int n) {
    spinFor(5ms);
    SharedFile::append(path, std::to_string(n));
    return n;
  };
  const auto outcomes = pool.mapSettled(numbersUpTo(2000), bindFront(work, file.path()));
  ASSERT_EQ(outcomes.size(), 2000u);
  std::size_t done = 0;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (outcomes[i]) {
      ++done;
      EXPECT_EQ(*outcomes[i], static_cast<int>(i));
      EXPECT_EQ(outcomes[i].getAttempts(), 1);
    } else {
      EXPECT_NE(dynamic_cast<const Interrupted*>(&outcomes[i].error()), nullptr);
      EXPECT_EQ(outcomes[i].getAttempts(), 0);
    }
  }
  EXPECT_EQ(done, file.lines().size()) << "nothing that was done is lost";
  EXPECT_LT(done, 2000u);
}

// Of processes.

TEST(WorkerSettledTest, ACrashAHangAndAnExitAreOutcomesToo) {
  for (const int retries : {0, 1}) {
    ProcessPool pool({.workerCount = 2, .retries = retries, .timeout = 800ms});
    const auto outcomes = pool.mapSettled(numbersUpTo(200), [](int n) {
      if (n == 20) {
        writeThroughNull();
      } else if (n == 50) {
        pause();
      } else if (n == 120) {
        std::exit(3);
      }
      return n;
    });
    ASSERT_EQ(outcomes.size(), 200u);
    const auto& crash = dynamic_cast<const WorkerLost&>(outcomes[20].error());
    EXPECT_EQ(crash.getSignal(), SIGSEGV);
    EXPECT_EQ(crash.getItem(), 20u);
    const auto& hang = dynamic_cast<const TaskTimeout&>(outcomes[50].error());
    EXPECT_EQ(hang.getLimit(), 800ms);
    EXPECT_GE(outcomes[50].getDuration(), 800ms);
    const auto& exit = dynamic_cast<const WorkerLost&>(outcomes[120].error());
    EXPECT_EQ(exit.getExitCode(), 3);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      const bool isBad = i == 20 || i == 50 || i == 120;
      EXPECT_EQ(static_cast<bool>(outcomes[i]), !isBad) << i;
      EXPECT_EQ(outcomes[i].getAttempts(), isBad ? 1 + retries : 1) << i;
      EXPECT_FALSE(outcomes[i].getHost().empty()) << i;
    }
  }
}

TEST(WorkerSettledTest, TheHostIsThatOfTheWorker) {
  ProcessPool pool(3);
  const auto outcomes = pool.mapSettled(numbersUpTo(100), [](int) { return hostHere(); });
  for (const Outcome<std::string>& outcome : outcomes) {
    EXPECT_EQ(outcome.getHost(), *outcome);
  }
}

TEST(WorkerSettledTest, WhatTheDeadlineCutsOffWasBegun) {
  ProcessPool pool(
      {.workerCount = 1, .chunkSize = 1, .deadline = std::chrono::system_clock::now() + 500ms});
  const auto outcomes = pool.mapSettled(numbersUpTo(100), [](int n) {
    if (n == 3) {
      pause();
    }
    return n;
  });
  EXPECT_EQ(*outcomes.at(2), 2);
  EXPECT_THROW(static_cast<void>(outcomes.at(3).value()), Interrupted);
  EXPECT_EQ(outcomes.at(3).getAttempts(), 1);
  EXPECT_THROW(static_cast<void>(outcomes.at(99).value()), Interrupted);
  EXPECT_EQ(outcomes.at(99).getAttempts(), 0);
  EXPECT_EQ(pool.getProcessedCount(), 3u);
}

TEST(WorkerSettledTest, WhatWasToBeTriedAgainAtTheDeadlineSaysWhyItFailed) {
  const SharedFile file;
  ProcessPool pool({.workerCount = 1,
                    .chunkSize = 1,
                    .retries = 1,
                    .deadline = std::chrono::system_clock::now() + 500ms});
  const auto failThenHang = [](const std::string& path, int n) {
    if (noteAttempt(path, n) == 1) {
      throw std::runtime_error("first");
    }
    return pause();
  };
  const auto outcomes = pool.mapSettled(std::vector{0, 1}, bindFront(failThenHang, file.path()));
  EXPECT_THROW(static_cast<void>(outcomes.at(0).value()), Interrupted);
  EXPECT_EQ(outcomes.at(0).getAttempts(), 2);
}

TEST(WorkerSettledTest, LocalOnlyCallbacksSettleToo) {
  const std::string suffix = "!";
  ProcessPool pool({.workerCount = 2, .retries = 1});
  const auto outcomes = pool.mapSettled(numbersUpTo(100), localOnly([&](int n) {
                                          if (n == 17) {
                                            raise(SIGKILL);
                                          }
                                          return std::to_string(halve(2 * n)) + suffix;
                                        }));
  EXPECT_EQ(*outcomes.at(99), "99!");
  EXPECT_THROW(static_cast<void>(outcomes.at(17).value()), WorkerLost);
  EXPECT_EQ(outcomes.at(17).getAttempts(), 2);
}

class SettledInterruptTest : public ChildPoolTest {};

INSTANTIATE_TEST_SUITE_P(, SettledInterruptTest, testing::Bool(),
                         [](const auto& isServer) { return isServer.param ? "Server" : "Direct"; });

TEST_P(SettledInterruptTest, ASignalIsThrownAsByOtherOperations) {
  Gate gate;
  const auto wait = [](const std::string& path, int n) {
    Gate::pass(path);
    return n;
  };
  const pid_t child = start([&] {
    std::signal(SIGINT, [](int) {});
    ProcessPool pool(2);
    try {
      static_cast<void>(pool.mapSettled(numbersUpTo(100), bindFront(wait, gate.path())));
      return 1;
    } catch (const Interrupted& interrupted) {
      return interrupted.getSignal() == SIGINT ? 0 : 2;
    }
  });
  gate.awaitArrivals(2);
  kill(child, SIGINT);
  EXPECT_EQ(awaitEnd(child), ProcessStatus::exited(0));
}

}  // namespace
}  // namespace procession::test
