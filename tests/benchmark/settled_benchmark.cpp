#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ranges>
#include <string>
#include <vector>

#include "benchmark_suite.hpp"
#include "contender.hpp"
#include "procession/process_pool.hpp"

// An outcome an item beside a bare result: what it costs that one bad item ends nothing, when none
// is bad.

namespace procession::benchmarks {

namespace {

/// Some 5 us of arithmetic, in which each step waits for the one before.
std::uint64_t work(std::uint64_t item) {
  constexpr int kSteps = 4'000;
  for (int i = 0; i < kSteps; ++i) {
    item = item * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
  }
  return item;
}

std::vector<std::uint64_t> workAlone(std::uint64_t count) {
  std::vector<std::uint64_t> results(count);
  std::ranges::transform(std::views::iota(std::uint64_t{0}, count), results.begin(), work);
  return results;
}

}  // namespace

void registerSettled(const Settings& settings) {
  const int workers = settings.workers;
  const std::uint64_t count = settings.tiny ? 1'000 : 100'000;
  const auto items = std::views::iota(std::uint64_t{0}, count);
  const auto plain = lazily([workers] { return ProcessPool(workers); });
  const auto careful = lazily([workers] {
    return ProcessPool({.workerCount = workers, .retries = 2, .timeout = std::chrono::seconds(10)});
  });
  const auto expected = lazily([count] { return workAlone(count); });
  const std::string row = "settled/" + std::to_string(count);
  addContender(
      row + "/procession", [=] { return careful->mapSettled(items, work); },
      [expected](const std::vector<Outcome<std::uint64_t>>& outcomes) {
        return std::ranges::equal(
            outcomes, *expected, [](const auto& outcome, std::uint64_t value) {
              return outcome && *outcome == value && outcome.getAttempts() == 1;
            });
      });
  addContender(
      row + "/map", [=] { return plain->map(items, work); },
      [expected](const std::vector<std::uint64_t>& results) { return results == *expected; });
}

}  // namespace procession::benchmarks
