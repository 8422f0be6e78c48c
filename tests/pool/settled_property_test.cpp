#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pool/pool_test_support.hpp"
#include "procession/process_pool.hpp"
#include "support/crash.hpp"

// Exact accounting: items that come out well, throw, crash, exit or hang, as often as they are told
// to, in random chunks over random workers; each has exactly one outcome, and the right one.
//
// A failure names its seed. --gtest_random_seed=N looks at that one alone, or at others than here.

namespace procession::test {
namespace {

using namespace std::chrono_literals;

enum class Fault : std::uint8_t { None, Throws, Crashes, IsKilled, Exits, Hangs };

struct Task {
  std::uint32_t number = 0;
  Fault fault = Fault::None;
  std::uint8_t badAttempts = 0;  // so many attempts end like that
};
constexpr std::uint8_t kAlways = 255;

/// Counts the attempts at each item, across processes.
class AttemptCounts {
 public:
  explicit AttemptCounts(std::string path) : path_(std::move(path)) {}
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& path_;
  }
  AttemptCounts() = default;

  /// Only one process has the item at a time.
  [[nodiscard]] std::uint8_t add(std::uint32_t item) const {
    const detail::FileDescriptor file(open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    std::uint8_t count = 0;
    static_cast<void>(!pread(file.get(), &count, 1, item));
    ++count;
    static_cast<void>(!pwrite(file.get(), &count, 1, item));
    return count;
  }

 private:
  std::string path_;
};

std::string resultOf(std::uint32_t number) { return std::string(number % 50, 'x') + "."; }

std::string run(const AttemptCounts& counts, const Task& task) {
  if (task.fault == Fault::None || counts.add(task.number) > task.badAttempts) {
    return resultOf(task.number);
  }
  switch (task.fault) {
    case Fault::Crashes:
      writeThroughNull();
      break;
    case Fault::IsKilled:
      raise(SIGKILL);
      break;
    case Fault::Exits:
      std::exit(7);
    case Fault::Hangs:
      while (true) {
        pause();
      }
    default:
      break;
  }
  throw std::out_of_range(std::to_string(task.number));
}

/// What is expected of an outcome that holds no value.
void expectError(const Outcome<std::string>& outcome, const Task& task) {
  const Error& error = outcome.error();
  if (task.fault == Fault::Throws) {
    EXPECT_EQ(dynamic_cast<const TaskError&>(error).getMessage(), std::to_string(task.number));
    EXPECT_EQ(dynamic_cast<const TaskError&>(error).getItem(), task.number);
  } else if (task.fault == Fault::Hangs) {
    EXPECT_EQ(dynamic_cast<const TaskTimeout&>(error).getItem(), task.number);
  } else {
    const auto& lost = dynamic_cast<const WorkerLost&>(error);
    EXPECT_EQ(lost.getItem(), task.number);
    const bool isExit = task.fault == Fault::Exits;
    EXPECT_EQ(lost.getExitCode().value_or(0), isExit ? 7 : 0);
    EXPECT_EQ(lost.getSignal().value_or(0), isExit                          ? 0
                                            : task.fault == Fault::IsKilled ? SIGKILL
                                                                            : SIGSEGV);
  }
}

void checkCase(std::uint32_t seed, const std::vector<Fault>& faults) {
  std::mt19937 random(seed);
  PoolOptions options;
  options.workerCount = static_cast<int>(1 + random() % 4);
  options.chunkSize = random() % 2 == 0 ? 0 : 1 + random() % 60;
  options.retries = static_cast<int>(random() % 3);
  const bool mayHang = std::ranges::find(faults, Fault::Hangs) != faults.end();
  // So long that no other item ever takes it, whatever else the machine does.
  options.timeout = mayHang ? 1500ms : 0ms;
  std::vector<Task> tasks(random() % 400);
  const auto oneIn = 2 + random() % 40;
  bool hangs = false;  // one does: it takes its time
  std::uint32_t number = 0;
  for (Task& task : tasks) {
    task.number = number++;
    if (random() % oneIn != 0) {
      continue;
    }
    task.fault = faults[random() % faults.size()];
    if (task.fault == Fault::Hangs && std::exchange(hangs, true)) {
      task.fault = Fault::Throws;
    }
    // Without retries an item that failed may be done again when its chunk is lost.
    const bool isLasting = options.retries == 0 || random() % 3 == 0;
    task.badAttempts = isLasting ? kAlways : static_cast<std::uint8_t>(1 + random() % 3);
  }
  SCOPED_TRACE("seed " + std::to_string(seed) + ": " + std::to_string(tasks.size()) + " items, " +
               std::to_string(options.workerCount) + " workers, chunks of " +
               std::to_string(options.chunkSize) + ", " + std::to_string(options.retries) +
               " retries");
  const SharedFile file;
  ProcessPool pool(options);
  const auto outcomes = pool.mapSettled(tasks, bindFront(&run, AttemptCounts(file.path())));
  ASSERT_EQ(outcomes.size(), tasks.size());
  EXPECT_EQ(pool.getProcessedCount(), tasks.size());
  for (const Task& task : tasks) {
    SCOPED_TRACE("item " + std::to_string(task.number));
    const Outcome<std::string>& outcome = outcomes[task.number];
    const int failures = task.fault == Fault::None ? 0 : task.badAttempts;
    ASSERT_EQ(static_cast<bool>(outcome), failures <= options.retries)
        << (outcome ? "a value" : outcome.error().what());
    EXPECT_EQ(outcome.getAttempts(), std::min(failures, options.retries) + 1);
    EXPECT_FALSE(outcome.getHost().empty());
    if (outcome) {
      EXPECT_EQ(*outcome, resultOf(task.number));
    } else {
      expectError(outcome, task);
    }
  }
}

void checkCases(std::uint32_t seeds, const std::vector<Fault>& faults) {
  const auto asked = static_cast<std::uint32_t>(GTEST_FLAG_GET(random_seed));
  for (std::uint32_t seed = asked == 0 ? 1 : asked; seed <= (asked == 0 ? seeds : asked); ++seed) {
    checkCase(seed, faults);
  }
}

TEST(PoolSettledPropertyTest, EachItemHasOneOutcomeAndTheRightOneWhateverThrows) {
  checkCases(25, {Fault::Throws});
}

TEST(WorkerSettledPropertyTest, EachItemHasOneOutcomeAndTheRightOneWhateverHappensToItsProcess) {
  checkCases(12, {Fault::Throws, Fault::Crashes, Fault::IsKilled, Fault::Exits});
}

TEST(WorkerSettledPropertyTest, EachItemHasOneOutcomeAndTheRightOneWhenSomeHang) {
  checkCases(3, {Fault::Throws, Fault::IsKilled, Fault::Hangs});
}

}  // namespace
}  // namespace procession::test
