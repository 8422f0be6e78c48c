// What holds on every backend, the serial one too.

#include "procession/process_manager.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "procession/error.hpp"

namespace procession {
namespace {

using testing::HasSubstr;

TEST(ProcessManagerTest, OutcomesComeInTheOrderOfAdd) {
  ProcessManager manager;
  for (int i = 0; i < 20; ++i) {
    manager.add([i] { return i * i; });
  }
  const auto outcomes = manager.run();
  ASSERT_EQ(outcomes.size(), 20U);
  for (int i = 0; i < 20; ++i) {
    const TaskOutcome& outcome = outcomes[static_cast<std::size_t>(i)];
    EXPECT_TRUE(outcome);
    EXPECT_EQ(outcome.get<int>(), i * i);
    EXPECT_EQ(outcome.getAttempts(), 1);
    EXPECT_FALSE(outcome.getHost().empty());
    EXPECT_GT(outcome.getDuration().count(), 0);
    EXPECT_TRUE(outcome.getStatus().isSuccess());
  }
}

TEST(ProcessManagerTest, ResultsOfOneTypeComeAsAVector) {
  ProcessManager manager;
  for (int i = 0; i < 10; ++i) {
    manager.add([](int a, const std::string& b) { return std::to_string(a) + b; }, i, "th");
  }
  const std::vector<std::string> results = manager.run<std::string>(3);
  ASSERT_EQ(results.size(), 10U);
  EXPECT_EQ(results[7], "7th");
}

TEST(ProcessManagerTest, TasksMayDifferInTheirResults) {
  ProcessManager manager;
  const auto number = manager.add([] { return 42; });
  const auto text = manager.add([] { return std::string(300000, 'x'); });
  const auto nothing = manager.add([] {});
  const auto map = manager.add(
      [](std::unique_ptr<int> key) {
        return std::map<int, bool>{{*key, false}};
      },
      std::make_unique<int>(3));
  const auto outcomes = manager.run(2);
  EXPECT_EQ(outcomes[0].get<int>(), 42);
  EXPECT_EQ(outcomes[1].get<std::string>().size(), 300000U);
  EXPECT_NO_THROW(outcomes[2].get<void>());
  EXPECT_EQ((outcomes[3].get<std::map<int, bool>>()), (std::map<int, bool>{{3, false}}));
  EXPECT_EQ(number->getOutput(), 42);
  EXPECT_EQ(text->getOutput().size(), 300000U);
  EXPECT_NO_THROW(nothing->getOutput());
  EXPECT_EQ(map->getOutput().size(), 1U);
}

TEST(ProcessManagerTest, AskedForAnotherTypeAnOutcomeSaysWhichItHas) {
  ProcessManager manager;
  manager.add([] { return 42; });
  const auto outcome = manager.run().front();
  try {
    outcome.get<double>();
    FAIL();
  } catch (const PayloadError& error) {
    EXPECT_STREQ(error.what(), "the task returns int, not double");
  }
}

TEST(ProcessManagerTest, ResultsOfAnotherTypeAreRefusedBeforeAnythingRuns) {
  ProcessManager manager;
  manager.add([] { return 1; });
  manager.add([] { return 1.5; });
  EXPECT_THROW(manager.run<int>(), PayloadError);
  EXPECT_EQ(manager.run().size(), 2U);  // they are still there
}

TEST(ProcessManagerTest, AFailedTaskStopsNoOther) {
  ProcessManager manager;
  manager.add([] { return 1; });
  manager.add([]() -> int { throw std::out_of_range("second"); });
  manager.add([] { return 3; });
  const auto outcomes = manager.run(1);
  EXPECT_EQ(outcomes[0].get<int>(), 1);
  EXPECT_FALSE(outcomes[1]);
  EXPECT_EQ(outcomes[2].get<int>(), 3);
  const auto& error = dynamic_cast<const TaskError&>(outcomes[1].error());
  EXPECT_EQ(error.getType(), "std::out_of_range");
  EXPECT_EQ(error.getItem(), 1U);
  EXPECT_THROW(outcomes[1].get<int>(), TaskError);
  EXPECT_EQ(outcomes[1].getStatus(), ProcessStatus::exited(1));
}

TEST(ProcessManagerTest, WithResultsOfOneTypeTheFirstFailureIsThrown) {
  ProcessManager manager;
  const auto first = manager.add([] { return 1; });
  manager.add([]() -> int { throw std::out_of_range("second"); });
  const auto third = manager.add([] { return 3; });
  try {
    manager.run<int>(1);
    FAIL();
  } catch (const TaskError& error) {
    EXPECT_EQ(error.getItem(), 1U);
  }
  EXPECT_EQ(first->getOutput(), 1);
  EXPECT_THROW(third->getOutput(), Interrupted);
  EXPECT_FALSE(manager.hasRunning());
}

TEST(ProcessManagerTest, VoidTasksCanBeRunForTheirFailuresAlone) {
  ProcessManager manager;
  manager.add([] {});
  EXPECT_NO_THROW(manager.run<void>());
  manager.add([] { throw 1; });
  EXPECT_THROW(manager.run<void>(), TaskError);
}

TEST(ProcessManagerTest, NothingToDoIsDoneAtOnce) {
  ProcessManager manager;
  EXPECT_TRUE(manager.run().empty());
  EXPECT_TRUE(manager.run<int>().empty());
  manager.wait();
  EXPECT_EQ(manager.getRunningCount(), 0);
  EXPECT_FALSE(manager.hasRunning());
  manager.killAll();
}

TEST(ProcessManagerTest, EachTaskIsRunOnce) {
  ProcessManager manager;
  manager.add([] { return 1; });
  EXPECT_EQ(manager.run<int>(), std::vector{1});
  manager.add([] { return 2; });
  EXPECT_EQ(manager.run<int>(), std::vector{2});
  EXPECT_TRUE(manager.run().empty());
}

TEST(ProcessManagerTest, WrongUseIsRefused) {
  ProcessManager manager;
  manager.add([] { return 1; });
  EXPECT_THROW(manager.run(0), std::invalid_argument);
  EXPECT_THROW(manager.run(-1), std::invalid_argument);
  EXPECT_THROW(manager.run<int>(0), std::invalid_argument);
  EXPECT_THROW(manager.add({.timeout = std::chrono::milliseconds(-1)}, [] {}),
               std::invalid_argument);
  EXPECT_THROW(manager.add({.retries = -1}, [] {}), std::invalid_argument);
  EXPECT_THROW(manager.killAll(-1), std::invalid_argument);
  EXPECT_THROW(manager.killAll(NSIG), std::invalid_argument);
  EXPECT_EQ(manager.run<int>(), std::vector{1});
}

TEST(ProcessManagerTest, AHandleCanStartItsTaskAheadOfTheRun) {
  ProcessManager manager;
  const auto first = manager.add([] { return 1; });
  const auto second = manager.add([] { return 2; });
  EXPECT_THROW(second->wait(), std::logic_error);
  EXPECT_THROW(second->getOutput(), std::logic_error);
  EXPECT_EQ(second->getStatus(), ProcessStatus());
  EXPECT_EQ(second->getPid(), std::nullopt);
  second->start();
  EXPECT_THROW(second->start(), std::logic_error);
  EXPECT_EQ(second->wait(), 0);
  EXPECT_EQ(second->getOutput(), 2);
  EXPECT_EQ(second->getExitCode(), 0);
  EXPECT_EQ(manager.run<int>(), (std::vector{1, 2}));
  EXPECT_EQ(first->getOutput(), 1);
  EXPECT_THROW(first->start(), std::logic_error);
}

TEST(ProcessManagerTest, CanBeMoved) {
  ProcessManager first;
  first.add([] { return 1; });
  ProcessManager second(std::move(first));
  // NOLINTNEXTLINE(bugprone-use-after-move): what is left is promised
  EXPECT_THROW(first.run(), std::logic_error);
  EXPECT_EQ(second.run<int>(), std::vector{1});
  first = std::move(second);
  first.add([] { return 2; });
  EXPECT_EQ(first.run<int>(), std::vector{2});
}

TEST(ProcessManagerTest, AHandleOutlivesItsManager) {
  std::shared_ptr<ManagedProcess<int>> done;
  std::shared_ptr<ManagedProcess<int>> never;
  {
    ProcessManager manager;
    done = manager.add([] { return 1; });
    manager.run();
    never = manager.add([] { return 2; });
  }
  EXPECT_EQ(done->getOutput(), 1);
  EXPECT_THROW(never->start(), std::logic_error);
  EXPECT_FALSE(never->isRunning());
}

TEST(ProcessManagerTest, WorksThroughItsInterfaces) {
  ProcessManager manager;
  const std::shared_ptr<ProcessInterface> process = manager.add([] { return 1; });
  ProcessManagerInterface& tasks = manager;
  EXPECT_EQ(tasks.run(1).size(), 1U);
  EXPECT_EQ(process->wait(), 0);
}

}  // namespace
}  // namespace procession
