#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

#include "backend/ranks.hpp"
#include "pool/pool_test_support.hpp"
#include "procession/process_pool.hpp"
#include "support/process_stat.hpp"

// A reduction to a large accumulator, over many more leaves than workers. Partials wait for their
// neighbours in a tree: in the parent about log2(chunks) of them and a few that came early, in
// agents and workers those of a chunk. The parent's figure holds those of its own agent, too, and
// in each there are some copies of the zero.

namespace procession::test {
namespace {

using Bins = std::vector<double>;

constexpr std::size_t kBins = std::size_t{8} << 20;
constexpr std::size_t kBytes = kBins * sizeof(double);  // 64 MiB

/// A line of /proc/<pid>/status that counts KiB, in bytes.
std::size_t statusOf(pid_t pid, const std::string& name) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":")) {
      return std::stoul(line.substr(name.size() + 1)) << 10;
    }
  }
  return 0;
}

class LargePartialsLargeTest : public testing::Test {
 protected:
  LargePartialsLargeTest() : pool_({.workerCount = ranks(), .grain = 1}) {}

  static int ranks() { return detail::activeRanks()->size(); }

  std::vector<pid_t> workers() {
    Gate gate;
    const auto count = static_cast<std::size_t>(ranks());
    gate.letPass(count);
    const auto whoIsThere = [](const std::string& path, int) {
      Gate::pass(path);
      return getpid();
    };
    return pool_.map(numbersUpTo(ranks()), bindFront(whoIsThere, gate.path()));
  }

  void check(int items, int mostInWorker) {
    const auto count = [](Bins bins, int item) {
      bins[static_cast<std::size_t>(item) * 7919 % kBins] += 1;
      return bins;
    };
    const auto add = [](Bins left, const Bins& right) {
      for (std::size_t i = 0; i < kBins; ++i) {
        left[i] += right[i];
      }
      return left;
    };
    const Bins bins = pool_.aggregate(std::views::iota(0, items), Bins(kBins), count, add);
    double sum = 0;
    for (int item = 0; item < items; ++item) {
      sum += bins[static_cast<std::size_t>(item) * 7919 % kBins];
    }
    EXPECT_EQ(sum, items);

    for (const pid_t worker : workers()) {
      const pid_t rank = parentOf(parentOf(worker));
      for (const pid_t pid : {worker, rank}) {
        const double copies =
            static_cast<double>(statusOf(pid, "VmHWM")) / static_cast<double>(kBytes);
        const auto [who, most] = pid == worker     ? std::pair("worker", mostInWorker)
                                 : pid == getpid() ? std::pair("parent", 18)
                                                   : std::pair("agent", 7);
        std::printf("%s %d: at most %.1f copies\n", who, pid, copies);
        EXPECT_LE(copies, most) << who;
      }
    }
  }

  ProcessPool pool_;
};

TEST_F(LargePartialsLargeTest, NoProcessHoldsMoreThanAFew) { check(100, 6); }

// Takes five minutes; to be run by hand: mpirun -n 3 ranks_test --gtest_also_run_disabled_tests
// --gtest_filter='LargePartials*'
TEST_F(LargePartialsLargeTest, DISABLED_NoProcessHoldsMoreThanAFewOfTenThousand) {
  check(10'000, 7);
}

}  // namespace
}  // namespace procession::test
