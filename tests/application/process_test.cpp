#include "procession/process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <memory>
#include <numeric>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "procession/application.hpp"
#include "procession/error.hpp"
#include "support/scoped_environment.hpp"

namespace procession {
namespace {

using test::PlainEnvironment;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Ne;

class ProcessTest : public testing::Test {
 protected:
  PlainEnvironment environment_;
  const std::vector<int> numbers_{1, 2, 3, 4, 5, 6, 7};
};

TEST_F(ProcessTest, MapKeepsTheOrder) {
  EXPECT_THAT(Process::map(numbers_, [](int n) { return n * n; }),
              ElementsAre(1, 4, 9, 16, 25, 36, 49));
}

TEST_F(ProcessTest, MapRunsInOtherProcesses) {
  EXPECT_THAT(Process::map(numbers_, [](int) { return getpid(); }), Each(Ne(getpid())));
}

TEST_F(ProcessTest, FilterKeepsTheOrderAndFalsyItems) {
  EXPECT_THAT(Process::filter(std::vector{3, 0, -1, 0, 5}, [](int n) { return n >= 0; }),
              ElementsAre(3, 0, 0, 5));
}

TEST_F(ProcessTest, ReduceAppliesTheInitialValueOnceOnTheLeft) {
  const auto join = [](std::string left, std::string right) { return left + right; };
  EXPECT_EQ(Process::reduce(std::vector<std::string>{"b", "c", "d"}, join, std::string("a")),
            "abcd");
  EXPECT_EQ(Process::reduce(numbers_, std::plus<>(), 1000), 1028);
}

TEST_F(ProcessTest, ReduceWithoutAnInitialValueStartsFromTheFirstItem) {
  EXPECT_EQ(Process::reduce(numbers_, std::multiplies<>()), 5040);
  EXPECT_EQ(Process::reduce(std::views::iota(1, 8), std::multiplies<>()), 5040);
  EXPECT_EQ(Process::reduce(std::vector{9}, std::plus<>()), 9);
  EXPECT_EQ(Process::reduce(numbers_, std::plus<>(), {.workerCount = 3}), 28);
  EXPECT_THROW((void)Process::reduce(std::vector<int>(), std::plus<>()), std::invalid_argument);
}

TEST_F(ProcessTest, OfNothingThereIsNothing) {
  const std::vector<int> none;
  EXPECT_THAT(Process::map(none, [](int n) { return n; }), IsEmpty());
  EXPECT_THAT(Process::filter(none, [](int) { return true; }), IsEmpty());
  EXPECT_EQ(Process::reduce(none, std::plus<>(), 4), 4);
  EXPECT_THAT(Process::run(std::vector<std::function<int()>>()), IsEmpty());
}

TEST_F(ProcessTest, OptionsReachThePool) {
  const auto pids = Process::map(numbers_, [](int) { return getpid(); }, {.workerCount = 1});
  EXPECT_EQ(std::set(pids.begin(), pids.end()).size(), 1u);
  EXPECT_EQ(Process::pool(3).getWorkerCount(), 3);
  EXPECT_EQ(Process::pool({.workerCount = 2}).getWorkerCount(), 2);
  EXPECT_EQ(Process::pool().getWorkerCount(), Process::getCpuCores());
  EXPECT_THROW((void)Process::pool(-1), std::invalid_argument);
}

TEST_F(ProcessTest, RunReturnsTheResultsOfARangeInItsOrder) {
  std::vector<std::function<int()>> tasks;
  for (int i = 0; i < 9; ++i) {
    tasks.push_back([i] { return 10 * i; });
  }
  EXPECT_THAT(Process::run(tasks, 2), ElementsAre(0, 10, 20, 30, 40, 50, 60, 70, 80));
  EXPECT_THAT(Process::run(std::as_const(tasks)), testing::SizeIs(9));
}

TEST_F(ProcessTest, RunTakesCallablesThatCanOnlyBeMoved) {
  struct Task {
    std::unique_ptr<int> value;
    int operator()() const { return *value; }
  };
  std::vector<Task> tasks;
  tasks.push_back({std::make_unique<int>(1)});
  tasks.push_back({std::make_unique<int>(2)});
  EXPECT_THAT(Process::run(std::move(tasks)), ElementsAre(1, 2));
  auto single = [value = std::make_unique<int>(3)] { return *value; };
  EXPECT_EQ(Process::run(std::move(single)), std::tuple(3));
}

TEST_F(ProcessTest, RunOfVoidCallablesReturnsNothing) {
  int channel[2];
  ASSERT_EQ(pipe(channel), 0);
  const std::vector<std::function<void()>> tasks(3,
                                                 [&channel] { (void)!write(channel[1], "x", 1); });
  static_assert(std::is_void_v<decltype(Process::run(tasks))>);
  Process::run(tasks);
  std::array<char, 8> text{};
  EXPECT_EQ(read(channel[0], text.data(), text.size()), 3);
  close(channel[0]);
  close(channel[1]);
}

TEST_F(ProcessTest, RunOfDifferentCallablesReturnsATuple) {
  const auto [number, text, nothing] =
      Process::run([] { return 42; }, [] { return std::string("text"); }, [] {});
  static_assert(std::is_same_v<decltype(nothing), const std::monostate>);
  EXPECT_EQ(number, 42);
  EXPECT_EQ(text, "text");
}

TEST_F(ProcessTest, RunGoesThroughWithTheOthersWhenOneFails) {
  const auto fail = []() -> int { throw std::domain_error("no"); };
  EXPECT_THROW(Process::run(fail, [] { return 1; }), TaskError);
  EXPECT_THROW(Process::run([] {}, []() { _exit(3); }), WorkerLost);
  EXPECT_THROW(Process::run(std::vector<std::function<int()>>{fail}), TaskError);
}

TEST_F(ProcessTest, ForkGivesAProcessThatHasNotStarted) {
  auto process = Process::fork([](int a, int b) { return a + b; }, 2, 3);
  EXPECT_FALSE(process.isRunning());
  EXPECT_EQ(process.getPid(), std::nullopt);
  process.start();
  EXPECT_EQ(process.wait(), 0);
  EXPECT_EQ(process.getOutput(), 5);
}

TEST_F(ProcessTest, TheManagerIsANewOneEachTime) {
  auto manager = Process::manager();
  manager.add([] { return 1; });
  EXPECT_THAT(manager.run<int>(), ElementsAre(1));
  EXPECT_THAT(Process::manager().run<int>(), IsEmpty());
}

TEST_F(ProcessTest, ThisMachineIsSupportedAndHasCores) {
  EXPECT_TRUE(Process::isSupported());
  EXPECT_GE(Process::getCpuCores(), 1);
}

TEST_F(ProcessTest, TheSerialBackendGivesTheSameInOneProcess) {
  environment_.set("PROCESSION_BACKEND", "serial");
  EXPECT_THAT(Process::map(numbers_, [](int) { return getpid(); }), Each(getpid()));
  EXPECT_THAT(Process::filter(numbers_, [](int n) { return n > 5; }), ElementsAre(6, 7));
  EXPECT_EQ(Process::reduce(numbers_, std::plus<>(), 0), 28);
  EXPECT_EQ(Process::run([] { return getpid(); }, [] {}), std::tuple(getpid(), std::monostate()));
}

TEST_F(ProcessTest, OfSeveralRanksNoneDoesTheWorkOfAll) {
  environment_.set("PMI_SIZE", "2");
  EXPECT_THROW((void)Process::map(numbers_, [](int n) { return n; }), Error);
  EXPECT_THROW((void)Process::run([] { return 1; }, [] { return 2; }), Error);
  auto process = Process::fork([] { return 1; });
  EXPECT_THROW(process.start(), Error);
  auto manager = Process::manager();
  const auto task = manager.add([] { return 1; });
  EXPECT_THROW(task->start(), Error);
  environment_.unset("PMI_SIZE");
  EXPECT_THAT(manager.run<int>(), ElementsAre(1)) << "usable once there is one rank";
}

TEST_F(ProcessTest, CallbacksGetTheStreamsOfTheSeedAskedFor) {
  const auto numbers =
      Process::map(numbers_, [](int, Random& random) { return random(); }, {.seed = 5});
  ASSERT_EQ(numbers.size(), numbers_.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    EXPECT_EQ(numbers[i], Random(5, i)());
  }
}

int changed = 0;

TEST_F(ProcessTest, OnItsOwnEachCallSeesTheMemoryOfTheMoment) {
  changed = 0;
  EXPECT_THAT(Process::map(numbers_, [](int) { return changed; }), Each(0));
  changed = 1;
  EXPECT_THAT(Process::map(numbers_, [](int) { return changed; }), Each(1));
}

std::set<pid_t> workersOf(const std::vector<int>& items,
                          const PoolOptions& options = {.workerCount = 1}) {
  const auto pids = Process::map(
      items, [](int) { return getpid(); }, options);
  return {pids.begin(), pids.end()};
}

TEST_F(ProcessTest, UnderApplicationRunTheWorkersAreKept) {
  const auto body = [&] {
    const auto first = workersOf(numbers_);
    EXPECT_EQ(workersOf(numbers_), first);
    const auto other = workersOf(numbers_, {.workerCount = 1, .retries = 1});
    EXPECT_THAT(other, Ne(first)) << "of other options";
    EXPECT_EQ(workersOf(numbers_, {.workerCount = 1, .retries = 1}), other);
  };
  EXPECT_EQ(Application::run(0, nullptr, body), 0);
  EXPECT_THAT(workersOf(numbers_), Ne(workersOf(numbers_))) << "and not without it";
}

TEST_F(ProcessTest, TheKeptWorkersSurviveAFailure) {
  const auto body = [&] {
    const auto first = workersOf(numbers_);
    EXPECT_THROW((void)Process::map(
                     numbers_, [](int n) { return n < 3 ? n : throw std::domain_error("big"); },
                     {.workerCount = 1}),
                 TaskError);
    EXPECT_EQ(workersOf(numbers_), first);
  };
  EXPECT_EQ(Application::run(0, nullptr, body), 0);
}

TEST_F(ProcessTest, WithinAWorkerItWorksSerially) {
  const auto body = [&] {
    (void)workersOf(numbers_);  // so that there are kept workers, which belong to the parent
    EXPECT_THAT(
        Process::run([] { return Process::reduce(std::views::iota(1, 101), std::plus<>(), 0); }),
        std::tuple(5050));
    EXPECT_THAT(Process::map(numbers_,
                             [](int n) {
                               return Process::reduce(std::views::iota(0, n), std::plus<>(), 0);
                             }),
                ElementsAre(0, 1, 3, 6, 10, 15, 21));
    EXPECT_EQ(workersOf(numbers_).size(), 1u) << "still usable";
  };
  EXPECT_EQ(Application::run(0, nullptr, body), 0);
}

}  // namespace
}  // namespace procession
