#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "pool/memory_map.hpp"
#include "pool/pool_test_support.hpp"
#include "procession/fork_process.hpp"
#include "procession/node_shared.hpp"
#include "procession/process_pool.hpp"
#include "support/begun_thread.hpp"

// How workers have values of nodeShared(): the same memory in all of them, which none can change,
// and which is free when the value is released.

namespace procession::test {
namespace {

constexpr int kWorkers = 4;
constexpr std::size_t kCount = std::size_t{8} << 20;
constexpr std::size_t kBytes = kCount * sizeof(double);

using Table = NodeShared<std::vector<double>>;

/// What a rank makes at its first task stays there for the next ones.
class FirstTask : public testing::Environment {
 public:
  void SetUp() override {
    ForkProcess task([] {});
    task.start();
    task.wait();
  }
};
const auto* const firstTask = testing::AddGlobalTestEnvironment(new FirstTask);

class WorkerSharedTest : public testing::Test {
 protected:
  static Table makeTable(double value = 1.0) {
    return nodeShared<double>(kCount,
                              [&](std::span<double> values) { std::ranges::fill(values, value); });
  }

  /// Has each of the workers read all of the table. Returns their pids.
  std::vector<pid_t> readInAllWorkers(Table::View view) {
    Gate gate;
    auto keeper = begunThread<std::jthread>([&] {
      gate.awaitArrivals(kWorkers);
      gate.letPass(kWorkers);
    });
    const auto read = [](const std::string& path, Table::View table, int) {
      double sum = 0;
      for (const double value : *table) {
        sum += value;
      }
      Gate::pass(path);  // so that each has one item
      return std::pair(getpid(), sum);
    };
    std::vector<pid_t> pids;
    for (const auto& [pid, sum] :
         pool_.map(numbersUpTo(kWorkers), bindFront(read, gate.path(), view))) {
      EXPECT_EQ(sum, static_cast<double>(kCount));
      pids.push_back(pid);
    }
    EXPECT_EQ(std::set(pids.begin(), pids.end()).size(), static_cast<std::size_t>(kWorkers));
    return pids;
  }

  ProcessPool pool_{{.workerCount = kWorkers, .chunkSize = 1}};
};

TEST_F(WorkerSharedTest, AllWorkersHaveTheSameMemory) {
  const Table table = makeTable();
  std::size_t proportional = 0;
  for (const pid_t pid : readInAllWorkers(table.view())) {
    const MemoryMap map = MemoryMap::of(pid, kBytes);
    EXPECT_EQ(map.mappings, 1);
    EXPECT_EQ(map.resident, kBytes);
    proportional += map.proportional;
  }
  EXPECT_LE(proportional, kBytes + kBytes / 64);
  EXPECT_GE(proportional, kBytes - kBytes / 64);
}

TEST_F(WorkerSharedTest, AReleasedValueIsGoneFromWorkersAndProgram) {
  std::optional<Table> table = makeTable();
  const std::vector<pid_t> pids = readInAllWorkers(table->view());
  EXPECT_EQ(MemoryMap::of(getpid(), kBytes).mappings, 1);
  table.reset();
  EXPECT_EQ(MemoryMap::of(getpid(), kBytes).mappings, 0);
  pool_.each(std::vector{0}, [](int) {});
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (const pid_t pid : pids) {  // those without an item hear of it on their own time
    while (MemoryMap::of(pid, kBytes).mappings != 0 && std::chrono::steady_clock::now() < limit) {
      std::this_thread::yield();
    }
    EXPECT_EQ(MemoryMap::of(pid, kBytes).mappings, 0);
  }
}

TEST_F(WorkerSharedTest, AWorkerThatWritesToItIsLostAndTheValueStaysAsItWas) {
  const Table table = makeTable();
  const auto write = [view = table.view()](int) {
    *const_cast<volatile double*>(view->data()) = 2;  // NOLINT: on purpose
  };
  EXPECT_THROW(pool_.each(std::vector{0}, write), WorkerLost);
  EXPECT_EQ((*table)[0], 1.0);
  readInAllWorkers(table.view());
}

TEST_F(WorkerSharedTest, AWorkerInPlaceOfALostOneReadsItInTheSameOperation) {
  const Table table = makeTable(3.0);
  const SharedFile file;
  const auto dieOnce = [](const std::string& path, Table::View view, int item) {
    if (item == 5 && SharedFile::linesOf(path).empty()) {
      SharedFile::append(path, "dead");
      raise(SIGKILL);
    }
    return (*view)[static_cast<std::size_t>(item)];
  };
  ProcessPool pool({.workerCount = 1, .retries = 1});
  EXPECT_EQ(pool.map(numbersUpTo(100), bindFront(dieOnce, file.path(), table.view())),
            std::vector<double>(100, 3.0));
}

TEST_F(WorkerSharedTest, ValuesThatAPoolWasMadeWithAreReleasedLikeOthers) {
  std::optional<Table> table = makeTable();
  ProcessPool pool(1);
  table.reset();
  const auto count = [](std::size_t bytes, int) { return MemoryMap::of(getpid(), bytes).mappings; };
  EXPECT_EQ(pool.map(std::vector{0}, bindFront(count, kBytes)), std::vector{0});
}

TEST_F(WorkerSharedTest, WorkersKeepNoDescriptorOfIt) {
  const auto countDescriptors = [](int) {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  ProcessPool pool(1);
  const auto before = pool.map(std::vector{0}, countDescriptors);
  std::vector<NodeShared<int>> values;
  for (int n = 0; n < 40; ++n) {
    values.push_back(nodeShared(n));
  }
  EXPECT_EQ(pool.map(std::vector{0}, countDescriptors), before);
}

TEST_F(WorkerSharedTest, ATaskThatRunsKeepsWhatTheProgramReleases) {
  Gate gate;
  std::optional<Table> table = makeTable(81.0);
  ForkProcess process(
      [](const std::string& path, Table::View view) {
        Gate::pass(path);
        return view->back();
      },
      gate.path(), table->view());
  process.start();
  gate.awaitArrivals(1);
  table.reset();
  gate.letPass(1);
  process.wait();
  EXPECT_EQ(process.getOutput(), 81.0);
}

}  // namespace
}  // namespace procession::test
