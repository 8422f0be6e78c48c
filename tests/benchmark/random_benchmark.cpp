#include <omp.h>

#include <cmath>
#include <cstdint>
#include <ranges>
#include <string>
#include <vector>

#include "benchmark_suite.hpp"
#include "contender.hpp"
#include "procession/process_pool.hpp"
#include "procession/random.hpp"

// Random numbers by item streams, beside the same generator in a bare loop: what it costs that
// every item has a stream of its own.

namespace procession::benchmarks {

namespace {

constexpr int kNumbers = 10'000;  // of an item

double sumOf(Random& random) {
  double sum = 0;
  for (int i = 0; i < kNumbers; ++i) {
    sum += random.uniform();
  }
  return sum;
}

/// One stream a thread, of as many numbers as its items would take.
double sumInBareLoops(int threads, int items) {
  double sum = 0;
#pragma omp parallel num_threads(threads) reduction(+ : sum)
  {
    Random random(0, static_cast<std::uint64_t>(omp_get_thread_num()));
#pragma omp for schedule(static)
    for (int item = 0; item < items; ++item) {
      sum += sumOf(random);
    }
  }
  return sum;
}

}  // namespace

void registerRandom(const Settings& settings) {
  const int workers = settings.workers;
  const int items = settings.tiny ? 10 : 10'000;
  const auto pool = lazily([workers] { return ProcessPool(workers); });
  const auto matches = [items](double sum) {  // within six standard errors
    const double count = static_cast<double>(items) * kNumbers;
    return std::abs(sum - count / 2) < 6 * std::sqrt(count / 12);
  };
  const std::string row = "random/" + std::to_string(items);
  addContender(
      row + "/procession",
      [=] {
        return pool->mapReduce(
            std::views::iota(0, items), [](int, Random& random) { return sumOf(random); },
            [](double a, double b) { return a + b; }, 0.0);
      },
      matches);
  addContender(
      row + "/bare", [=] { return sumInBareLoops(workers, items); }, matches, openMpTeam(workers));
}

}  // namespace procession::benchmarks
